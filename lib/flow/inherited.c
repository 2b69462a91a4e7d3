#include "flow/inherited.h"

#include <sys/stat.h>

#include "base/bytes.h"
#include "base/process.h"
#include "base/sys.h"
#include "flow/flow.h"

enum { STANDARD = 3, HANDED_MOST = 1024 };

/* The value of a variable that is a number; 0: it is not there, or is none. */
static uint64_t number_of(char *const *environment, struct bytes name_and_equals)
{
    uint64_t value = 0;
    for (; environment != NULL && *environment != NULL; environment++) {
        struct bytes entry = bytes_of(*environment);
        if (bytes_start_with(entry, name_and_equals) &&
            bytes_to_u64((struct bytes){entry.at + name_and_equals.n, entry.n - name_and_equals.n},
                         &value) == 0)
            return value;
    }
    return 0;
}

/* How many of systemd's are for this process, and not for the one that started it. */
static int handed(char *const *environment)
{
    if (number_of(environment, BYTES("LISTEN_PID=")) != (uint64_t)process.pid)
        return 0;
    uint64_t n = number_of(environment, BYTES("LISTEN_FDS="));
    return n <= HANDED_MOST ? (int)n : HANDED_MOST;
}

/* Whether the fd leads where one before it leads, and is followed with it. */
static bool is_copy(int fd, const struct stat *status)
{
    struct stat before;
    for (int earlier = 0; earlier < fd; earlier++)
        if (flow_look(earlier) != 0 && sys_fstat(earlier, &before) == 0 &&
            before.st_ino == status->st_ino && before.st_dev == status->st_dev) {
            flow_duplicated(flow_look(earlier), fd);
            return true;
        }
    return false;
}

void inherited_begin(char *const *environment)
{
    struct stat status;
    int end = STANDARD + handed(environment);
    for (int fd = 0; fd < end; fd++)
        if (sys_fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode) && !is_copy(fd, &status))
            flow_given(fd);
}
