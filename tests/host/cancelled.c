/*
 * cancelled SCENARIO: a program with one thread and, as many C++ programs, a copy of its own of
 * libc's variable that says so.
 */
#include <pthread.h>

#include "loopback.h"

__attribute__((visibility("default"))) char __libc_single_threaded;

static void end_cancelled(void *unused)
{
    (void)unused;
    exit(0);
}

/* The only thread may be cancelled, by itself; libc's read on a connection looks. */
static void by_itself(void)
{
    struct pair pair = pair_make();
    char c;
    EXPECT(__libc_single_threaded);
    exchanges(pair, "/before", 3);
    ask(pair.client, "/never-read");
    pthread_cleanup_push(end_cancelled, NULL);
    EXPECT(pthread_cancel(pthread_self()) == 0);
    read(pair.server, &c, 1);
    pthread_cleanup_pop(0);
    EXPECT(false); /* read did not look */
}

int main(int argc, char **argv)
{
    static const struct scenario table[] = {{"by_itself", by_itself}};
    return scenario_run(table, sizeof table / sizeof *table, argc, argv);
}
