#if defined(__x86_64__)

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "hook/maps.h"
#include "hook/patch.h"
#include "machine.h"
#include "threads.h"
#include "../pass_through.h"

TestSuite(hook_patch, .init = process_begin);

/* lea rax, [rdi+rsi]; nop; ret: what it gives is the sum, patched or not */
#define ADD CODE("\x48\x8d\x04\x37\x90\xc3")

/* Patches `n` bytes of code with the pass-through entry; 0 or what patch_function said. */
static int patch(void *function, size_t n, uint32_t number, const char **reason)
{
    struct patch_site site = {function, n, n};
    struct patch_way way = {.number = number, .entry = (const void *)(uintptr_t)pass_entry};
    return patch_function(&site, &way, &pass_made[number], reason);
}

static void patched(void *function, size_t n, uint32_t number)
{
    const char *reason = "none";
    int error = patch(function, n, number, &reason);
    cr_assert_eq(error, 0, "%d: %s", error, reason);
}

static void refused(void *function, size_t n, int error, const char *why)
{
    const char *reason = "none";
    cr_assert_eq(patch(function, n, 0, &reason), error);
    cr_assert_str_eq(reason, why);
}

static uint8_t *sealed(size_t at, struct code code)
{
    uint8_t *memory = machine();
    machine_put(memory + at, code);
    machine_seal(memory);
    return memory + at;
}

Test(hook_patch, calls_come_to_the_entry_and_go_on)
{
    uint8_t *function = sealed(0, ADD);
    patched(function, ADD.n, 3);
    cr_assert_eq(function[0], 0xe9);
    cr_assert_eq(machine_run(function, 40, 2), 42);
    cr_assert_eq(machine_run(function, 1, 2), 3);
    cr_assert_eq(pass_counts[3], 2);
    cr_assert_eq(machine_run(pass_made[3].original, 1, 2), 3);
    cr_assert_eq(pass_counts[3], 2);
}

static __thread uint32_t wanted __attribute__((tls_model("initial-exec")));

Test(hook_patch, calls_of_threads_that_want_none_go_straight_on)
{
    uint8_t *function = sealed(0, ADD);
    struct patch_site site = {function, ADD.n, ADD.n};
    struct patch_way way = {
        .number = 5,
        .entry = (const void *)(uintptr_t)pass_entry,
        .unless_zero = (int32_t)((intptr_t)&wanted - (intptr_t)__builtin_thread_pointer()),
    };
    const char *reason = "none";
    cr_assert_eq(patch_function(&site, &way, &pass_made[5], &reason), 0, "%s", reason);
    cr_assert_eq(machine_run(function, 40, 2), 42);
    cr_assert_eq(pass_counts[5], 0);
    wanted = 1u << 31;
    cr_assert_eq(machine_run(function, 40, 2), 42);
    cr_assert_eq(pass_counts[5], 1);
    cr_assert_eq(machine_run(pass_made[5].original, 40, 2), 42);
    cr_assert_eq(pass_counts[5], 1);
}

Test(hook_patch, endbr64_stays_in_front)
{
    struct code code = CODE("\xf3\x0f\x1e\xfa\x48\x8d\x04\x37\x90\xc3");
    uint8_t *function = sealed(0, code);
    patched(function, code.n, 0);
    cr_assert_eq(memcmp(function, "\xf3\x0f\x1e\xfa\xe9", 5), 0);
    cr_assert_eq(machine_run(function, 40, 2), 42);
    cr_assert_eq(pass_counts[0], 1);
}

Test(hook_patch, at_every_place_of_a_line_and_across_pages)
{
    for (size_t at = 4032; at <= 4096 + 8; at++) {
        uint8_t *function = sealed(at, ADD);
        patched(function, ADD.n, (uint32_t)at);
        cr_assert_eq(machine_run(function, at, 2), at + 2);
        cr_assert_eq(pass_counts[at], 1);
    }
}

