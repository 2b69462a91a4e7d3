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

/* Whether the scope has the function of this name, and another one than ours. */
static bool has(void *scope, const char *name)
{
    void *found = scope != NULL ? dlsym(scope, name) : NULL;
    return found != NULL && !is_ours(found);
}

static void leave(void *scope)
{
    if (scope != NULL && scope != RTLD_NEXT)
        dlclose(scope);
}

static void *scope_of_file(const char *path)
{
    return path[0] != '\0' ? dlopen(path, RTLD_LAZY | RTLD_NOLOAD) : NULL;
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

static void *scope_of_any(const char *stem)
{
    struct search search = {.stem = stem};
    return dl_iterate_phdr(compare_name, &search) != 0 ? scope_of_file(search.path) : NULL;
}

/* Where the functions are to be looked up that the caller means, or NULL. To be left. */
static void *scope_of(const struct library *library, const void *caller)
{
    const struct link_map *module = module_of(caller);
    void *scope = module != NULL ? scope_of_file(module->l_name) : NULL;
    if (has(scope, library->names[0]))
        return scope;
    leave(scope);
    if (has(RTLD_NEXT, library->names[0]))
        return RTLD_NEXT;
    scope = scope_of_any(library->stem);
    if (has(scope, library->names[0]))
        return scope;
    leave(scope);
    return NULL;
}

static const void *known_copy(const struct library *library, const void *first)
{
    for (size_t i = 0; i < library->copies; i++)
        if (library->copy[i][0] == first)
            return library->copy[i];
    return NULL;
}

/* Each on its own: the first may be another interposer's, which has not all of them. */
static void fill(const struct library *library, void *scope, void **table)
{
    memcpy(table, library->absent, library->functions * sizeof *table);
    for (size_t i = 0; i < library->functions; i++) {
        void *found = dlsym(scope, library->names[i]);
        if (found != NULL && !is_ours(found))
            table[i] = found;
    }
}

/* The library that holds the function is not let go any more. */
static void hold(const void *function)
{
    const struct link_map *module = module_of(function);
    if (module != NULL)
        scope_of_file(module->l_name);
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

static const void *keep(struct library *library, const void *caller, void *const *table)
{
    const void *functions = NULL;
    if (lock_take(&library->lock)) {
        functions = keep_copy(library, table);
        if (functions != NULL)
            keep_site(library, caller, functions);
        lock_release(&library->lock);
    }
    return functions != NULL ? functions : library->absent;
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

/* The loader's own lock is never waited for with ours held. */
static __attribute__((noinline, cold)) const void *look_up(struct library *library,
                                                           const void *caller)
{
    void *table[LIBRARY_FUNCTIONS_MOST];
    if (library->built_in != NULL && in_main(caller))
        return keep(library, caller, memcpy(table, library->built_in, sizeof table));
    void *scope = scope_of(library, caller);
    if (scope == NULL)
        return library->absent;
    fill(library, scope, table);
    hold(table[0]);
    leave(scope);
    return keep(library, caller, table);
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
