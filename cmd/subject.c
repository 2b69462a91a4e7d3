#include "subject.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "command.h"
#include "program.h"
#include "say.h"

enum { SCRIPT_LEVELS = 4, LINE_BYTES = 256 }; /* as the kernel reads them */

static int refuse(const char *name, const char *why)
{
    say("can't read %s: %s", name, why);
    return EXIT_USAGE;
}

/* A library may be named by its path, and need not be executable. */
static int find_file(const char *name, char path[PATH_MAX])
{
    char found[PATH_MAX];
    int rc = strchr(name, '/') == NULL ? program_find(name, found) : 0;
    if (rc != 0)
        return rc;
    return realpath(strchr(name, '/') == NULL ? found : name, path) != NULL ? 0 : -errno;
}

/* The words of the `#!` line; false when there is none. */
static bool read_script(const char *path, char line[LINE_BYTES], struct bytes *interpreter,
                        struct bytes *argument)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, line, LINE_BYTES) : -1;
    if (fd >= 0)
        close(fd);
    struct bytes rest = {line, n > 0 ? (size_t)n : 0};
    if (!bytes_start_with(rest, BYTES("#!")))
        return false;
    rest = bytes_cut(&rest, '\n');
    rest = bytes_trim((struct bytes){rest.at + 2, rest.n - 2});
    *interpreter = bytes_cut(&rest, ' ');
    *argument = rest.at != NULL ? bytes_trim(rest) : (struct bytes){line, 0};
    return true;
}

/* `#!/usr/bin/env NAME` means the program NAME. */
static bool is_env(struct bytes interpreter, struct bytes argument)
{
    const struct bytes env = BYTES("/env");
    return interpreter.n >= env.n && argument.n > 0 && argument.at[0] != '-' &&
           memcmp(interpreter.at + interpreter.n - env.n, env.at, env.n) == 0;
}

/* Puts a script's interpreter in its place. 1: there is none; 0, or what find_file says of it. */
static int find_interpreter(struct subject *subject)
{
    char line[LINE_BYTES], name[LINE_BYTES + 1];
    struct bytes interpreter, argument;
    if (!read_script(subject->file, line, &interpreter, &argument))
        return 1;
    if (is_env(interpreter, argument))
        interpreter = bytes_cut(&argument, ' ');
    snprintf(name, sizeof name, "%.*s", (int)interpreter.n, interpreter.at);
    subject->is_script = true;
    return find_file(name, subject->file);
}

int subject_find(struct subject *subject, const char *name)
{
    struct stat status;
    subject->is_script = false;
    int rc = find_file(name, subject->path);
    if (rc != 0)
        return refuse(name, rc == -ENOENT ? "not found" : strerror(-rc));
    if (stat(subject->path, &status) != 0 || access(subject->path, R_OK) != 0)
        return refuse(name, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return refuse(name, "it is not a file");
    strcpy(subject->file, subject->path);
    for (int i = 0; i < SCRIPT_LEVELS && rc == 0; i++)
        rc = find_interpreter(subject);
    return rc >= 0 ? 0 : refuse(name, "its interpreter was not found");
}

void subject_say(const struct subject *subject, int error)
{
    const char *why = strerror(-error);
    if (error == -ENOEXEC)
        why = "it is no program, or a damaged one";
    else if (error == -ENOTSUP)
        why = "it is built for another kind of processor";
    refuse(subject->file, why);
}
