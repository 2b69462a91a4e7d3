#include "hook/modules_seen.h"

/* A module is known by where it stands; past so many all are new every time. */
enum { SEEN_MOST = 4096 };

static struct seen {
    const void *segments;
    uint32_t look;
} seen[SEEN_MOST];
static uint32_t look;
static size_t n;

static void drop_gone(void)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (seen[i].look == look)
            seen[kept++] = seen[i];
    n = kept;
}

void modules_seen_begin(void)
{
    drop_gone();
    look++;
}

bool modules_seen_new(const struct module *module)
{
    for (size_t i = 0; i < n; i++)
        if (seen[i].segments == module->segments) {
            seen[i].look = look;
            return false;
        }
    if (n < SEEN_MOST)
        seen[n++] = (struct seen){module->segments, look};
    return true;
}
