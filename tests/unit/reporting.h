#ifndef UNIT_REPORTING_H
#define UNIT_REPORTING_H

/* reporting: datagrams taken in, and what a report or a screen says of them. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "collect/receive.h"
#include "collect/report.h"
#include "collect/screen.h"
#include "collect/series.h"

static struct receive *receiver;
static struct series *series;
static char *text;

static inline void begin(void)
{
    cr_assert(receive_new(&receiver) == 0);
    cr_assert(series_new(&series, UNIT_US, SERIES_KEYS) == 0);
}

static inline void end(void)
{
    free(text);
    series_free(series);
    receive_free(receiver);
}

static inline void take(struct bytes datagram)
{
    series_datagram(series, 1);
    receive_datagram(receiver, datagram, series_add, series);
}

typedef void write_view(FILE *, const struct receive_counts *, const struct series_view *);

static inline const char *written(write_view *write)
{
    struct series_view view;
    size_t n;
    free(text);
    FILE *file = open_memstream(&text, &n);
    cr_assert(series_view(series, &view) == 0);
    write(file, receive_counts(receiver), &view);
    series_view_free(&view);
    fclose(file);
    return text;
}

#endif
