/*
 * inherited FD…: one connection of two requests on each of these listening sockets, which the
 * program was started with; the n-th asks for /pN.
 */
#include "loopback.h"

static void serve_on(int listener, int number)
{
    char target[16];
    snprintf(target, sizeof target, "/p%d", number);
    struct pair pair = {.client = loopback_connect(listener)};
    pair.server = accept(listener, NULL, NULL);
    EXPECT(pair.server >= 0);
    exchanges(pair, target, 2);
    pair_close(pair);
}

int main(int argc, char **argv)
{
    alarm(PATIENCE_S);
    for (int i = 1; i < argc; i++)
        serve_on(atoi(argv[i]), i);
    return 0;
}
