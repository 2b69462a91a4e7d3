/* Refusals: each reason is counted, kept with an example, and shown to people and programs. */

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>

#include "collect/report.h"
#include "collect/screen.h"
#include "reporting.h"

TestSuite(refusals, .init = begin, .fini = end);

/* What is refused, and how much of it the example is: all of a datagram, one line of one. */
static const struct {
    enum refusal why;
    const char *datagram;
    const char *example;
} rows[] = {
    {REFUSED_HEADER, "1|12", "1|12"},
    {REFUSED_LENGTH, "1|6\r\na:1|m\n", "1|6\\u000d\\u000aa:1|m\\u000a"},
    {REFUSED_LENGTH_DIFFERS, "1|5\na:1|m\n", "1|5\\u000aa:1|m\\u000a"},
    {REFUSED_GZIP, "1|3\n\x1f\x8b\b", "1|3\\u000a\\u001f\\u008b\\u0008"},
    {REFUSED_FIELDS, "1|12\na:1|m\na b c\n", "a b c"},
    {REFUSED_KEY, "a:1|c\n:2|c\n", ":2|c"},
    {REFUSED_VALUE, "1|14\na:1|m\na:1.0|m\n", "a:1.0|m"},
    {REFUSED_TYPE, "1|13\na:1|m\na:1|ms\n", "a:1|ms"},
    {REFUSED_RATE, "1|15\na:1|m\na:1|m|@1\n", "a:1|m|@1"},
};

enum { ROWS = sizeof rows / sizeof *rows };

static const char *object_of(enum refusal why, unsigned count, const char *example, size_t bytes)
{
    static char object[1024];
    snprintf(object, sizeof object,
             "{\"reason\":\"%s\",\"of\":\"%s\",\"count\":%u,\"meaning\":\"%s\",\"example\":\"%s\","
             "\"example_bytes\":%zu}",
             refusal_name(why), refusal_whole(why) ? "datagram" : "line", count,
             refusal_sentence(why), example, bytes);
    return object;
}

/* Bytes that an escaped text stands for. */
static size_t unescaped(const char *escaped)
{
    size_t n = 0;
    for (; *escaped != '\0'; n++)
        escaped += *escaped == '\\' ? 6 : 1;
    return n;
}

static void take_all(void)
{
    for (size_t i = 0; i < ROWS; i++)
        take(bytes_of(rows[i].datagram));
}

Test(refusals, each_reason_is_in_the_report)
{
    take_all();
    written(report_write);
    for (size_t i = 0; i < ROWS; i++) {
        const char *object = object_of(rows[i].why, 1, rows[i].example, unescaped(rows[i].example));
        cr_assert(strstr(text, object) != NULL, "%s in %s", object, text);
    }
    cr_assert(strstr(text, "\"frames\":{\"received\":9,\"refused\":4,\"lost\":0}") != NULL);
    cr_assert(strstr(text, "\"lines\":{\"received\":10,\"refused\":5,") != NULL, "%s", text);
}

Test(refusals, each_reason_is_on_the_screen)
{
    char expected[512];
    take_all();
    written(screen_write);
    for (size_t i = 0; i < ROWS; i++) {
        snprintf(expected, sizeof expected, "1 %s was refused: %s\n    \"%s\"\n",
                 refusal_whole(rows[i].why) ? "datagram" : "line", refusal_sentence(rows[i].why),
                 rows[i].example);
        cr_assert(strstr(text, expected) != NULL, "%s in %s", expected, text);
    }
}

Test(refusals, the_first_example_is_kept_and_all_are_counted)
{
    take(BYTES("1|x\n"));
    take(BYTES("1|y\n"));
    take(BYTES("bad\nworse\nbad again\n"));
    written(report_write);
    cr_assert(strstr(text, object_of(REFUSED_LENGTH, 2, "1|x\\u000a", 4)) != NULL, "%s", text);
    cr_assert(strstr(text, object_of(REFUSED_FIELDS, 3, "bad", 3)) != NULL, "%s", text);
    written(screen_write);
    cr_assert(strstr(text, "2 datagrams were refused: ") != NULL, "%s", text);
    cr_assert(strstr(text, "3 lines were refused: ") != NULL, "%s", text);
}

Test(refusals, a_long_example_is_cut)
{
    char line[1100], shown[RECEIVE_EXAMPLE_BYTES + 1] = {0};
    memset(line, 'k', sizeof line);
    memset(shown, 'k', sizeof shown - 1);
    take((struct bytes){line, sizeof line});
    written(report_write);
    cr_assert(strstr(text, object_of(REFUSED_FIELDS, 1, shown, sizeof line)) != NULL, "%s", text);
    written(screen_write);
    cr_assert(strstr(text, "kkkk\" and 1,036 bytes more\n") != NULL, "%s", text);
}

Test(refusals, an_example_can_not_steer_the_terminal)
{
    char line[256];
    for (int c = 0; c < 256; c++)
        line[c] = c == '\n' ? ' ' : (char)c;
    take(BYTES("\033[2J\x9b\r\n"));
    take((struct bytes){line, sizeof line});
    written(screen_write);
    cr_assert(strstr(text, "\"\\u001b[2J\\u009b\\u000d\"") != NULL, "%s", text);
    for (const char *at = text; *at != '\0'; at++)
        cr_assert(*at == '\n' || (*at >= ' ' && *at <= '~'), "%s", text);
}

Test(refusals, what_arrived_in_part_is_an_example_too)
{
    receive_truncated(receiver, BYTES("a:1|c\n"));
    written(report_write);
    cr_assert(strstr(text, object_of(REFUSED_TRUNCATED, 1, "a:1|c\\u000a", 6)) != NULL, "%s", text);
}

Test(refusals, what_is_ignored_is_shown)
{
    take(BYTES("a:1|g\nb:who|s\nc:1:2|kv\n"));
    cr_assert(strstr(written(report_write), "\"refused\":0,\"ignored\":4}") != NULL, "%s", text);
    written(screen_write);
    cr_assert(strstr(text, "4 values were ignored: neither a counter nor a timer\n") != NULL, "%s",
              text);
    cr_assert(strstr(text, "refused") == NULL, "%s", text);
}

Test(refusals, have_a_name_and_a_sentence_each)
{
    for (enum refusal r = 0; r < REFUSAL_KINDS; r++) {
        cr_assert(refusal_name(r) != NULL);
        cr_assert(refusal_sentence(r) != NULL);
        for (enum refusal other = 0; other < r; other++) {
            cr_assert_str_neq(refusal_name(r), refusal_name(other));
            cr_assert_str_neq(refusal_sentence(r), refusal_sentence(other));
        }
    }
}
