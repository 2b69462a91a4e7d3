/* receive: what estatsd accepts and refuses, row by row, statsd's spellings, and any bytes at all.
 */

#include <criterion/criterion.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collect/receive.h"

enum { SEEN_MOST = 32, KEY_BYTES = 64 };

struct seen {
    size_t n;
    struct {
        enum line_kind kind;
        char key[KEY_BYTES];
        double value;
        double rate;
    } lines[SEEN_MOST];
};

static struct receive *receiver;
static struct seen seen;

static void see(void *context, const struct line *line)
{
    struct seen *s = context;
    size_t n = line->key.n < KEY_BYTES - 1 ? line->key.n : KEY_BYTES - 1;
    if (s->n < SEEN_MOST) {
        s->lines[s->n].kind = line->kind;
        memcpy(s->lines[s->n].key, line->key.at, n);
        s->lines[s->n].value = line->value;
        s->lines[s->n].rate = line->rate;
    }
    s->n++;
}

static void begin(void)
{
    seen = (struct seen){0};
    cr_assert(receive_new(&receiver) == 0);
}

static void end(void)
{
    receive_free(receiver);
}

TestSuite(receive, .init = begin, .fini = end);

/* Each datagram is put against a page that can't be read. */
static enum refusal take(struct bytes datagram)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (datagram.n + page - 1) / page * page + page;
    char *at = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(at != MAP_FAILED);
    mprotect(at + room, page, PROT_NONE);
    char *copy = at + room - datagram.n;
    memcpy(copy, datagram.at, datagram.n);
    seen = (struct seen){0};
    enum refusal refusal = receive_datagram(receiver, (struct bytes){copy, datagram.n}, see, &seen);
    munmap(at, room + page);
    return refusal;
}

static struct receive_counts *counts(void)
{
    return receive_counts(receiver);
}

/* One SHP body, in a frame with the right length. */
static enum refusal take_body(struct bytes body)
{
    char frame[8192];
    struct writer w = writer_on(frame, sizeof frame);
    put_string(&w, "1|");
    put_u64(&w, body.n);
    put_char(&w, '\n');
    put_bytes(&w, body);
    return take((struct bytes){frame, w.n});
}

/* Why the only line of a body was refused. */
static enum refusal line_refusal(const char *line, enum refusal (*taker)(struct bytes))
{
    struct receive_counts before = *counts();
    cr_assert_eq(taker(bytes_of(line)), REFUSED_NOT, "%s", line);
    for (enum refusal r = REFUSED_NOT + 1; r < REFUSAL_KINDS; r++)
        if (counts()->refused[r] != before.refused[r])
            return r;
    return REFUSED_NOT;
}

static const char start_frame[] = "1|124\n"
                                  "test_hero.application.allRequests:1|m\n"
                                  "test_hero.test-host.allRequests:1|m\n"
                                  "test_hero.application.byRequestType.nodes.PUT:1|m\n";

static const char end_frame[] =
    "1|638\n"
    "test_hero.application.byStatusCode.200:1|m\n"
    "test_hero.test-host.byStatusCode.200:1|m\n"
    "test_hero.application.allRequests:109|h\n"
    "test_hero.test-host.allRequests:109|h\n"
    "test_hero.application.byRequestType.nodes.PUT:109|h\n"
    "test_hero.upstreamRequests.rdbms:1202|h\n"
    "test_hero.upstreamRequests.authz:100|h\n"
    "test_hero.upstreamRequests.rdbms.nodes.put:200|h\n"
    "test_hero.upstreamRequests.rdbms.nodes.fetch:1000|h\n"
    "test_hero.upstreamRequests.rdbms.micro:2|h\n"
    "test_hero.upstreamRequests.authz.nodes.read:100|h\n"
    "test_hero.application.byRequestType.nodes.PUT.upstreamRequests.rdbms:1202|h\n"
    "test_hero.application.byRequestType.nodes.PUT.upstreamRequests.authz:100|h\n";

Test(receive, takes_the_originals_start_frame)
{
    cr_assert_eq(take(bytes_of(start_frame)), REFUSED_NOT);
    cr_assert_eq(seen.n, 3);
    cr_assert_str_eq(seen.lines[0].key, "test_hero.application.allRequests");
    cr_assert_eq(seen.lines[0].kind, LINE_COUNTER);
    cr_assert_eq(seen.lines[2].value, 1);
}

