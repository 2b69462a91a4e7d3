#ifndef COLLECT_SCREEN_H
#define COLLECT_SCREEN_H

/* screen: what was received, as a table for people. */

#include <stdio.h>

#include "collect/receive.h"
#include "collect/series.h"

/*
 * Writes the table to `file`: requests, per label and action, statuses, upstreams, other keys (the
 * largest SCREEN_FOREIGN of each kind), then what was dropped, lost or refused, if anything. Bytes
 * of a key outside printable ASCII show as `?`, so that no key can steer a terminal.
 */
void screen_write(FILE *file, const struct receive_counts *counts, const struct series_view *view);

#define SCREEN_FOREIGN 20

#endif
