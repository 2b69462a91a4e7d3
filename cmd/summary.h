#ifndef CMD_SUMMARY_H
#define CMD_SUMMARY_H

/* summary: the table on standard error, live or at the end, and the JSON file. */

#include <stdio.h>

#include "intake.h"

struct summary {
    const char *path; /* of the JSON file; NULL: none */
    char *temporary;  /* where it is written first; NULL: straight to the path */
    FILE *json;
    bool live;
    bool terminal;
    uint64_t next_ns; /* when to show the table again */
};

/*
 * Prepares a summary; the JSON file (may be NULL, `-` is standard output) is opened now, so that a
 * run does not end without a place for it. 0, or a negative errno after having said why.
 */
int summary_open(struct summary *summary, const char *json, bool live);

/* Milliseconds until the table is due, for poll: -1 when it never is. */
int summary_wait_ms(const struct summary *summary);

/* Shows the table if it is due: each second on a terminal, else each ten. */
void summary_tick(struct summary *summary, struct intake *intake);

/*
 * Shows the table and writes the JSON file, whole or not at all. 0, or a negative errno after
 * having said why. Closes the summary.
 */
int summary_finish(struct summary *summary, struct intake *intake);

/* Closes without having written. */
void summary_close(struct summary *summary);

#endif
