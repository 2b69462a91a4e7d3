#ifndef CMD_LIBRARY_CACHE_H
#define CMD_LIBRARY_CACHE_H

/* library_cache: /etc/ld.so.cache, where the loader looks libraries up. */

#include "base/bytes.h"

/* Reads the cache; empty when there is none that we know how to read. The caller frees `at`. */
struct bytes library_cache_read(void);

/* The path of the `nth` (from 0) library of that name, or NULL. */
const char *library_cache_find(struct bytes cache, const char *name, size_t nth);

#endif
