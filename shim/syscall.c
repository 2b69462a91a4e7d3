/*
 * syscall: hosts that call the kernel by number. libuv closes its sockets so (it wants no
 * cancellation point), and other event loops accept, read or write so. The real function makes the
 * call; what it did is reported as for the named functions.
 */
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "export.h"
#include "libc.h"
#include "life.h"
#include "report.h"

/* The arguments as the kernel gets them. */
struct call {
    long number;
    long a, b, c, d, e, f;
};

static long make(const struct call *call)
{
    return libc.syscall(call->number, call->a, call->b, call->c, call->d, call->e, call->f);
}

static long read_buffer(const struct call *call, int flags)
{
    uint64_t word = flow_look((int)call->a);
    long result = make(call);
    if (UNLIKELY(word != 0))
        report_read(word, (int)call->a, (const void *)call->b, (size_t)call->c, result, flags);
    return result;
}

static long read_vector(const struct call *call)
{
    uint64_t word = flow_look((int)call->a);
    long result = make(call);
    if (UNLIKELY(word != 0))
        report_read_vector(word, (int)call->a, (const struct iovec *)call->b, (size_t)call->c,
                           result, 0);
    return result;
}

static long read_message(const struct call *call)
{
    uint64_t word = flow_look((int)call->a);
    long result = make(call);
    if (result >= 0)
        report_given((const struct msghdr *)call->b);
    if (UNLIKELY(word != 0))
        report_read_message(word, (int)call->a, (const struct msghdr *)call->b, result,
                            (int)call->c);
    return result;
}

static long write_buffer(const struct call *call, int flags)
{
    uint64_t word = flow_look((int)call->a);
    long result = make(call);
    if (UNLIKELY(word != 0))
        report_wrote(word, (int)call->a, (const void *)call->b, result, flags);
    return result;
}

static long write_vector(const struct call *call)
{
    uint64_t word = flow_look((int)call->a);
    long result = make(call);
    if (UNLIKELY(word != 0))
        report_wrote_vector(word, (int)call->a, (const struct iovec *)call->b, (size_t)call->c,
                            result, 0);
    return result;
}

static long write_message(const struct call *call)
{
    uint64_t word = flow_look((int)call->a);
    long result = make(call);
    if (UNLIKELY(word != 0))
        report_wrote_message(word, (int)call->a, (const struct msghdr *)call->b, result,
                             (int)call->c);
    return result;
}

static long copy_fd(const struct call *call)
{
    uint64_t word = flow_look((int)call->a);
    long result = make(call);
    report_copied(word, (int)call->a, (int)result);
    return result;
}

/* Declared with `...` for callers; its arguments arrive as those of a function of seven longs (all
 * of them in registers or, as here they may be left out, whatever stands in their place). */
long syscall(long number, long a, long b, long c, long d, long e, long f);

int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);

int close_range(unsigned first, unsigned last, int flags); /* unistd.h has the other `syscall` */

EXPORT long syscall(long number, long a, long b, long c, long d, long e, long f)
{
    struct call call = {number, a, b, c, d, e, f};
    switch (number) {
    case SYS_close:
        report_closing((int)a);
        return make(&call);
#ifdef SYS_accept
    case SYS_accept:
#endif
    case SYS_accept4:
        return report_accepted((int)make(&call));
    case SYS_close_range:
        return close_range((unsigned)a, (unsigned)b, (int)c);
    case SYS_fcntl:
        return b == F_DUPFD || b == F_DUPFD_CLOEXEC ? copy_fd(&call) : make(&call);
    case SYS_prctl:
        return prctl((int)a, (unsigned long)b, (unsigned long)c, (unsigned long)d,
                     (unsigned long)e);
    case SYS_seccomp:
        life_confined(a == SECCOMP_SET_MODE_FILTER ? (const struct sock_fprog *)c : NULL,
                      a == SECCOMP_SET_MODE_STRICT);
        return make(&call);
    case SYS_setns:
        return setns((int)a, (int)b);
    case SYS_unshare:
        return unshare((int)a);
    case SYS_exit:
        life_thread_leaving();
        return make(&call);
    case SYS_exit_group:
        life_leaving();
        return make(&call);
    case SYS_dup:
#ifdef SYS_dup2
    case SYS_dup2:
#endif
    case SYS_dup3:
        return copy_fd(&call);
    case SYS_read:
        return read_buffer(&call, 0);
    case SYS_recvfrom:
        return read_buffer(&call, (int)d);
    case SYS_readv:
        return read_vector(&call);
    case SYS_recvmsg:
        return read_message(&call);
    case SYS_write:
        return write_buffer(&call, 0);
    case SYS_sendto:
        return write_buffer(&call, (int)d);
    case SYS_writev:
        return write_vector(&call);
    case SYS_sendmsg:
        return write_message(&call);
    default:
        return make(&call);
    }
}
