#include "program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { SCRIPT_LEVELS = 4, LINE_BYTES = 256 }; /* as the kernel reads them */

static const char is_static[] = "it is statically linked, so that nothing can be preloaded into "
                                "it; use a dynamically linked build";
static const char is_musl[] =
    "it runs on musl's loader, and the shim needs glibc; use a build for glibc";
static const char is_foreign[] =
    "it is built for another kind of processor; use the stats-hero of its architecture";
static const char is_privileged[] =
    "it is setuid, setgid or has file capabilities, and the loader preloads nothing into such a "
    "program; "
    "run it as the user that it changes to, or run a copy without them";

static int executable(const char *path)
{
    struct stat file;
    if (stat(path, &file) != 0)
        return errno == EACCES ? -EPERM : -ENOENT;
    return S_ISREG(file.st_mode) && access(path, X_OK) == 0 ? 0 : -EACCES;
}

static const char *search_path(void)
{
    const char *path = getenv("PATH");
    return path != NULL ? path : "/bin:/usr/bin";
}

static __attribute__((nonnull)) int find_on_path(const char *name, char path[PATH_MAX])
{
    int found = -ENOENT;
    for (const char *at = search_path(); at != NULL; at = strchr(at, ':'), at += at != NULL) {
        int n = (int)strcspn(at, ":");
        /* An empty part is the current folder. */
        int length = snprintf(path, PATH_MAX, "%.*s/%s", n > 0 ? n : 1, n > 0 ? at : ".", name);
        int rc = length < PATH_MAX ? executable(path) : -ENOENT;
        if (rc == 0)
            return 0;
        if (rc == -EACCES)
            found = rc;
    }
    return found;
}

int program_find(const char *name, char path[PATH_MAX])
{
    if (name[0] == '\0' || strlen(name) >= PATH_MAX)
        return -ENOENT;
    if (strchr(name, '/') == NULL)
        return find_on_path(name, path);
    strcpy(path, name);
    return executable(path);
}

static bool read_at(int fd, void *to, size_t n, off_t at)
{
    return pread(fd, to, n, at) == (ssize_t)n;
}

static bool same_machine(const ElfW(Ehdr) * header)
{
    ElfW(Ehdr) own;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    bool known = fd >= 0 && read_at(fd, &own, sizeof own, 0);
    if (fd >= 0)
        close(fd);
    return !known ||
           (own.e_ident[EI_CLASS] == header->e_ident[EI_CLASS] &&
            own.e_ident[EI_DATA] == header->e_ident[EI_DATA] && own.e_machine == header->e_machine);
}

/* The segment that names the loader; false when there is none. */
static bool find_interpreter(int fd, const ElfW(Ehdr) * header, ElfW(Phdr) * segment)
{
    for (unsigned i = 0; i < header->e_phnum; i++) {
        off_t at = (off_t)(header->e_phoff + i * sizeof *segment);
        if (!read_at(fd, segment, sizeof *segment, at))
            return false;
        if (segment->p_type == PT_INTERP)
            return true;
    }
    return false;
}

static bool loader_is_musl(int fd, const ElfW(Phdr) * segment)
{
    char loader[LINE_BYTES] = "";
    size_t n = segment->p_filesz < sizeof loader ? segment->p_filesz : sizeof loader - 1;
    return read_at(fd, loader, n, (off_t)segment->p_offset) && strstr(loader, "ld-musl") != NULL;
}

/* Would running it change who we are? Then the loader is in secure mode. */
static bool privileged(int fd)
{
    struct stat file;
    if (fstat(fd, &file) != 0)
        return false;
    bool user = (file.st_mode & S_ISUID) && file.st_uid != geteuid();
    bool group = (file.st_mode & S_ISGID) && (file.st_mode & S_IXGRP) && file.st_gid != getegid();
    bool capabilities = geteuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0;
    return user || group || capabilities;
}

static const char *elf_obstacle(int fd, const ElfW(Ehdr) * header)
{
    ElfW(Phdr) segment;
    if (!same_machine(header))
        return is_foreign;
    if (!find_interpreter(fd, header, &segment))
        return is_static;
    if (loader_is_musl(fd, &segment))
        return is_musl;
    return privileged(fd) ? is_privileged : NULL;
}

/* The interpreter that the `#!` line in `head` names; empty when it names none. */
static void read_script(const char *head, char path[LINE_BYTES])
{
    const char *from = head + 2 + strspn(head + 2, " \t");
    size_t n = strcspn(from, " \t\n");
    memcpy(path, from, n);
    path[n] = '\0';
}

/* Judges one file; when it is a script, leaves its interpreter in `next`. */
static const char *file_obstacle(const char *path, char next[LINE_BYTES])
{
    union {
        char text[LINE_BYTES];
        ElfW(Ehdr) header;
    } head = {.text = ""};
    const char *obstacle = NULL;
    next[0] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    ssize_t n = pread(fd, head.text, sizeof head.text - 1, 0);
    if (n >= (ssize_t)sizeof head.header && memcmp(head.text, ELFMAG, SELFMAG) == 0)
        obstacle = elf_obstacle(fd, &head.header);
    else if (n > 2 && head.text[0] == '#' && head.text[1] == '!')
        read_script(head.text, next);
    close(fd);
    return obstacle;
}

const char *program_obstacle(const char *path)
{
    char names[2][LINE_BYTES];
    const char *obstacle = NULL;
    for (int level = 0; level < SCRIPT_LEVELS && obstacle == NULL && path[0] != '\0'; level++) {
        obstacle = file_obstacle(path, names[level % 2]);
        path = names[level % 2];
    }
    return obstacle;
}
