#include <criterion/criterion.h>

#include "base/process.h"
#include "receiver.h"
#include "request/names.h"
#include "request/totals.h"

static struct config config;
static struct lines lines;
static struct receiver receiver;
static struct send_pool pool;
static struct batch batch;

static void begin(void)
{
    process_begin();
    config_read(&config, NULL, BYTES("app"), BYTES("host"), NULL);
    config.protocol = PROTOCOL_STATSD;
    cr_assert_eq(names_begin(&config), 0);
    lines_begin(&lines, &config);
    receiver_udp(&receiver);
    send_pool_begin(&pool, bytes_of(receiver.host), receiver.port, 1);
    cr_assert_eq(batch_begin(&batch, &pool, lines.codec->head, 65507, false), 0);
}

TestSuite(totals, .init = begin);

static const struct lines *lines_of(uint8_t scope)
{
    static struct lines other;
    if (scope == 0)
        return &lines;
    lines_begin_scope(&other, &lines, (struct scope){BYTES("other"), BYTES("")});
    return &other;
}

/* What is spelled now. */
static struct bytes spelled(void)
{
    totals_spell(lines_of, &batch);
    batch_flush(&batch);
    return receiver_next(&receiver);
}

Test(totals, empty_at_first)
{
    cr_assert(totals_empty());
}

Test(totals, sums_of_starts_and_ends)
{
    uint16_t label = label_number(&names.labels, BYTES("users")), get = names_action(BYTES("GET"));
    uint16_t put = names_action(BYTES("PUT"));
    for (int i = 0; i < 5; i++)
        cr_assert(totals_started(0, label, get));
    cr_assert(totals_started(0, label, put));
    for (int i = 0; i < 3; i++)
        cr_assert(totals_ended(0, 200));
    cr_assert(totals_ended(0, 0));
    cr_assert(totals_ended(0, -1));
    cr_assert_not(totals_empty());
    struct bytes text = spelled();
    cr_assert_eq(count_lines(text, "", ""), 12);
    cr_assert_eq(count_lines(text, "app.application.allRequests:5|c", ""), 1);
    cr_assert_eq(count_lines(text, "app.host.allRequests:5|c", ""), 1);
    cr_assert_eq(count_lines(text, "app.application.byRequestType.users.GET:5|c", ""), 1);
    cr_assert_eq(count_lines(text, "app.application.byRequestType.users.PUT:1|c", ""), 1);
    cr_assert_eq(count_lines(text, "app.application.byStatusCode.200:3|c", ""), 1);
    cr_assert_eq(count_lines(text, "app.host.byStatusCode.0:1|c", ""), 1);
    cr_assert_eq(count_lines(text, "app.application.byStatusCode.-1:1|c", ""), 1);
    cr_assert(totals_empty());
}

Test(totals, begins_anew_after_spelling)
{
    totals_ended(0, 200);
    spelled();
    totals_ended(0, 200);
    cr_assert_eq(count_lines(spelled(), "app.application.byStatusCode.200:1|c", ""), 1);
}

Test(totals, a_label_of_number_0_counts)
{
    cr_assert(totals_started(0, LABEL_OTHER, LABEL_OTHER));
    cr_assert_not(totals_empty());
    cr_assert_eq(count_lines(spelled(), "app.application.byRequestType.other.other:1|c", ""), 1);
}

Test(totals, each_scope_by_itself)
{
    for (int i = 0; i < 3; i++) {
        cr_assert(totals_started(0, 0, 0));
        cr_assert(totals_ended(0, 200));
    }
    for (int i = 0; i < 2; i++) {
        cr_assert(totals_started(255, 0, 0));
        cr_assert(totals_ended(255, 200));
    }
    struct bytes text = spelled();
    cr_assert_eq(count_lines(text, "", ""), 10);
    cr_assert_eq(count_lines(text, "app.application.allRequests:3|c", ""), 1);
    cr_assert_eq(count_lines(text, "other.application.allRequests:2|c", ""), 1);
    cr_assert_eq(count_lines(text, "app.host.byStatusCode.200:3|c", ""), 1);
    cr_assert_eq(count_lines(text, "other.host.byStatusCode.200:2|c", ""), 1);
}

Test(totals, says_when_there_is_no_room)
{
    int kinds = 0;
    while (totals_ended(0, kinds))
        kinds++;
    cr_assert_geq(kinds, 500);
    cr_assert(totals_ended(0, 0), "what is there can still be counted");
    cr_assert_not(totals_ended(0, kinds));
    struct bytes text = spelled();
    cr_assert_eq(count_lines(text, "app.application.byStatusCode.", ":1|c"), (size_t)kinds - 1);
    cr_assert_eq(count_lines(text, "app.application.byStatusCode.0:2|c", ""), 1);
    cr_assert(totals_ended(0, kinds));
}

Test(totals, forget)
{
    totals_ended(0, 200);
    totals_forget();
    cr_assert(totals_empty());
    totals_ended(0, 404);
    cr_assert_eq(count_lines(spelled(), "", ""), 2);
}
