/* user: where a process changes its user or groups, which libc has all the threads do that it
 * knows. A system call by number changes the one thread that makes it, and nobody follows.
 */
#include <grp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "export.h"
#include "libc.h"
#include "life.h"

/* The result of libc's function, which has made this call. */
static int changed(int result, long number, long a, long b, long c)
{
    if (result == 0)
        life_user_changed(number, a, b, c);
    return result;
}

EXPORT int setuid(uid_t uid)
{
    return changed(libc.setuid(uid), SYS_setuid, uid, 0, 0);
}

EXPORT int setgid(gid_t gid)
{
    return changed(libc.setgid(gid), SYS_setgid, gid, 0, 0);
}

EXPORT int seteuid(uid_t uid)
{
    return changed(libc.seteuid(uid), SYS_setresuid, -1, uid, -1);
}

EXPORT int setegid(gid_t gid)
{
    return changed(libc.setegid(gid), SYS_setresgid, -1, gid, -1);
}

EXPORT int setreuid(uid_t real, uid_t effective)
{
    return changed(libc.setreuid(real, effective), SYS_setreuid, real, effective, 0);
}

EXPORT int setregid(gid_t real, gid_t effective)
{
    return changed(libc.setregid(real, effective), SYS_setregid, real, effective, 0);
}

EXPORT int setresuid(uid_t real, uid_t effective, uid_t saved)
{
    return changed(libc.setresuid(real, effective, saved), SYS_setresuid, real, effective, saved);
}

EXPORT int setresgid(gid_t real, gid_t effective, gid_t saved)
{
    return changed(libc.setresgid(real, effective, saved), SYS_setresgid, real, effective, saved);
}

EXPORT int setgroups(size_t n, const gid_t *groups)
{
    return changed(libc.setgroups(n, groups), SYS_setgroups, 0, 0, 0);
}

EXPORT int initgroups(const char *user, gid_t group)
{
    return changed(libc.initgroups(user, group), SYS_setgroups, 0, 0, 0);
}
