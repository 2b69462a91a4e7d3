#ifndef HOOK_MAPS_H
#define HOOK_MAPS_H

/*
 * maps: what is mapped into this process, by ascending address, as the kernel tells it. Nothing is
 * allocated and libc is not called: what is being patched may be libc.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map {
    uint64_t begin, end;
    int protection; /* PROT_… */
};

struct maps {
    int fd;
    size_t at, n;
    char buffer[1024];
};

/* 0, or a negative errno value where /proc is not to be had. */
int maps_open(struct maps *maps);

/* False behind the last. */
bool maps_next(struct maps *maps, struct map *map);

void maps_close(struct maps *maps);

/* The mapping that holds `address`: 0, -ENOENT or what maps_open says. */
int maps_find(uint64_t address, struct map *map);

/* The same, joined with its neighbours of the same protection: a mapping whose pages were written
 * to by and by is several in the end. */
int maps_find_joined(uint64_t address, struct map *map);

#endif
