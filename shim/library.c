#include "library.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/hot.h"

/*
 * Why not dlsym(RTLD_NEXT): it looks in the global scope, and Python's _ssl, Apache's mod_ssl or a
 * database's TLS module bring their library with them by dlopen, in a scope of their own. A handle
 * of the calling module finds what it depends on, in its order: of two versions the one that it is
 * linked to, and never us. The main program's handle would begin with us; what it means is
 * RTLD_NEXT's. A module that depends on no copy (it leaves that to whoever loads it, or has the
 * address from dlsym) gets what the global scope has, else any copy there is.
 */

enum { PATH_BYTES = 1024, SITES_TRIED = 16 };

static const struct link_map *module_of(const void *address)
{
    Dl_info info;
    struct link_map *map = NULL;
    if (dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP) == 0)
        return NULL;
    return map;
}

static bool is_ours(const void *function)
{
    return module_of(function) == module_of(&is_ours);
}

static void *look_in(const char *path, const char *name)
{
    void *handle = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
    void *found = handle != NULL ? dlsym(handle, name) : NULL;
    if (handle != NULL)
        dlclose(handle);
    return found != NULL && !is_ours(found) ? found : NULL;
}

struct search {
    const char *stem;
    char path[PATH_BYTES];
};

static int compare_name(struct dl_phdr_info *info, size_t size, void *search_)
{
    struct search *search = search_;
    (void)size;
    const char *slash = strrchr(info->dlpi_name, '/');
    const char *file = slash != NULL ? slash + 1 : info->dlpi_name;
    size_t n = strlen(info->dlpi_name);
    if (strncmp(file, search->stem, strlen(search->stem)) != 0 || n >= sizeof search->path)
        return 0;
    memcpy(search->path, info->dlpi_name, n + 1);
    return 1;
}

static void *look_in_any(const char *stem, const char *name)
{
    struct search search = {.stem = stem};
    return dl_iterate_phdr(compare_name, &search) != 0 ? look_in(search.path, name) : NULL;
}

/* The function of this name that the caller means, or NULL. */
static void *look_for(const struct library *library, const void *caller)
{
    const char *name = library->names[0];
    const struct link_map *module = module_of(caller);
    void *found =
        module != NULL && module->l_name[0] != '\0' ? look_in(module->l_name, name) : NULL;
    if (found == NULL)
        found = dlsym(RTLD_NEXT, name);
    return found != NULL ? found : look_in_any(library->stem, name);
}

static const void *known_copy(const struct library *library, const void *first)
{
    for (size_t i = 0; i < library->copies; i++)
        if (library->copy[i][0] == first)
            return library->copy[i];
    return NULL;
}

/* All functions of the library that holds `first`, which is not let go any more. */
static bool fill(const struct library *library, const void *first, void **table)
{
    const struct link_map *module = module_of(first);
    bool is_main = module == NULL || module->l_name[0] == '\0';
    void *handle = is_main ? RTLD_NEXT : dlopen(module->l_name, RTLD_LAZY | RTLD_NOLOAD);
    if (handle == NULL)
        return false;
    memcpy(table, library->absent, library->functions * sizeof *table);
    for (size_t i = 0; i < library->functions; i++) {
        void *found = dlsym(handle, library->names[i]);
        if (found != NULL)
            table[i] = found;
    }
    return true;
}

/* Under the lock. */
static const void *keep_copy(struct library *library, void *const *table)
{
    const void *known = known_copy(library, table[0]);
    if (known != NULL || library->copies == LIBRARY_COPIES_MOST)
        return known;
    return memcpy(library->copy[library->copies++], table, library->functions * sizeof *table);
}

static size_t home_of(const void *caller)
{
    return ((uintptr_t)caller * 0x9e3779b97f4a7c15u) >> 32;
}

/* Under the lock. A place that finds no room is looked up again each time. */
static void keep_site(struct library *library, const void *caller, const void *functions)
{
    for (size_t i = 0, at = home_of(caller); i < SITES_TRIED; i++, at++) {
        struct library_site *site = &library->site[at % LIBRARY_SITES];
        if (atomic_load_explicit(&site->caller, memory_order_relaxed) != NULL)
            continue;
        site->functions = functions;
        atomic_store_explicit(&site->caller, caller, memory_order_release);
        return;
    }
}

static bool in_main(const void *address)
{
    const struct link_map *module = module_of(address);
    return module != NULL && module->l_name[0] == '\0';
}

void library_adopt(struct library *library, void *const *table)
{
    library->built_in = keep_copy(library, table);
}

/* The functions that a call means which returns to `caller`; false: there are none. */
static bool find(const struct library *library, const void *caller, void **table)
{
    if (library->built_in != NULL && in_main(caller)) {
        memcpy(table, library->built_in, library->functions * sizeof *table);
        return true;
    }
    const void *first = look_for(library, caller);
    return first != NULL && fill(library, first, table);
}

/* The loader's own lock is never waited for with ours held. */
static __attribute__((noinline, cold)) const void *look_up(struct library *library,
                                                           const void *caller)
{
    void *table[LIBRARY_FUNCTIONS_MOST];
    const void *functions = NULL;
    if (!find(library, caller, table))
        return library->absent;
    if (lock_take(&library->lock)) {
        functions = keep_copy(library, table);
        if (functions != NULL)
            keep_site(library, caller, functions);
        lock_release(&library->lock);
    }
    return functions != NULL ? functions : library->absent;
}

HOT const void *library_functions(struct library *library, const void *caller)
{
    for (size_t i = 0, at = home_of(caller); i < SITES_TRIED; i++, at++) {
        struct library_site *site = &library->site[at % LIBRARY_SITES];
        const void *known = atomic_load_explicit(&site->caller, memory_order_acquire);
        if (known == caller)
            return site->functions;
        if (known == NULL)
            break;
    }
    int host_errno = errno;
    const void *functions = look_up(library, caller);
    errno = host_errno;
    return functions;
}
