#include "base/process.h"

#include "base/hot.h"
#include "base/sys.h"

HOT_DATA struct process process;

void process_begin(void)
{
    process.pid = sys_getpid();
    process.epoch++;
}

bool process_is_ours(void)
{
    return sys_getpid() == process.pid;
}
