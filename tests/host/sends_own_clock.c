/*
 * sends_own_clock: as sends, with a clock_gettime of the program's own before libc's. It might have
 * thread-local variables, which only a thread of libc's has.
 */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sends.c"

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *time)
{
    return (int)syscall(SYS_clock_gettime, clock, time);
}
