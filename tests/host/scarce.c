/*
 * scarce SCENARIO: processes that run out of memory at each point in turn, and serve none the less;
 * and one with a second libc in a namespace of its own.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "loopback.h"

enum { POINTS = 100, STEP_BYTES = 32 << 10, REQUESTS = 2 };

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t each);
extern void *__libc_realloc(void *at, size_t n);

/* Allocations from number `first` to `last` fail. */
static int first = INT32_MAX, last = INT32_MAX, allocations;

static bool refused(void)
{
    int number = __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
    if (number < first || number > last)
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t n)
{
    return refused() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t each)
{
    return refused() ? NULL : __libc_calloc(n, each);
}

void *realloc(void *at, size_t n)
{
    return refused() ? NULL : __libc_realloc(at, n);
}

/* A child for each point. */
static void each_point(void (*run)(int point))
{
    for (int point = 0; point < POINTS; point++) {
        pid_t child = fork();
        if (child == 0) {
            run(point);
            serve("/scarce", REQUESTS);
            exit(0);
        }
        expect_child(child);
    }
}

static void refuse_from(int point)
{
    first = allocations + point;
}

static void refuse_one(int point)
{
    first = last = allocations + point;
}

static void allocations_fail(void)
{
    each_point(refuse_from);
    each_point(refuse_one);
}

static size_t address_space(void)
{
    size_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    EXPECT(file != NULL && fscanf(file, "%zu", &pages) == 1 && fclose(file) == 0);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void limit_space(int point)
{
    rlim_t most = address_space() + (size_t)point * STEP_BYTES;
    EXPECT(setrlimit(RLIMIT_AS, &(struct rlimit){most, RLIM_INFINITY}) == 0);
}

static void space_ends(void)
{
    each_point(limit_space);
}

/* Its calls are not seen, as nothing of ours is in that namespace; the others' are. */
static void second_libc(void)
{
    void *other = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW);
    EXPECT(other != NULL);
    int (*other_close)(int);
    *(void **)&other_close = dlsym(other, "close");
    serve("/scarce", REQUESTS);
    int fd = dup(STDIN_FILENO);
    EXPECT(other_close != NULL && other_close != close && other_close(fd) == 0);
    serve("/scarce", REQUESTS);
}

int main(int argc, char **argv)
{
    static const struct scenario table[] = {
        {"allocations_fail", allocations_fail},
        {"space_ends", space_ends},
        {"second_libc", second_libc},
    };
    return SCENARIO_RUN(table, argc, argv);
}
