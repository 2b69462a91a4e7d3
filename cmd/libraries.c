#include "libraries.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "hook/dynamic.h"
#include "library_cache.h"

static const char standard_folders[] =
#if defined(__x86_64__)
    "/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu:"
#elif defined(__aarch64__)
    "/lib/aarch64-linux-gnu:/usr/lib/aarch64-linux-gnu:"
#endif
    "/lib64:/usr/lib64:/lib:/usr/lib";

const char *library_name(const struct library *library)
{
    const char *slash = strrchr(library->path, '/');
    return slash != NULL ? slash + 1 : library->path;
}

static int add(struct libraries *libraries, const char *path)
{
    if (libraries->n == libraries->room) {
        size_t room = libraries->room > 0 ? 2 * libraries->room : 16;
        struct library *at = reallocarray(libraries->at, room, sizeof *at);
        if (at == NULL)
            return -ENOMEM;
        libraries->at = at;
        libraries->room = room;
    }
    struct library *new = &libraries->at[libraries->n];
    struct dynamic dynamic;
    char *copy = strdup(path);
    int rc = copy != NULL ? elf_file_open(&new->file, path) : -ENOMEM;
    if (rc != 0) {
        free(copy);
        return rc;
    }
    new->soname =
        dynamic_read(&new->file, &dynamic) ? dynamic_string(&dynamic, DT_SONAME, 0) : NULL;
    new->path = copy;
    libraries->n++;
    return 0;
}

/* The folder in `path`, where a leading $ORIGIN is the folder of `owner`. */
static int spell_folder(struct bytes folder, const char *owner, char path[PATH_MAX])
{
    static const char *const origins[] = {"$ORIGIN", "${ORIGIN}"};
    const char *slash = strrchr(owner, '/');
    for (size_t i = 0; i < 2; i++) {
        struct bytes origin = bytes_of(origins[i]);
        if (!bytes_start_with(folder, origin))
            continue;
        return snprintf(path, PATH_MAX, "%.*s%.*s", slash != NULL ? (int)(slash - owner) : 1,
                        slash != NULL ? owner : ".", (int)(folder.n - origin.n),
                        folder.at + origin.n);
    }
    return snprintf(path, PATH_MAX, "%.*s", (int)folder.n, folder.at);
}

/* Tries each folder of a list separated by colons. */
static bool add_from(struct libraries *libraries, const char *list, const char *owner,
                     const char *name)
{
    struct bytes rest = {list, list != NULL ? strlen(list) : 0};
    while (rest.at != NULL) {
        char folder[PATH_MAX], path[PATH_MAX];
        struct bytes one = bytes_cut(&rest, ':');
        if (one.n == 0 || spell_folder(one, owner, folder) >= PATH_MAX ||
            snprintf(path, sizeof path, "%s/%s", folder, name) >= PATH_MAX)
            continue;
        if (add(libraries, path) == 0)
            return true;
    }
    return false;
}

/* Of several in the cache, the loader takes the first that fits the machine. */
static bool add_from_cache(struct libraries *libraries, const char *name)
{
    const char *path;
    for (size_t i = 0; (path = library_cache_find(libraries->cache, name, i)) != NULL; i++)
        if (add(libraries, path) == 0)
            return true;
    return false;
}

static bool is_known(const struct libraries *libraries, const char *name)
{
    for (size_t i = 0; i < libraries->n; i++) {
        const struct library *one = &libraries->at[i];
        if (strcmp(library_name(one), name) == 0 ||
            (one->soname != NULL && strcmp(one->soname, name) == 0))
            return true;
    }
    for (size_t i = 0; i < libraries->missing_n; i++)
        if (strcmp(libraries->missing[i], name) == 0)
            return true;
    return false;
}

static void add_missing(struct libraries *libraries, const char *name)
{
    char **missing = reallocarray(libraries->missing, libraries->missing_n + 1, sizeof *missing);
    if (missing == NULL)
        return;
    libraries->missing = missing;
    missing[libraries->missing_n] = strdup(name);
    libraries->missing_n += missing[libraries->missing_n] != NULL;
}

/* DT_RPATH counts only where there is no DT_RUNPATH, but then before LD_LIBRARY_PATH. */
static void find_needed(struct libraries *libraries, const struct dynamic *dynamic,
                        const char *owner, const char *name)
{
    const char *run = dynamic_string(dynamic, DT_RUNPATH, 0);
    const char *old = run == NULL ? dynamic_string(dynamic, DT_RPATH, 0) : NULL;
    if (is_known(libraries, name))
        return;
    bool found = strchr(name, '/') != NULL
                     ? add(libraries, name) == 0
                     : add_from(libraries, old, owner, name) ||
                           add_from(libraries, getenv("LD_LIBRARY_PATH"), owner, name) ||
                           add_from(libraries, run, owner, name) ||
                           add_from_cache(libraries, name) ||
                           add_from(libraries, standard_folders, owner, name);
    if (!found)
        add_missing(libraries, name);
}

static void find_all_needed(struct libraries *libraries, size_t i)
{
    struct dynamic dynamic;
    const char *name;
    if (!dynamic_read(&libraries->at[i].file, &dynamic))
        return;
    for (size_t nth = 0; (name = dynamic_string(&dynamic, DT_NEEDED, nth)) != NULL; nth++)
        find_needed(libraries, &dynamic, libraries->at[i].path, name);
}

int libraries_open(struct libraries *libraries, const char *path)
{
    *libraries = (struct libraries){.cache = {NULL, 0}};
    int rc = add(libraries, path);
    if (rc == 0 && !elf_file_is_whole(&libraries->at[0].file))
        rc = -ENOEXEC;
    if (rc != 0)
        return rc;
    libraries->cache = library_cache_read();
    for (size_t i = 0; i < libraries->n; i++)
        find_all_needed(libraries, i);
    return 0;
}

void libraries_close(struct libraries *libraries)
{
    for (size_t i = 0; i < libraries->n; i++) {
        elf_file_close(&libraries->at[i].file);
        free(libraries->at[i].path);
    }
    for (size_t i = 0; i < libraries->missing_n; i++)
        free(libraries->missing[i]);
    free(libraries->at);
    free(libraries->missing);
    free((char *)(uintptr_t)libraries->cache.at);
}
