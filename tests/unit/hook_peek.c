#include <criterion/criterion.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "hook/peek.h"

TestSuite(peek, .init = process_begin, .timeout = 60);

#define PAGE 4096

static struct peek peek_of(const void *address, void *to, size_t n)
{
    return (struct peek){(uint64_t)(uintptr_t)address, to, n, false};
}

static bool peek_one(const void *address, void *to, size_t n)
{
    struct peek peek = peek_of(address, to, n);
    errno = 7777;
    peek_all(&peek, 1);
    cr_assert_eq(errno, 7777);
    return peek.done;
}

/* A page with `text` at its end, and nothing behind it. */
static char *at_end(const char *text)
{
    char *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(page, MAP_FAILED);
    munmap(page + PAGE, PAGE);
    return memcpy(page + PAGE - strlen(text), text, strlen(text));
}

static void assert_reads(void)
{
    char to[16];
    char *text = at_end("whole");
    cr_assert(peek_one(text, to, 5));
    cr_assert_eq(memcmp(to, "whole", 5), 0);
    cr_assert_not(peek_one(text, to, 6));
    cr_assert_not(peek_one(text + 5, to, 1));
    cr_assert_not(peek_one(NULL, to, 1));
    cr_assert_not(peek_one((void *)UINTPTR_MAX, to, 1));
    cr_assert_not(peek_one((void *)(UINTPTR_MAX / 2 + 1), to, 8));
}

/* Which of eight are there is told for each alone, whichever they are. */
static void assert_each_alone(void)
{
    static const char text[] = "abcdefgh";
    for (unsigned bad = 0; bad < 256; bad++) {
        struct peek peeks[PEEKS_MOST];
        char to[PEEKS_MOST] = "";
        for (unsigned i = 0; i < PEEKS_MOST; i++)
            peeks[i] = peek_of((bad & 1u << i) != 0 ? (void *)16 : text + i, to + i, 1);
        peek_all(peeks, PEEKS_MOST);
        for (unsigned i = 0; i < PEEKS_MOST; i++) {
            cr_assert_eq(peeks[i].done, (bad & 1u << i) == 0, "%u of %x", i, bad);
            cr_assert(!peeks[i].done || to[i] == text[i], "%u of %x", i, bad);
        }
    }
}

Test(peek, what_is_there_and_what_is_not)
{
    assert_reads();
    assert_each_alone();
}

Test(peek, a_page_that_nobody_may_touch)
{
    char to;
    char *page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_not(peek_one(page, &to, 1));
    mprotect(page, PAGE, PROT_READ);
    cr_assert(peek_one(page, &to, 1));
}

/* `denied` answers with EPERM from now on, as a container's filter has it. */
static void deny(unsigned denied, unsigned denied_too)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, denied, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, denied_too, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

Test(peek, by_the_file_where_copying_is_forbidden)
{
    int next = dup(0);
    close(next);
    deny(SYS_process_vm_readv, SYS_process_vm_readv);
    assert_reads();
    assert_each_alone();
    cr_assert_eq(dup(0), next, "an fd was left open");
}

Test(peek, nothing_where_all_is_forbidden)
{
    char to;
    deny(SYS_process_vm_readv, SYS_pread64);
    cr_assert_not(peek_one("x", &to, 1));
    cr_assert_not(peek_one(NULL, &to, 1));
}

static char *_Atomic moving;
static atomic_bool stop;

/* Maps and unmaps one page over and over. */
static void *map_and_unmap(void *unused)
{
    while (!atomic_load(&stop)) {
        char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(page, 'x', PAGE);
        atomic_store(&moving, page);
        munmap(page, PAGE);
    }
    return unused;
}

Test(peek, memory_that_goes_meanwhile)
{
    pthread_t thread;
    unsigned there = 0, gone = 0;
    cr_assert_eq(pthread_create(&thread, NULL, map_and_unmap, NULL), 0);
    while (there < 50 || gone < 50) {
        char to[64];
        const char *page = atomic_load(&moving);
        if (page != NULL && peek_one(page, to, sizeof to))
            there++;
        else
            gone++;
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
}

/* A forked child reads its own memory. */
Test(peek, after_fork)
{
    static int number = 1;
    char to[sizeof number];
    pid_t child = fork();
    if (child == 0) {
        process_begin();
        number = 2;
        _exit(peek_one(&number, to, sizeof to) && memcmp(to, &number, sizeof to) == 0 ? 0 : 1);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
}
