#include "base/process.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/hot.h"
#include "base/sys.h"

HOT_DATA struct process process;

void process_begin(void)
{
    process.pid = sys_getpid();
    process.epoch++;
}

bool process_is_ours(void)
{
    return sys_getpid() == process.pid;
}

/* A folder's links are its own two names and one a folder in it. The first thread stays in it to
 * the end of all. */
uint32_t process_threads(void)
{
    struct stat status;
    if (sys_stat("/proc/self/task", &status) < 0 || status.st_nlink <= 2)
        return 0;
    bool first_has_ended = sys_thread_exists(process.pid, process.pid) == -ESRCH;
    return (uint32_t)status.st_nlink - 2 - first_has_ended;
}
