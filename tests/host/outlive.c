/* outlive SCENARIO: hooked calls, and requests on a connection that end while they run. */
#include "loopback.h"

#define FUNCTION __attribute__((noinline, used)) static

enum { ROUNDS = 10 };

static volatile unsigned calls;
static struct pair pair;

FUNCTION void whole(void)
{
    calls++;
}

#define TIMED(number)                                                                              \
    FUNCTION void timed_##number(void)                                                             \
    {                                                                                              \
        calls++;                                                                                   \
    }
TIMED(1)
TIMED(2)
TIMED(3)
TIMED(4)
TIMED(5)
TIMED(6)
TIMED(7)
TIMED(8)
TIMED(9)
TIMED(10)

static void begin(const char *target)
{
    ask(pair.client, target);
    take(pair.server);
}

/* A call that was a request is over; then a request has timers of more labels than a thread keeps.
 */
static void after_a_request(void)
{
    static void (*const timed[])(void) = {timed_1, timed_2, timed_3, timed_4, timed_5,
                                          timed_6, timed_7, timed_8, timed_9, timed_10};
    whole();
    begin("/many");
    for (size_t i = 0; i < sizeof timed / sizeof *timed; i++)
        timed[i]();
    answer_and_hear(pair);
}

FUNCTION void ending(void)
{
    answer_and_hear(pair);
    whole();
}

static void outlives(void)
{
    begin("/first");
    ending();
    whole();
}

FUNCTION void changing(void)
{
    answer_and_hear(pair);
    begin("/second");
    whole();
}

static void outlives_into_another(void)
{
    begin("/first");
    changing();
    whole();
    answer_and_hear(pair);
}

static void rounds(void (*round)(void))
{
    pair = pair_make();
    for (int i = 0; i < ROUNDS; i++)
        round();
    pair_close(pair);
}

static void rounds_after_a_request(void)
{
    rounds(after_a_request);
}

static void rounds_outlive(void)
{
    rounds(outlives);
}

static void rounds_outlive_into_another(void)
{
    rounds(outlives_into_another);
}

int main(int argc, char **argv)
{
    static const struct scenario table[] = {
        {"after_a_request", rounds_after_a_request},
        {"outlives", rounds_outlive},
        {"outlives_into_another", rounds_outlive_into_another},
    };
    return SCENARIO_RUN(table, argc, argv);
}
