/* plugin: a library that tests load late: its constructor, and a function that is chosen when it is
 * loaded, call what is hooked. */
#include <stdlib.h>
#include <unistd.h>

#include "../hooked.h"

#define SHOWN __attribute__((visibility("default")))

SHOWN int plugin_count(void);
SHOWN int plugin_query(int n);
SHOWN int plugin_chosen(int n);

static int count;

HOOKED int plugin_query(int n)
{
    LONG_ENOUGH();
    count++;
    return n + 3;
}

static int chosen(int n)
{
    LONG_ENOUGH();
    return n + 4;
}

/* Needs a library's function: it can run once this one is relocated. */
__attribute__((used)) static int (*choose(void))(int)
{
    return getenv("PATH") != environ[0] ? chosen : NULL;
}

int plugin_chosen(int n) __attribute__((ifunc("choose")));

static __attribute__((constructor)) void begin(void)
{
    plugin_query(1);
}

int plugin_count(void)
{
    return count;
}
