/*
 * confined SCENARIO: a server that puts a seccomp filter on itself after it has served for a while;
 * by prctl or by number, one that kills at nearly every call or one that allows nearly all.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "loopback.h"

enum { BEFORE = 3, AFTER = 5 };

static const struct sock_filter narrow[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_read, 3, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 2, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static const struct sock_filter wide[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static void by_prctl(const struct sock_fprog *filter)
{
    EXPECT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter) == 0);
}

/* All threads, the sender's too, if there is one still. */
static void by_number(const struct sock_fprog *filter)
{
    EXPECT(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, filter) == 0);
}

static void serve_confined(void (*confine)(const struct sock_fprog *),
                           const struct sock_filter *filter, size_t n)
{
    struct sock_fprog program = {(unsigned short)n, (struct sock_filter *)filter};
    struct pair pair = pair_make();
    exchanges(pair, "/free", BEFORE);
    EXPECT_ERROR(EFAULT, prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER,
                               NULL)); /* as some ask whether it is there */
    EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    confine(&program);
    exchanges(pair, "/confined", AFTER);
}

static void narrow_by_prctl(void)
{
    serve_confined(by_prctl, narrow, sizeof narrow / sizeof *narrow);
}

static void narrow_by_number(void)
{
    serve_confined(by_number, narrow, sizeof narrow / sizeof *narrow);
}

static void wide_by_prctl(void)
{
    serve_confined(by_prctl, wide, sizeof wide / sizeof *wide);
}

static void wide_by_number(void)
{
    serve_confined(by_number, wide, sizeof wide / sizeof *wide);
}

int main(int argc, char **argv)
{
    static const struct scenario table[] = {
        {"narrow_by_prctl", narrow_by_prctl},
        {"narrow_by_number", narrow_by_number},
        {"wide_by_prctl", wide_by_prctl},
        {"wide_by_number", wide_by_number},
    };
    return SCENARIO_RUN(table, argc, argv);
}
