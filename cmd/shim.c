#include "shim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "say.h"

static const char file_name[] = "libstatshero.so";

static int own_folder(char folder[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    if (n < 0)
        return -errno;
    folder[n] = '\0';
    *strrchr(folder, '/') = '\0';
    return 0;
}

/* Looks for the shim in `sub` of the folder; the absolute path, cleared of links. */
static int find_in(const char *folder, const char *sub, char path[PATH_MAX])
{
    char name[PATH_MAX + 64];
    snprintf(name, sizeof name, "%s/%s%s", folder, sub, file_name);
    return realpath(name, path) == NULL ? -errno : 0;
}

static int usable(const char *path)
{
    if (access(path, R_OK) != 0) {
        int rc = -errno;
        say("can't read %s: %s", path, strerror(-rc));
        return rc;
    }
    if (strpbrk(path, " :") == NULL)
        return 0;
    say("can't preload %s: LD_PRELOAD allows no blank or colon in a path", path);
    return -EINVAL;
}

int shim_find(char path[PATH_MAX])
{
    char folder[PATH_MAX] = "";
    int rc = own_folder(folder);
    if (rc == 0)
        rc = find_in(folder, "", path);
    if (rc == -ENOENT)
        rc = find_in(folder, "../lib/", path);
    if (rc == 0)
        return usable(path);
    say("%s is neither in %s nor in %s/../lib: %s", file_name, folder, folder, strerror(-rc));
    return rc;
}

int shim_preload(const char *path)
{
    const char *before = getenv("LD_PRELOAD");
    char *list;
    if (before == NULL || before[0] == '\0')
        return setenv("LD_PRELOAD", path, 1) == 0 ? 0 : -errno;
    if (asprintf(&list, "%s:%s", path, before) < 0)
        return -ENOMEM;
    int rc = setenv("LD_PRELOAD", list, 1) == 0 ? 0 : -errno;
    free(list);
    return rc;
}

static int set(const char *name, const char *value, int overwrite)
{
    char variable[64];
    snprintf(variable, sizeof variable, "STATS_HERO_%s", name);
    return setenv(variable, value, overwrite) == 0 ? 0 : -errno;
}

int shim_set(const char *name, const char *value)
{
    return set(name, value, 1);
}

int shim_set_default(const char *name, const char *value)
{
    return set(name, value, 0);
}
