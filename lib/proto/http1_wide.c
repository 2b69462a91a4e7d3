#include "base/hot.h"
#include "proto/http1.h"

HOT_DATA bool http1_wide;

void http1_look_wide_from_now(bool wide)
{
#ifdef __x86_64__
    __builtin_cpu_init(); /* its own constructor may come after ours */
    http1_wide = wide && __builtin_cpu_supports("avx2");
#else
    (void)wide;
#endif
}
