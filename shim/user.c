/* user: where a process changes its user or groups, which libc has all the threads do that it
 * knows.
 */
#include <grp.h>
#include <unistd.h>

#include "export.h"
#include "libc.h"
#include "life.h"

static int changed(int result)
{
    if (result == 0)
        life_user_changed();
    return result;
}

EXPORT int setuid(uid_t uid)
{
    return changed(libc.setuid(uid));
}

EXPORT int setgid(gid_t gid)
{
    return changed(libc.setgid(gid));
}

EXPORT int seteuid(uid_t uid)
{
    return changed(libc.seteuid(uid));
}

EXPORT int setegid(gid_t gid)
{
    return changed(libc.setegid(gid));
}

EXPORT int setreuid(uid_t real, uid_t effective)
{
    return changed(libc.setreuid(real, effective));
}

EXPORT int setregid(gid_t real, gid_t effective)
{
    return changed(libc.setregid(real, effective));
}

EXPORT int setresuid(uid_t real, uid_t effective, uid_t saved)
{
    return changed(libc.setresuid(real, effective, saved));
}

EXPORT int setresgid(gid_t real, gid_t effective, gid_t saved)
{
    return changed(libc.setresgid(real, effective, saved));
}

EXPORT int setgroups(size_t n, const gid_t *groups)
{
    return changed(libc.setgroups(n, groups));
}

EXPORT int initgroups(const char *user, gid_t group)
{
    return changed(libc.initgroups(user, group));
}