/* Calls `seen_function` with every register and flag set to something, and tells what it found. */
extern uint64_t seen[17];
extern void *seen_function;
void see(void);
uint64_t seen[17];
void *seen_function;
__asm__(".text\n"
        ".globl see\n"
        "see:\n"
        "    push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "    mov $1, %ebx; mov $2, %ebp; mov $3, %r12d; mov $4, %r13d; mov $5, %r14d\n"
        "    mov $6, %r15d; mov $7, %edi; mov $8, %esi; mov $9, %edx; mov $10, %ecx\n"
        "    mov $11, %r8d; mov $12, %r9d; mov $13, %r10d; mov $14, %eax\n"
        "    mov seen_function@GOTPCREL(%rip), %r11\n"
        "    push $0xed7; popfq\n"
        "    call *(%r11)\n"
        "    cld\n"
        "    pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "    ret\n");

/* Its function: pushes all, and copies that to `seen`. */
static const char seer[] = "\x41\x53"                 /* push r11 */
                           "\x90\x90\x90"             /* room */
                           "\x9c"                     /* pushfq */
                           "\x50\x53\x51\x52"         /* push rax, rbx, rcx, rdx */
                           "\x55\x56\x57"             /* push rbp, rsi, rdi */
                           "\x41\x50\x41\x51"         /* push r8, r9 */
                           "\x41\x52\x41\x54"         /* push r10, r12 */
                           "\x41\x55\x41\x56"         /* push r13, r14 */
                           "\x41\x57"                 /* push r15 */
                           "\xfc"                     /* cld */
                           "\x48\xbf\0\0\0\0\0\0\0\0" /* mov rdi, seen */
                           "\x48\x89\xe6"             /* mov rsi, rsp */
                           "\xb9\x11\0\0\0"           /* mov ecx, 17 */
                           "\xf3\x48\xa5"             /* rep movsq */
                           "\x48\x81\xc4\x80\0\0\0"   /* add rsp, 16 * 8 */
                           "\xc3";

Test(hook_patch, every_register_and_flag_arrives)
{
    uint8_t *memory = machine();
    machine_put(memory, (struct code){(const uint8_t *)seer, sizeof seer - 1});
    void *to = seen;
    memcpy(memmem(memory, 64, "\x48\xbf", 2) + 2, &to, sizeof to);
    machine_seal(memory);
    seen_function = memory;
    uint64_t plain[17];
    see();
    memcpy(plain, seen, sizeof plain);
    cr_assert_eq(plain[0], 6);
    patched(memory, sizeof seer - 1, 9);
    see();
    cr_assert_eq(pass_counts[9], 1);
    for (int i = 0; i < 17; i++)
        cr_assert_eq(seen[i], plain[i], "word %d: %lx, was %lx", i, seen[i], plain[i]);
}

Test(hook_patch, many_share_few_pages)
{
    enum { MANY = 1000, EACH = 32 };
    uint8_t *memory = machine();
    for (size_t i = 0; i < MANY; i++)
        machine_put(memory + i * EACH, ADD);
    machine_seal(memory);
    for (uint32_t i = 0; i < MANY; i++)
        patched(memory + i * EACH, ADD.n, i);
    uintptr_t lowest = UINTPTR_MAX, highest = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        cr_assert_eq(machine_run(memory + i * EACH, i, 7), i + 7);
        cr_assert_eq(pass_counts[i], 1);
        uintptr_t at = (uintptr_t)pass_made[i].original;
        lowest = at < lowest ? at : lowest;
        highest = at > highest ? at : highest;
    }
    cr_assert_lt(highest - lowest, 2 << 16);
}

static int protection_of(const void *at)
{
    struct map map;
    cr_assert_eq(maps_find((uintptr_t)at, &map), 0);
    return map.protection;
}

Test(hook_patch, no_page_stays_writable_and_executable)
{
    uint8_t *function = sealed(0, ADD);
    patched(function, ADD.n, 0);
    cr_assert_eq(protection_of(function), PROT_READ | PROT_EXEC);
    cr_assert_eq(protection_of(pass_made[0].original), PROT_READ | PROT_EXEC);
}

