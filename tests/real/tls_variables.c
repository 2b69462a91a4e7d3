/*
 * tls_variables: preloaded beside the shim, stands before functions that the shim calls, as
 * libfaketime and profilers do, and counts its calls in a thread-local variable of the ordinary
 * kind: libc makes it when a thread first needs it.
 */
#include <dlfcn.h>
#include <time.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT __thread int calls; /* another library may have it, so that libc is asked where it is */

EXPORT int clock_gettime(clockid_t clock, struct timespec *time)
{
    static int (*real)(clockid_t clock, struct timespec * time);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    calls++;
    return real(clock, time);
}
