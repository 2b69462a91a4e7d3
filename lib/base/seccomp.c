#include "base/seccomp.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

#ifdef __x86_64__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

/* What we do in threads of the host's, and in the sender's if such a thread starts it. */
static const uint32_t ours[] = {
    SYS_futex,      SYS_getpid,      SYS_gettid,      SYS_clock_gettime,  SYS_mmap,     SYS_munmap,
    SYS_madvise,    SYS_clone,       SYS_socket,      SYS_rt_sigprocmask, SYS_connect,  SYS_fcntl,
    SYS_close,      SYS_sendmmsg,    SYS_close_range, SYS_tgkill,         SYS_prctl,    SYS_write,
    SYS_openat,     SYS_fstat,       SYS_exit,        SYS_setsockopt,     SYS_mprotect, SYS_ppoll,
    SYS_newfstatat, SYS_sched_yield, SYS_read,
};

struct machine {
    struct seccomp_data data;
    uint32_t a, x, memory[BPF_MEMWORDS];
};

static uint32_t word_at(const struct machine *machine, uint32_t at)
{
    uint32_t word = 0;
    if (at <= sizeof machine->data - sizeof word)
        memcpy(&word, (const char *)&machine->data + at, sizeof word);
    return word;
}

static uint32_t loaded(const struct machine *machine, const struct sock_filter *at)
{
    switch (BPF_MODE(at->code)) {
    case BPF_ABS:
        return word_at(machine, at->k);
    case BPF_MEM:
        return machine->memory[at->k % BPF_MEMWORDS];
    case BPF_LEN:
        return sizeof machine->data;
    default:
        return at->k;
    }
}

static uint32_t computed(uint32_t a, uint16_t code, uint32_t by)
{
    switch (BPF_OP(code)) {
    case BPF_ADD:
        return a + by;
    case BPF_SUB:
        return a - by;
    case BPF_MUL:
        return a * by;
    case BPF_DIV:
        return by != 0 ? a / by : 0;
    case BPF_OR:
        return a | by;
    case BPF_AND:
        return a & by;
    case BPF_XOR:
        return a ^ by;
    case BPF_LSH:
        return by < 32 ? a << by : 0;
    case BPF_RSH:
        return by < 32 ? a >> by : 0;
    default:
        return 0 - a;
    }
}

/* By how many instructions a jump goes on, past the next one. */
static uint32_t jumped(uint32_t a, const struct sock_filter *at, uint32_t to)
{
    switch (BPF_OP(at->code)) {
    case BPF_JEQ:
        return a == to ? at->jt : at->jf;
    case BPF_JGT:
        return a > to ? at->jt : at->jf;
    case BPF_JGE:
        return a >= to ? at->jt : at->jf;
    case BPF_JSET:
        return (a & to) != 0 ? at->jt : at->jf;
    default:
        return at->k;
    }
}

/* One instruction that is no return; by how many it goes on, past the next one. */
static uint32_t step(struct machine *machine, const struct sock_filter *at)
{
    uint32_t operand = BPF_SRC(at->code) == BPF_X ? machine->x : at->k;
    switch (BPF_CLASS(at->code)) {
    case BPF_LD:
        machine->a = loaded(machine, at);
        return 0;
    case BPF_LDX:
        machine->x = loaded(machine, at);
        return 0;
    case BPF_ST:
        machine->memory[at->k % BPF_MEMWORDS] = machine->a;
        return 0;
    case BPF_STX:
        machine->memory[at->k % BPF_MEMWORDS] = machine->x;
        return 0;
    case BPF_ALU:
        machine->a = computed(machine->a, at->code, operand);
        return 0;
    case BPF_JMP:
        return jumped(machine->a, at, operand);
    default: /* BPF_MISC */
        *(BPF_MISCOP(at->code) == BPF_TXA ? &machine->a : &machine->x) =
            BPF_MISCOP(at->code) == BPF_TXA ? machine->x : machine->a;
        return 0;
    }
}

/* Jumps go forward only, so it ends. */
uint32_t seccomp_verdict(const struct sock_fprog *filter, uint32_t number)
{
    struct machine machine = {.data = {.nr = (int)number, .arch = ARCHITECTURE}};
    for (uint64_t i = 0; i < filter->len; i++) {
        const struct sock_filter *at = &filter->filter[i];
        if (BPF_CLASS(at->code) == BPF_RET)
            return BPF_RVAL(at->code) == BPF_A ? machine.a : at->k;
        i += step(&machine, at);
    }
    return SECCOMP_RET_KILL_PROCESS;
}

bool seccomp_harms(const struct sock_fprog *filter)
{
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        uint32_t action = seccomp_verdict(filter, ours[i]) & SECCOMP_RET_ACTION_FULL;
        if (action != SECCOMP_RET_ALLOW && action != SECCOMP_RET_LOG && action != SECCOMP_RET_ERRNO)
            return true;
    }
    return false;
}
