#include "library_cache.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { CACHE_BYTES_MOST = 64 << 20 };

/* As glibc's ldconfig writes it; places are counted from the file's beginning. */
struct header {
    char magic[20];
    uint32_t libraries, strings_bytes;
    uint32_t unused[5];
};

struct entry {
    int32_t flags;
    uint32_t name, path, os_version;
    uint64_t hardware;
};

static const char magic[] = "glibc-ld.so.cache1.1";

static bool read_header(struct bytes cache, struct header *header)
{
    if (cache.n < sizeof *header)
        return false;
    memcpy(header, cache.at, sizeof *header);
    return memcmp(header->magic, magic, sizeof header->magic) == 0 &&
           header->libraries <= (cache.n - sizeof *header) / sizeof(struct entry);
}

static struct bytes read_all(FILE *file)
{
    size_t n = 0;
    char *at = NULL;
    for (size_t room = 1 << 16; room <= CACHE_BYTES_MOST; room *= 2) {
        char *more = realloc(at, room);
        if (more == NULL)
            break;
        at = more;
        n += fread(at + n, 1, room - n, file);
        if (n < room)
            return (struct bytes){at, n};
    }
    free(at);
    return (struct bytes){NULL, 0};
}

struct bytes library_cache_read(void)
{
    struct header header;
    struct bytes cache = {NULL, 0};
    FILE *file = fopen("/etc/ld.so.cache", "re");
    if (file == NULL)
        return cache;
    cache = read_all(file);
    fclose(file);
    /* The last byte ends the last string. */
    if (!read_header(cache, &header) || cache.at[cache.n - 1] != '\0') {
        free((char *)(uintptr_t)cache.at);
        cache = (struct bytes){NULL, 0};
    }
    return cache;
}

const char *library_cache_find(struct bytes cache, const char *name, size_t nth)
{
    struct header header;
    struct entry entry;
    if (!read_header(cache, &header))
        return NULL;
    for (uint32_t i = 0; i < header.libraries; i++) {
        memcpy(&entry, cache.at + sizeof header + i * sizeof entry, sizeof entry);
        if (entry.name < cache.n && entry.path < cache.n &&
            strcmp(cache.at + entry.name, name) == 0 && nth-- == 0)
            return cache.at + entry.path;
    }
    return NULL;
}
