#ifndef UNIT_SCRATCH_H
#define UNIT_SCRATCH_H

/* scratch: a file that lives in memory and can be opened by its path, and folders that are
 * temporary. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"

struct scratch {
    int fd;
    char path[32];
};

static inline void scratch_begin(struct scratch *s)
{
    s->fd = memfd_create("scratch", MFD_CLOEXEC);
    cr_assert_geq(s->fd, 0);
    snprintf(s->path, sizeof s->path, "/proc/self/fd/%d", s->fd);
}

/* All of a file; the text is terminated, and lives as long as the process. */
static inline struct bytes contents_of(int fd)
{
    struct stat status;
    cr_assert_eq(fstat(fd, &status), 0);
    size_t n = (size_t)status.st_size;
    char *text = mmap(NULL, n + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(text, MAP_FAILED);
    cr_assert_eq(pread(fd, text, n, 0), (ssize_t)n);
    return (struct bytes){text, n};
}

static inline struct bytes scratch_text(const struct scratch *s)
{
    return contents_of(s->fd);
}

/* A new empty folder; `path` has room for 64. */
static inline void scratch_folder(char *path)
{
    const char *temporary = getenv("TMPDIR");
    snprintf(path, 64, "%.40s/unit-XXXXXX", temporary != NULL ? temporary : "/tmp");
    cr_assert_not_null(mkdtemp(path));
}

static inline bool contains(struct bytes text, const char *part)
{
    return memmem(text.at, text.n, part, strlen(part)) != NULL;
}

#endif
