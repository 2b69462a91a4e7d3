/* receive, series, report and screen: any datagram is taken or refused, with a reason that is
 * counted and has an example, and shown. */

#include <stdio.h>
#include <stdlib.h>

#include "collect/report.h"
#include "collect/screen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static FILE *nowhere;

static void check_counts(const struct receive_counts *counts, enum refusal why)
{
    uint64_t datagrams = 0, lines = 0;
    for (enum refusal r = REFUSED_NOT + 1; r < REFUSAL_KINDS; r++) {
        *(refusal_whole(r) ? &datagrams : &lines) += counts->refused[r];
        if ((counts->refused[r] > 0) != (counts->examples[r].n > 0))
            abort();
    }
    if (counts->datagrams != 1 || datagrams != counts->datagrams_refused ||
        datagrams != (why != REFUSED_NOT) || lines != counts->lines_refused ||
        lines > counts->lines || (datagrams > 0 && counts->lines > 0))
        abort();
}

static void show(struct receive *receive, struct series *series)
{
    struct series_view view;
    if (series_view(series, &view) != 0)
        abort();
    report_write(nowhere, receive_counts(receive), &view);
    screen_write(nowhere, receive_counts(receive), &view);
    series_view_free(&view);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct receive *receive;
    struct series *series;
    if (nowhere == NULL)
        nowhere = fopen("/dev/null", "w");
    if (nowhere == NULL || receive_new(&receive) != 0 || series_new(&series, UNIT_MS, 8) != 0)
        abort();
    series_datagram(series, 1);
    struct bytes datagram = {(const char *)data, size};
    check_counts(receive_counts(receive), receive_datagram(receive, datagram, series_add, series));
    show(receive, series);
    series_free(series);
    receive_free(receive);
    return 0;
}