/* Pages that were written to are no more one mapping with their neighbours. */
Test(hook_patch, a_function_across_two_mappings)
{
    uint8_t *memory = machine();
    int fd = memfd_create("text", MFD_CLOEXEC);
    cr_assert_eq(ftruncate(fd, 4096), 0);
    cr_assert_eq(mmap(memory + 4096, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_FIXED, fd, 0),
                 memory + 4096);
    for (size_t at = 4096 - 5; at <= 4096; at++) {
        machine_put(memory + at, ADD);
        patched(memory + at, ADD.n, (uint32_t)at);
        cr_assert_eq(machine_run(memory + at, at, 2), at + 2);
        cr_assert_eq(pass_counts[at], 1);
    }
    struct map map;
    cr_assert_eq(maps_find_joined((uintptr_t)memory + 5000, &map), 0);
    cr_assert_leq(map.begin, (uintptr_t)memory);
    cr_assert_geq(map.end, (uintptr_t)memory + MACHINE_BYTES);
}

Test(hook_patch, far_functions_have_memory_of_their_own)
{
    static const uintptr_t places[] = {0x10000000, 0x200000000000, 0x300000000000};
    for (uint32_t i = 0; i < 3; i++) {
        uint8_t *memory = mmap((void *)places[i], 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        cr_assert_eq((uintptr_t)memory, places[i]);
        patched(machine_put(memory, ADD), ADD.n, i);
        cr_assert_eq(machine_run(memory, i, 40), i + 40);
        cr_assert_eq(pass_counts[i], 1);
    }
}

Test(hook_patch, no_memory_in_reach)
{
    const size_t size = (size_t)5 << 30;
    uint8_t *memory =
        mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    cr_assert_neq((void *)memory, MAP_FAILED);
    uint8_t *function = memory + size / 2;
    cr_assert_eq(mprotect(function, 4096, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
    machine_put(function, ADD);
    refused(function, ADD.n, -ENOMEM, "no executable memory can be had in reach of it");
    cr_assert_eq(memcmp(function, ADD.at, ADD.n), 0);
}

Test(hook_patch, of_this_object_nothing_is_patched)
{
    refused((void *)(uintptr_t)patch_function, 100, -ENOTSUP,
            "it is a function of stats-hero itself");
}

Test(hook_patch, what_is_not_executable)
{
    static uint8_t data[16];
    refused(data, sizeof data, -ENOTSUP, "it is not in executable memory");
    refused((void *)16, 16, -ENOENT, "what is mapped there can't be read from /proc/self/maps");
}

Test(hook_patch, what_does_not_fit)
{
    refused(sealed(0, CODE("\x31\xc0\xc3")), 3, -ENOTSUP, "it is too short for a jump");
}

/* inc eax at the entry of the one, in whose start the other goes on */
Test(hook_patch, code_around_is_looked_at)
{
    uint8_t *memory = machine();
    machine_put(memory + 0x2000, ADD);
    machine_put(memory + 0x100, CODE("\xe9\xff\x1e\x00\x00"));
    machine_seal(memory);
    refused(memory + 0x2000, ADD.n, -ENOTSUP, "other code jumps into its start");
}

Test(hook_patch, twice_is_a_chain)
{
    struct code thunk = CODE("\xe9\xfb\x00\x00\x00");
    uint8_t *memory = machine();
    machine_put(memory, thunk);
    machine_put(memory + 0x100, ADD);
    machine_seal(memory);
    patched(memory, thunk.n, 1);
    patched(memory, thunk.n, 2);
    cr_assert_eq(machine_run(memory, 1, 2), 3);
    cr_assert_eq(pass_counts[1] + pass_counts[2], 2);
    /* A function with a body that begins with a jump elsewhere has been patched. */
    patched(memory + 0x100, ADD.n, 3);
    refused(memory + 0x100, ADD.n, -ENOTSUP, "somebody else has patched its start");
}

Test(hook_patch, a_forked_child_patches_for_itself)
{
    uint8_t *memory = machine();
    for (size_t i = 0; i < 3; i++)
        machine_put(memory + i * 64, ADD);
    machine_seal(memory);
    patched(memory, ADD.n, 0);
    pid_t child = fork();
    if (child == 0) {
        const char *reason;
        int error = patch(memory + 64, ADD.n, 1, &reason);
        _exit(error != 0 || machine_run(memory + 64, 1, 2) != 3);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    cr_assert_eq(memory[64], 0x48);
    patched(memory + 128, ADD.n, 2);
    cr_assert_eq(machine_run(memory, 1, 2) + machine_run(memory + 128, 1, 2), 6);
    cr_assert_eq(pass_counts[0] + pass_counts[2], 2);
}

/* What a kernel or service manager may refuse. */
static void forbid(uint32_t call, uint32_t argument, uint32_t bits)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 (uint32_t)offsetof(struct seccomp_data, args) + 8 * argument),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

/* As systemd's MemoryDenyWriteExecute does. */
static void forbid_making_executable(void)
{
    forbid(SYS_mprotect, 2, PROT_EXEC);
}

/* As where /proc/self/mem can't be written. */
static void forbid_writing_past_protection(void)
{
    forbid(SYS_pwrite64, 2, UINT32_MAX);
}

Test(hook_patch, where_nothing_is_made_executable)
{
    uint8_t *memory = machine();
    for (size_t i = 0; i < 64; i++)
        machine_put(memory + i * 65, ADD);
    machine_seal(memory);
    forbid_making_executable();
    for (uint32_t i = 0; i < 64; i++) {
        patched(memory + i * 65, ADD.n, i);
        cr_assert_eq(machine_run(memory + i * 65, 1, i), i + 1);
        cr_assert_eq(pass_counts[i], 1);
    }
}

Test(hook_patch, where_protection_is_heeded)
{
    uint8_t *memory = machine();
    for (size_t i = 0; i < 64; i++)
        machine_put(memory + i * 64, ADD);
    machine_seal(memory);
    patched(memory, ADD.n, 0);
    forbid_writing_past_protection();
    for (uint32_t i = 1; i < 64; i++) {
        patched(memory + i * 64, ADD.n, i);
        cr_assert_eq(protection_of(pass_made[i].original), PROT_READ | PROT_EXEC);
        cr_assert_eq(machine_run(memory + i * 64, 1, i), i + 1);
        cr_assert_eq(pass_counts[i], 1);
    }
    cr_assert_eq(machine_run(memory, 1, 2), 3);
}

Test(hook_patch, where_both_are_refused)
{
    uint8_t *function = sealed(0, ADD);
    forbid_making_executable();
    forbid_writing_past_protection();
    refused(function, ADD.n, -EPERM, "memory in reach of it can't be made executable");
    cr_assert_eq(machine_run(function, 1, 2), 3);
}

/*
 * Threads run the function while it is patched: its first instruction is longer than the patch, so
 * that none can be in the middle.
 */
#define ADD_LONG CODE("\x48\x8d\x84\x37\x00\x00\x00\x00\xc3")

static uint8_t *raced;
static atomic_bool stop;
static atomic_int running;

static void *race(void *number)
{
    uint64_t n = (uintptr_t)number;
    atomic_fetch_add(&running, 1);
    while (!atomic_load(&stop))
        for (int i = 0; i < 100; i++)
            if (machine_run(raced, n, 2) != n + 2)
                return raced;
    return NULL;
}

static void patch_while_raced(uint8_t *function, uint32_t number)
{
    pthread_t threads[2];
    raced = function;
    atomic_store(&stop, false);
    atomic_store(&running, 0);
    for (intptr_t i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, race, (void *)i), 0);
    while (atomic_load(&running) < 2)
        sched_yield();
    patched(function, ADD_LONG.n, number);
    while (*(volatile uint32_t *)&pass_counts[number] == 0)
        sched_yield();
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++) {
        void *found;
        cr_assert_eq(pthread_join(threads[i], &found), 0);
        cr_assert_null(found);
    }
}

/* At every place in a line but those that are not promised. */
enum { RACED = 128, RACED_APART = 65 };

static uint8_t *raced_functions(void)
{
    uint8_t *memory = machine();
    for (size_t i = 0; i < RACED; i++)
        machine_put(memory + i * RACED_APART, ADD_LONG);
    machine_seal(memory);
    return memory;
}

static void race_them(uint8_t *memory)
{
    for (uint32_t i = 0; i < RACED; i++)
        if (i * RACED_APART % 8 != 7)
            patch_while_raced(memory + i * RACED_APART, i);
}

Test(hook_patch, threads_that_run_it_meanwhile)
{
    race_them(raced_functions());
}

Test(hook_patch, threads_that_run_it_while_it_is_written_past_its_protection)
{
    uint8_t *memory = raced_functions();
    forbid_making_executable();
    race_them(memory);
}

#endif
