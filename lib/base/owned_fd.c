#include "base/owned_fd.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/sys.h"

/* High enough to be in nobody's way, low enough not to make the kernel's table of fds grow. */
enum { NUMBER_LEAST = 960 };

int owned_fd_take(struct owned_fd *owned, int fd)
{
    struct stat status;
    int high = sys_fcntl(fd, F_DUPFD_CLOEXEC, NUMBER_LEAST);
    if (high >= 0) {
        sys_close(fd);
        fd = high;
    }
    int error = sys_fstat(fd, &status);
    if (error < 0) {
        sys_close(fd);
        return error;
    }
    *owned = (struct owned_fd){fd, status.st_dev, status.st_ino};
    return 0;
}

bool owned_fd_intact(const struct owned_fd *owned)
{
    struct stat status;
    return owned->fd >= 0 && sys_fstat(owned->fd, &status) == 0 && status.st_ino == owned->inode &&
           status.st_dev == owned->device;
}

void owned_fd_close(struct owned_fd *owned)
{
    if (owned_fd_intact(owned))
        sys_close(owned->fd);
    *owned = OWNED_FD_NONE;
}
