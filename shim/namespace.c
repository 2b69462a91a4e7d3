/* namespace: where a thread of the host's moves to other namespaces, which the kernel refuses to
 * one of several threads, for most kinds. A thread that is started afterwards comes along.
 */
#include <sched.h>

#include "export.h"
#include "libc.h"
#include "life.h"

static int moved(bool retired, int result)
{
    life_moved(retired);
    return result;
}

/* For its children alone: many threads may do it, and none can be started afterwards. */
static bool is_for_children(int kind)
{
    return kind == CLONE_NEWPID;
}

EXPORT int unshare(int flags)
{
    bool retired = !is_for_children(flags) && life_moves();
    return moved(retired, libc.unshare(flags));
}

EXPORT int setns(int fd, int kind)
{
    bool retired = !is_for_children(kind) && life_moves();
    return moved(retired, libc.setns(fd, kind));
}
