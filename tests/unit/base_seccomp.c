#include <criterion/criterion.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "base/seccomp.h"

#define NUMBER         BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)
#define PROGRAM(...)                                                                               \
    (&(struct sock_fprog){sizeof(struct sock_filter[]){__VA_ARGS__} / sizeof(struct sock_filter),  \
                          (struct sock_filter[]){__VA_ARGS__}})

Test(seccomp, the_number_decides)
{
    const struct sock_fprog *filter =
        PROGRAM(NUMBER, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_read, 0, 1),
                RETURN(SECCOMP_RET_ALLOW), RETURN(SECCOMP_RET_TRAP));
    cr_assert_eq(seccomp_verdict(filter, SYS_read), SECCOMP_RET_ALLOW);
    cr_assert_eq(seccomp_verdict(filter, SYS_write), SECCOMP_RET_TRAP);
}

/* By ranges, bits, the scratch memory and the other register, as compilers of filters do. */
Test(seccomp, every_kind_of_step)
{
    const struct sock_fprog *filter = PROGRAM(
        NUMBER, BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_LDX | BPF_MEM, 3),
        BPF_STMT(BPF_LD | BPF_IMM, 100), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_X, 0, 0, 4),
        BPF_STMT(BPF_MISC | BPF_TXA, 0), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 7),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 4, 0, 1), RETURN(SECCOMP_RET_ALLOW),
        BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0), RETURN(SECCOMP_RET_LOG), BPF_STMT(BPF_RET | BPF_A, 0));
    cr_assert_eq(seccomp_verdict(filter, 12), SECCOMP_RET_ALLOW);
    cr_assert_eq(seccomp_verdict(filter, 10), 2);
    cr_assert_eq(seccomp_verdict(filter, 100), 100);
}

Test(seccomp, what_ends_without_a_return_kills)
{
    cr_assert_eq(seccomp_verdict(PROGRAM(NUMBER), SYS_read), SECCOMP_RET_KILL_PROCESS);
    cr_assert_eq(seccomp_verdict(PROGRAM(BPF_JUMP(BPF_JMP | BPF_JA, UINT32_MAX, 0, 0),
                                         RETURN(SECCOMP_RET_ALLOW)),
                                 SYS_read),
                 SECCOMP_RET_KILL_PROCESS);
}

Test(seccomp, failing_calls_are_no_harm)
{
    cr_assert(!seccomp_harms(PROGRAM(RETURN(SECCOMP_RET_ALLOW))));
    cr_assert(!seccomp_harms(PROGRAM(RETURN(SECCOMP_RET_ERRNO | 1))));
    cr_assert(seccomp_harms(PROGRAM(RETURN(SECCOMP_RET_KILL_THREAD))));
    cr_assert(seccomp_harms(PROGRAM(RETURN(SECCOMP_RET_TRAP))));
    cr_assert(seccomp_harms(PROGRAM(RETURN(SECCOMP_RET_TRACE))));
}

Test(seccomp, one_call_of_ours_is_enough)
{
    cr_assert(seccomp_harms(PROGRAM(NUMBER, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 0, 1),
                                    RETURN(SECCOMP_RET_KILL_PROCESS), RETURN(SECCOMP_RET_ALLOW))));
}
