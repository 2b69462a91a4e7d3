#ifndef COLLECT_REPORT_H
#define COLLECT_REPORT_H

/* report: what was received, as one JSON object, for programs to read. */

#include <stdio.h>

#include "collect/receive.h"
#include "collect/series.h"

/*
 * Writes the object and a newline to `file`: `frames`, `lines`, `refusals`, `counters`, `timers`
 * and `requests`. Times are in microseconds; keys are sorted; bytes outside printable ASCII are
 * escaped, each as the character of its number. `refusals` has an object for each reason that was
 * met: `reason`, `of` (`datagram` or `line`), `count`, `meaning`, and the first one's beginning and
 * size as `example` and `example_bytes`. The caller looks at ferror.
 */
void report_write(FILE *file, const struct receive_counts *counts, const struct series_view *view);

#endif
