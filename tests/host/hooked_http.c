/*
 * hooked_http SCENARIO: hooked functions in servers whose requests are seen on their connections.
 * `serve` is to be a request, `query` a timer.
 */
#include "hooked.h"
#include "loopback.h"

int handle(int n);
int query(int n);

HOOKED int query(int n)
{
    LONG_ENOUGH();
    return n + 1;
}

HOOKED int handle(int n)
{
    EXPECT(query(n) == n + 1 && query(n) == n + 1);
    STAYS();
    return 200;
}

/* A call within a request of HTTP is a part of it. */
static void within(void)
{
    struct pair pair = pair_make();
    for (int i = 0; i < 10; i++) {
        ask(pair.client, "/http");
        take(pair.server);
        EXPECT(handle(i) == 200);
        answer_and_hear(pair);
    }
    pair_close(pair);
}

/* A request of HTTP that comes in within a call is another one: whose the time is can't be told. */
static void around(void)
{
    struct pair pair = pair_make();
    for (int i = 0; i < 10; i++)
        EXPECT(handle(i) == 200);
    exchange(pair, "/http");
    pair_close(pair);
}

/* Two at once: no query is any one's. */
static void two_at_once(void)
{
    struct pair one = pair_make(), other = pair_make();
    ask(one.client, "/one");
    take(one.server);
    EXPECT(query(1) == 2);
    ask(other.client, "/other");
    take(other.server);
    EXPECT(query(1) == 2);
    answer_and_hear(one);
    EXPECT(query(1) == 2);
    answer_and_hear(other);
    EXPECT(query(1) == 2);
    exchange(one, "/one");
    pair_close(one);
    pair_close(other);
}

int main(int argc, char **argv)
{
    static const struct scenario table[] = {
        {"within", within},
        {"around", around},
        {"two_at_once", two_at_once},
    };
    return SCENARIO_RUN(table, argc, argv);
}
