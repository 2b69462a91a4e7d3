/* report and screen: valid JSON for any keys, and a table that is aligned. */

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>

#include "collect/report.h"
#include "collect/screen.h"
#include "reporting.h"

TestSuite(report, .init = begin, .fini = end);
TestSuite(screen, .init = begin, .fini = end);

/* A reader of JSON that only says whether it is. */
static bool skip_value(const char **at);

static bool skip_string(const char **at)
{
    if (*(*at)++ != '"')
        return false;
    for (; **at != '"'; (*at)++) {
        if ((unsigned char)**at < 0x20 || (unsigned char)**at > 0x7e)
            return false;
        if (**at == '\\')
            (*at)++;
    }
    (*at)++;
    return true;
}

static bool skip_member(const char **at, bool named)
{
    return (!named || (skip_string(at) && *(*at)++ == ':')) && skip_value(at);
}

static bool skip_members(const char **at, char close)
{
    (*at)++;
    for (bool first = true; **at != close; first = false)
        if ((!first && *(*at)++ != ',') || !skip_member(at, close == '}'))
            return false;
    (*at)++;
    return true;
}

static bool skip_value(const char **at)
{
    char *number_end;
    if (**at == '{')
        return skip_members(at, '}');
    if (**at == '[')
        return skip_members(at, ']');
    if (**at == '"')
        return skip_string(at);
    bool number = **at == '-' || (**at >= '0' && **at <= '9');
    strtod(*at, &number_end);
    *at = number_end;
    return number;
}

static bool valid(const char *json)
{
    return skip_value(&json) && strcmp(json, "\n") == 0;
}

static const char requests[] = "app.application.allRequests:1|m\n"
                               "app.h.allRequests:1|m\n"
                               "app.application.byRequestType.users.GET:1|m\n"
                               "app.application.byStatusCode.500:1|m\n"
                               "app.h.byStatusCode.500:1|m\n"
                               "app.application.allRequests:1500|h\n"
                               "app.h.allRequests:1500|h\n"
                               "app.application.byRequestType.users.GET:1500|h\n"
                               "app.upstreamRequests.rdbms:1200|h\n";

Test(report, nothing_is_valid)
{
    cr_assert(valid(written(report_write)), "%s", text);
}

Test(report, says_what_arrived)
{
    static const char *const parts[] = {
        "\"frames\":{\"received\":2,\"refused\":1,\"lost\":0}",
        "\"lines\":{\"received\":9,\"refused\":0,\"ignored\":0}",
        "\"refusals\":[{\"reason\":\"length\",\"of\":\"datagram\",\"count\":1,"
        "\"meaning\":\"the header's length is not an integer\",\"example\":\"1|x\\u000a\","
        "\"example_bytes\":4}]",
        "\"app.application.byStatusCode.500\":1",
        "\"app.h.allRequests\":{\"unit\":\"us\",\"count\":1,\"mean\":1500,\"p50\":1500,\"p90\":"
        "1500,"
        "\"p99\":1500,\"max\":1500}",
        "\"requests\":{\"total\":1,\"ended\":1,\"rate\":1,",
        "\"by_status\":{\"500\":1}",
        "\"by_type\":[{\"label\":\"users\",\"action\":\"GET\",\"count\":1,\"errors\":1,"
        "\"status_unknown\":0,\"started\":1,\"p50_us\":1500,\"p90_us\":1500,\"p99_us\":1500,"
        "\"max_us\":1500}]",
        "\"upstreams\":[{\"name\":\"rdbms\",\"count\":1,\"time_us\":1200}]",
    };
    take(bytes_of(requests));
    take(BYTES("1|x\n"));
    cr_assert(valid(written(report_write)), "%s", text);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        cr_assert(strstr(text, parts[i]) != NULL, "%s in %s", parts[i], text);
}

Test(report, any_key_gives_valid_json)
{
    char line[256 + 8];
    for (int c = 0; c < 256; c++) {
        int n = sprintf(line, "a%cb\"\\:1|c\n", c == 0 ? 'z' : c);
        line[1] = (char)c;
        take((struct bytes){line, (size_t)n});
        n = sprintf(line, "x.application.byRequestType.l%c.\":1|h\n", c == 0 ? 'z' : c);
        take((struct bytes){line, (size_t)n});
    }
    cr_assert(valid(written(report_write)), "%s", text);
}

Test(report, a_long_key_is_whole)
{
    static char line[5000];
    memset(line, 'k', 4990);
    strcpy(line + 4990, ":1|c");
    take(bytes_of(line));
    cr_assert(valid(written(report_write)));
    line[4990] = '\0';
    cr_assert(strstr(text, line) != NULL);
}

Test(report, infinite_sums_are_numbers)
{
    take(BYTES("a:1e300|c|@1e-300\nb:-1e300|c|@1e-300\n"
               "c:1e300|c|@1e-300\nc:-1e300|c|@1e-300\nd:0.25|c\n"));
    cr_assert(valid(written(report_write)), "%s", text);
    cr_assert(strstr(text, "\"d\":0.25") != NULL, "%s", text);
}

Test(screen, shows_requests)
{
    static const char expected[] =
        "1 request in 1.00 s, 1 a second, 1 error\n"
        "\n"
        " requests     errors        p50        p90        p99        max  label and action\n"
        "        1          1    1.50 ms    1.50 ms    1.50 ms    1.50 ms  users GET\n"
        "\n"
        " requests  status\n"
        "        1  500\n"
        "\n"
        " requests       time       mean  upstream\n"
        "        1    1.20 ms    1.20 ms  rdbms\n";
    take(bytes_of(requests));
    cr_assert_str_eq(written(screen_write), expected);
}

Test(screen, a_key_can_not_steer_the_terminal)
{
    take(BYTES("a\033[2J\x9b:1|c\n"));
    cr_assert(strstr(written(screen_write), "a?[2J?") != NULL, "%s", text);
    cr_assert(strchr(text, '\033') == NULL);
}

Test(screen, says_what_is_missing)
{
    take(BYTES("a.stats_hero.dropped:12|m\nbad\na.application.allRequests:1500000|m\n"));
    take(BYTES("1|9\n"));
    receive_counts(receiver)->lost = 1;
    written(screen_write);
    cr_assert(strstr(text, "12 events were dropped") != NULL, "%s", text);
    cr_assert(strstr(text, "1 datagram was lost") != NULL, "%s", text);
    cr_assert(strstr(text, "1 line was refused: the line is not key:value|type") != NULL, "%s",
              text);
    cr_assert(strstr(text, "1 datagram was refused: ") != NULL, "%s", text);
    cr_assert(strstr(text, "1,500,000 requests") != NULL, "%s", text);
    cr_assert(strstr(text, "not ended") != NULL, "%s", text);
}

Test(screen, shows_the_first_foreign_keys)
{
    char line[64];
    for (int i = 0; i < SCREEN_FOREIGN + 5; i++) {
        sprintf(line, "key%02d:1|c\ntime%02d:250|ms\n", i, i);
        take(bytes_of(line));
    }
    written(screen_write);
    cr_assert(strstr(text, "key19") != NULL);
    cr_assert(strstr(text, "key20") == NULL);
    cr_assert(strstr(text, "5 more counters") != NULL);
    cr_assert(strstr(text, "250 µs  time00") != NULL, "%s", text);
}
