#ifndef COLLECT_SCREEN_H
#define COLLECT_SCREEN_H

/* screen: what was received, as a table for people. */

#include <stdio.h>

#include "collect/receive.h"
#include "collect/series.h"

/*
 * Writes the table to `file`: requests, per label and action, statuses, upstreams, other keys (the
 * largest SCREEN_FOREIGN of each kind), then what was dropped, lost, ignored or refused, if
 * anything, and why, each reason with its first example. Bytes of a key outside printable ASCII
 * show as `?`, those of an example as JSON escapes, so that neither can steer a terminal.
 */
void screen_write(FILE *file, const struct receive_counts *counts, const struct series_view *view);

#define SCREEN_FOREIGN 20

#endif
