/* user: where a process changes its user or groups, which libc has all the threads do that it
 * knows. A system call by number changes the one thread that makes it, and nobody follows.
 */
#include <grp.h>
#include <unistd.h>

#include "export.h"
#include "libc.h"
#include "life.h"

static int changed(bool retired, int result)
{
    life_user_changed(retired);
    return result;
}

EXPORT int setuid(uid_t uid)
{
    bool retired = life_user_changes();
    return changed(retired, libc.setuid(uid));
}

EXPORT int setgid(gid_t gid)
{
    bool retired = life_user_changes();
    return changed(retired, libc.setgid(gid));
}

EXPORT int seteuid(uid_t uid)
{
    bool retired = life_user_changes();
    return changed(retired, libc.seteuid(uid));
}

EXPORT int setegid(gid_t gid)
{
    bool retired = life_user_changes();
    return changed(retired, libc.setegid(gid));
}

EXPORT int setreuid(uid_t real, uid_t effective)
{
    bool retired = life_user_changes();
    return changed(retired, libc.setreuid(real, effective));
}

EXPORT int setregid(gid_t real, gid_t effective)
{
    bool retired = life_user_changes();
    return changed(retired, libc.setregid(real, effective));
}

EXPORT int setresuid(uid_t real, uid_t effective, uid_t saved)
{
    bool retired = life_user_changes();
    return changed(retired, libc.setresuid(real, effective, saved));
}

EXPORT int setresgid(gid_t real, gid_t effective, gid_t saved)
{
    bool retired = life_user_changes();
    return changed(retired, libc.setresgid(real, effective, saved));
}

EXPORT int setgroups(size_t n, const gid_t *groups)
{
    bool retired = life_user_changes();
    return changed(retired, libc.setgroups(n, groups));
}

EXPORT int initgroups(const char *user, gid_t group)
{
    bool retired = life_user_changes();
    return changed(retired, libc.initgroups(user, group));
}
