#include "send/apart.h"

#include <linux/close_range.h>

#include "base/log.h"
#include "base/sys.h"

bool apart_begin(int keep)
{
    if (sys_close_range((unsigned)(keep + 1), ~0u, CLOSE_RANGE_UNSHARE) < 0)
        return false;
    if (keep > 0)
        sys_close_range(0, (unsigned)keep - 1, 0);
    log_apart();
    return true;
}
