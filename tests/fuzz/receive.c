/* receive, series, report and screen: any datagram is taken or refused, and shown. */

#include <stdio.h>
#include <stdlib.h>

#include "collect/report.h"
#include "collect/screen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static FILE *nowhere;

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
    receive_datagram(receive, (struct bytes){(const char *)data, size}, series_add, series);
    show(receive, series);
    series_free(series);
    receive_free(receive);
    return 0;
}
