#include "hook/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "base/sys.h"

int maps_open(struct maps *maps)
{
    maps->fd = sys_open("/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
    maps->at = maps->n = 0;
    return maps->fd < 0 ? maps->fd : 0;
}

void maps_close(struct maps *maps)
{
    sys_close(maps->fd);
}

/* '\0' at the end. */
static char next_char(struct maps *maps)
{
    if (maps->at == maps->n) {
        ssize_t n;
        do
            n = sys_read(maps->fd, maps->buffer, sizeof maps->buffer);
        while (n == -EINTR);
        maps->at = 0;
        maps->n = n > 0 ? (size_t)n : 0;
    }
    return maps->at < maps->n ? maps->buffer[maps->at++] : '\0';
}

/* With the character behind it. */
static uint64_t next_address(struct maps *maps)
{
    uint64_t value = 0;
    for (;;) {
        char c = next_char(maps);
        if (c >= '0' && c <= '9')
            value = value << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value << 4 | (uint64_t)(c - 'a' + 10);
        else
            return value;
    }
}

/* A line is `begin-end rwxp offset …`. */
bool maps_next(struct maps *maps, struct map *map)
{
    map->begin = next_address(maps);
    map->end = next_address(maps);
    map->protection = 0;
    map->protection |= next_char(maps) == 'r' ? PROT_READ : 0;
    map->protection |= next_char(maps) == 'w' ? PROT_WRITE : 0;
    map->protection |= next_char(maps) == 'x' ? PROT_EXEC : 0;
    for (char c = ' '; c != '\n' && c != '\0';)
        c = next_char(maps);
    return map->end != 0;
}

int maps_find(uint64_t address, struct map *map)
{
    struct maps maps;
    int error = maps_open(&maps);
    if (error != 0)
        return error;
    bool found = false;
    while (!found && maps_next(&maps, map))
        found = address >= map->begin && address < map->end;
    maps_close(&maps);
    return found ? 0 : -ENOENT;
}

static bool goes_on(const struct map *map, const struct map *next)
{
    return map->end == next->begin && map->protection == next->protection;
}

int maps_find_joined(uint64_t address, struct map *map)
{
    struct maps maps;
    struct map next;
    int error = maps_open(&maps);
    if (error != 0)
        return error;
    *map = (struct map){0, 0, 0};
    while (maps_next(&maps, &next)) {
        if (goes_on(map, &next))
            map->end = next.end;
        else if (address < map->end)
            break;
        else
            *map = next;
    }
    maps_close(&maps);
    return address >= map->begin && address < map->end ? 0 : -ENOENT;
}