Test(receive, takes_the_originals_end_frame)
{
    cr_assert_eq(take(bytes_of(end_frame)), REFUSED_NOT);
    cr_assert_eq(seen.n, 13);
    cr_assert_eq(seen.lines[5].kind, LINE_TIMER);
    cr_assert_eq(seen.lines[5].value, 1202);
    cr_assert_eq(counts()->lines_refused, 0);
}

Test(receive, refuses_every_cut_of_a_frame)
{
    for (size_t n = 2; n < sizeof end_frame - 1; n++)
        cr_assert_neq(take((struct bytes){end_frame, n}), REFUSED_NOT, "%zu", n);
    cr_assert_eq(counts()->datagrams_refused, sizeof end_frame - 3);
    cr_assert_eq(counts()->lines, 0);
}

Test(receive, takes_the_lengths_that_an_integer_parser_takes)
{
    static const char *const taken[] = {"1|6\na:1|m\n",  "1|06\na:1|m\n", "1|+6\na:1|m\n",
                                        "1|5\na:1|m",    "1|0\n",         "1|-0\n",
                                        "1|7\n\na:1|m\n"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        cr_assert_eq(take(bytes_of(taken[i])), REFUSED_NOT, "%s", taken[i]);
}

Test(receive, a_last_newline_may_be_missing)
{
    cr_assert_eq(take(BYTES("1|11\na:1|m\nb:2|h")), REFUSED_NOT);
    cr_assert_eq(seen.n, 2);
    cr_assert_str_eq(seen.lines[1].key, "b");
    cr_assert_eq(seen.lines[1].value, 2);
    cr_assert_eq(take(BYTES("a:1|c\nb:2|ms")), REFUSED_NOT);
    cr_assert_eq(seen.n, 2);
}

Test(receive, blank_lines_are_no_lines)
{
    cr_assert_eq(take_body(BYTES("\n\na:1|m\n\n\nb:2|h\n\n")), REFUSED_NOT);
    cr_assert_eq(seen.n, 2);
    cr_assert_eq(take_body(BYTES("\n")), REFUSED_NOT);
    cr_assert_eq(take(BYTES("1|0\n")), REFUSED_NOT);
    cr_assert_eq(take(BYTES("\n\na:1|c\n\n")), REFUSED_NOT);
    cr_assert_eq(take(BYTES("\n")), REFUSED_NOT);
    cr_assert_eq(take(BYTES("")), REFUSED_NOT);
    cr_assert_eq(counts()->lines, 3);
    cr_assert_eq(counts()->lines_refused, 0);
    cr_assert_eq(counts()->datagrams, 6);
}

/* `a:1|h` is legal in both, `b:1|ms` in statsd only. */
Test(receive, a_datagram_is_shp_only_if_it_begins_so)
{
    static const struct {
        const char *text;
        size_t values;
        uint64_t refused_lines;
    } rows[] = {
        {"1|13\na:1|h\nb:1|ms\n", 1, 1},  {"2|13\na:1|h\nb:1|ms\n", 2, 1},
        {"\n1|13\na:1|h\nb:1|ms", 2, 1},  {" 1|13\na:1|h\nb:1|ms\n", 2, 1},
        {"01|13\na:1|h\nb:1|ms\n", 2, 1}, {"1\na:1|h\nb:1|ms\n", 2, 1},
        {"1:5|c\na:1|h\nb:1|ms\n", 3, 0}, {"a:1|h\n1|13\nb:1|ms\n", 2, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t before = counts()->lines_refused;
        cr_assert_eq(take(bytes_of(rows[i].text)), REFUSED_NOT, "%s", rows[i].text);
        cr_assert_eq(seen.n, rows[i].values, "%s", rows[i].text);
        cr_assert_eq(counts()->lines_refused - before, rows[i].refused_lines, "%s", rows[i].text);
    }
}

Test(receive, a_refused_datagram_takes_no_other_with_it)
{
    static const char *const refused[] = {"1|", "1|x\na:1|m\n", "1|9\na:1|m\n",
                                          "1|4\n\x1f\x8b\b\n"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        cr_assert_neq(take(bytes_of(refused[i])), REFUSED_NOT, "%s", refused[i]);
        cr_assert_eq(seen.n, 0);
        cr_assert_eq(take(BYTES("1|6\na:1|m\n")), REFUSED_NOT);
        cr_assert_eq(seen.n, 1);
        cr_assert_eq(take(BYTES("a:1|c\n")), REFUSED_NOT);
        cr_assert_eq(seen.n, 1);
    }
    cr_assert_eq(counts()->datagrams_refused, sizeof refused / sizeof *refused);
}

Test(receive, refuses_other_lengths)
{
    static const struct {
        const char *text;
        enum refusal why;
    } refused[] = {
        {"1|", REFUSED_HEADER},
        {"1|6", REFUSED_HEADER},
        {"1|\na:1|m\n", REFUSED_LENGTH},
        {"1| 6\na:1|m\n", REFUSED_LENGTH},
        {"1|6 \na:1|m\n", REFUSED_LENGTH},
        {"1|6\r\na:1|m\n", REFUSED_LENGTH},
        {"1|0x6\na:1|m\n", REFUSED_LENGTH},
        {"1|6.0\na:1|m\n", REFUSED_LENGTH},
        {"1|6e0\na:1|m\n", REFUSED_LENGTH},
        {"1|+\na:1|m\n", REFUSED_LENGTH},
        {"1|-\na:1|m\n", REFUSED_LENGTH},
        {"1|++6\na:1|m\n", REFUSED_LENGTH},
        {"1|+ 6\na:1|m\n", REFUSED_LENGTH},
        {"1|\t6\na:1|m\n", REFUSED_LENGTH},
        {"1|x6\na:1|m\n", REFUSED_LENGTH},
        {"1|6|\na:1|m\n", REFUSED_LENGTH},
        {"1|0_6\na:1|m\n", REFUSED_LENGTH},
        {"1|six\na:1|m\n", REFUSED_LENGTH},
        {"1|0\na:1|m\n", REFUSED_LENGTH_DIFFERS},
        {"1|1\n", REFUSED_LENGTH_DIFFERS},
        {"1|5\na:1|m\n", REFUSED_LENGTH_DIFFERS},
        {"1|7\na:1|m\n", REFUSED_LENGTH_DIFFERS},
        {"1|-6\na:1|m\n", REFUSED_LENGTH_DIFFERS},
        {"1|18446744073709551622\na:1|m\n", REFUSED_LENGTH_DIFFERS},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        cr_assert_eq(take(bytes_of(refused[i].text)), refused[i].why, "%s", refused[i].text);
    cr_assert_eq(counts()->datagrams_refused, sizeof refused / sizeof *refused);
    cr_assert_eq(counts()->datagrams, sizeof refused / sizeof *refused);
    cr_assert_eq(counts()->refused[REFUSED_LENGTH_DIFFERS], 6);
}

Test(receive, takes_shp_lines)
{
    static const struct {
        const char *text;
        enum line_kind kind;
        double value;
    } taken[] = {
        {"a:1|m", LINE_COUNTER, 1},
        {"a:1|h", LINE_TIMER, 1},
        {"a:1|g", LINE_IGNORED, 1},
        {"a:1|mr", LINE_IGNORED, 1},
        {"a:-5|m", LINE_COUNTER, -5},
        {"a:+5|m", LINE_COUNTER, 5},
        {"a:007|m", LINE_COUNTER, 7},
        {"a:9007199254740992|h", LINE_TIMER, 9007199254740992.0},
        {"a:100000000000000000000000000000|m", LINE_COUNTER, 1e29},
        {":1|m", LINE_COUNTER, 1},
        {"a|1:m", LINE_COUNTER, 1},
        {"a:1|m|@0.5", LINE_COUNTER, 1},
        {"a:1|m|@1.0", LINE_COUNTER, 1},
        {"a:1|m|@1.0e-3", LINE_COUNTER, 1},
    };
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        cr_assert_eq(line_refusal(taken[i].text, take_body), REFUSED_NOT, "%s", taken[i].text);
        cr_assert_eq(seen.n, 1, "%s", taken[i].text);
        cr_assert_eq(seen.lines[0].kind, taken[i].kind, "%s", taken[i].text);
        cr_assert_eq(seen.lines[0].value, taken[i].value, "%s", taken[i].text);
        cr_assert_eq(seen.lines[0].rate, 1, "%s", taken[i].text);
    }
}

Test(receive, refuses_bad_shp_lines_alone)
{
    static const struct {
        const char *text;
        enum refusal why;
    } refused[] = {
        {"a", REFUSED_FIELDS},          {"a:1", REFUSED_FIELDS},
        {"a:b:1|m", REFUSED_VALUE},     {"a:|m", REFUSED_VALUE},
        {"a:1.0|m", REFUSED_VALUE},     {"a:1e3|m", REFUSED_VALUE},
        {"a: 1|m", REFUSED_VALUE},      {"a:1 |m", REFUSED_VALUE},
        {"a:\t1|m", REFUSED_VALUE},     {"a: |m", REFUSED_VALUE},
        {"a:-|m", REFUSED_VALUE},       {"a:--1|m", REFUSED_VALUE},
        {"a:0x1|m", REFUSED_VALUE},     {"a:1_0|m", REFUSED_VALUE},
        {"a:1|c", REFUSED_TYPE},        {"a:1|ms", REFUSED_TYPE},
        {"a:1|d", REFUSED_TYPE},        {"a:1|s", REFUSED_TYPE},
        {"a:1|M", REFUSED_TYPE},        {"a:1|H", REFUSED_TYPE},
        {"a:1|G", REFUSED_TYPE},        {"a:1|MR", REFUSED_TYPE},
        {"a:1|Mr", REFUSED_TYPE},       {"a:1|mR", REFUSED_TYPE},
        {"a:1| m", REFUSED_TYPE},       {"a:1|", REFUSED_TYPE},
        {"a:1|m\r", REFUSED_TYPE},      {"a:1|m|@1", REFUSED_RATE},
        {"a:1|m|@.5", REFUSED_RATE},    {"a:1|m|@5e-1", REFUSED_RATE},
        {"a:1|m|0.5", REFUSED_RATE},    {"a:1|m|@", REFUSED_RATE},
        {"a:1|m|", REFUSED_RATE},       {"a:1|m|@1.", REFUSED_RATE},
        {"a:1|m|@1.0e", REFUSED_RATE},  {"a:1|m|#t", REFUSED_RATE},
        {"a:1|m|@0.5|", REFUSED_RATE},  {"a:1|m|@0.5|@0.5", REFUSED_RATE},
        {"a:1|m|@0.5:1", REFUSED_RATE}, {"a:1|m|@ 0.5", REFUSED_RATE},
        {"a:1|m|@0,5", REFUSED_RATE},   {"a:1|m|@1.0e999", REFUSED_RATE},
    };
    size_t n = sizeof refused / sizeof *refused;
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(line_refusal(refused[i].text, take_body), refused[i].why, "%s",
                     refused[i].text);
    cr_assert_eq(counts()->lines_refused, n);
    cr_assert_eq(counts()->datagrams_refused, 0);
    cr_assert_eq(take_body(BYTES("a:1|m\nbad\nb:2|m\n")), REFUSED_NOT);
    cr_assert_eq(seen.n, 2);
    cr_assert_str_eq(seen.lines[1].key, "b");
}

Test(receive, takes_statsd_lines)
{
    static const struct {
        const char *text;
        enum line_kind kind;
        size_t n;
        double last;
        double rate;
    } taken[] = {
        {"a:1|c", LINE_COUNTER, 1, 1, 1},
        {"a:1|m", LINE_COUNTER, 1, 1, 1},
        {"a:1.5|ms", LINE_TIMER, 1, 1.5, 1},
        {"a:.5|h", LINE_TIMER, 1, 0.5, 1},
        {"a:1e3|d", LINE_TIMER, 1, 1000, 1},
        {"a:-3|g", LINE_IGNORED, 1, -3, 1},
        {"a:who|s", LINE_IGNORED, 1, 0, 1},
        {"a:1|mr", LINE_IGNORED, 1, 0, 1},
        {"a:1|C", LINE_IGNORED, 1, 0, 1},
        {"a:up|kv|@0.5", LINE_IGNORED, 1, 0, 0.5},
        {"a:1|c|@0.1", LINE_COUNTER, 1, 1, 0.1},
        {"a:1|c|@1", LINE_COUNTER, 1, 1, 1},
        {"a:1|c|#x:y,z", LINE_COUNTER, 1, 1, 1},
        {"a:1|c|@.5|#x:y", LINE_COUNTER, 1, 1, 0.5},
        {"a:1|c|#x|c:0123|T1656581400", LINE_COUNTER, 1, 1, 1},
        {"a:1:2:3|ms", LINE_TIMER, 3, 3, 1},
        {"a:1|c\r", LINE_COUNTER, 1, 1, 1},
    };
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        cr_assert_eq(line_refusal(taken[i].text, take), REFUSED_NOT, "%s", taken[i].text);
        cr_assert_eq(seen.n, taken[i].n, "%s", taken[i].text);
        cr_assert_str_eq(seen.lines[0].key, "a");
        cr_assert_eq(seen.lines[0].kind, taken[i].kind, "%s", taken[i].text);
        cr_assert_float_eq(seen.lines[seen.n - 1].value, taken[i].last, 1e-12, "%s", taken[i].text);
        cr_assert_float_eq(seen.lines[0].rate, taken[i].rate, 1e-12, "%s", taken[i].text);
    }
}

Test(receive, refuses_bad_statsd_lines_alone)
{
    static const struct {
        const char *text;
        enum refusal why;
    } refused[] = {
        {"a", REFUSED_FIELDS},      {"a:1", REFUSED_FIELDS},     {":1|c", REFUSED_KEY},
        {"a:|c", REFUSED_VALUE},    {"a:x|c", REFUSED_VALUE},    {"a:1:x|ms", REFUSED_VALUE},
        {"a:1e|c", REFUSED_VALUE},  {"a:.|c", REFUSED_VALUE},    {"a:1|", REFUSED_TYPE},
        {"a:1||@1", REFUSED_TYPE},  {"a:x|g", REFUSED_VALUE},    {"a:1|c|@0", REFUSED_RATE},
        {"a:1|c|@2", REFUSED_RATE}, {"a:1|c|@-1", REFUSED_RATE}, {"a:1|c|@x", REFUSED_RATE},
        {"a:1|c|", REFUSED_FIELDS}, {"a:1|c|x", REFUSED_FIELDS}, {"2|6", REFUSED_FIELDS},
        {"a:inf|c", REFUSED_VALUE}, {"a:nan|c", REFUSED_VALUE},  {"a:0x1|c", REFUSED_VALUE},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        cr_assert_eq(line_refusal(refused[i].text, take), refused[i].why, "%s", refused[i].text);
        cr_assert_eq(seen.n, 0);
    }
    cr_assert_eq(take(BYTES("a:1|c\nbad\nb:2|c\n\n")), REFUSED_NOT);
    cr_assert_eq(seen.n, 2);
}

Test(receive, cuts_values_of_any_size_to_finite_ones)
{
    char line[5000] = "a:";
    memset(line + 2, '9', 4900);
    strcpy(line + 4902, "|c");
    cr_assert_eq(take(bytes_of(line)), REFUSED_NOT);
    cr_assert_eq(seen.lines[0].value, 1e300);
    line[2] = '-';
    line[4903] = 'm';
    cr_assert_eq(take_body(bytes_of(line)), REFUSED_NOT);
    cr_assert_eq(seen.n, 1);
    cr_assert_eq(seen.lines[0].value, -1e300);
    cr_assert_eq(take(BYTES("a:1e-999999999999|c\nb:-1e999999999999|c\nc:0e999999|c")),
                 REFUSED_NOT);
    cr_assert_eq(seen.lines[0].value, 0);
    cr_assert_eq(seen.lines[1].value, -1e300);
    cr_assert_eq(seen.lines[2].value, 0);
}

Test(receive, counts_truncated_datagrams)
{
    receive_truncated(receiver, BYTES("a:1|c\n"));
    cr_assert_eq(counts()->datagrams, 1);
    cr_assert_eq(counts()->datagrams_refused, 1);
    cr_assert_eq(counts()->refused[REFUSED_TRUNCATED], 1);
}

Test(receive, survives_any_single_changed_byte)
{
    char frame[sizeof end_frame];
    for (size_t i = 0; i < sizeof end_frame - 1; i++) {
        for (int c = 0; c < 256; c += 5) {
            memcpy(frame, end_frame, sizeof frame);
            frame[i] = (char)c;
            take((struct bytes){frame, sizeof end_frame - 1});
        }
    }
    cr_assert_gt(counts()->datagrams, 0);
}
