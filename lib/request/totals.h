#ifndef REQUEST_TOTALS_H
#define REQUEST_TOTALS_H

/*
 * totals: counters summed over STATS_HERO_AGGREGATE_MS instead of a line for each event. Only for
 * the sender's thread.
 */

#include "request/lines.h"
#include "send/batch.h"

/* Counts one start, or one end, of a request. False: no room, spell first, then count again. */
bool totals_started(uint8_t scope, uint16_t label, uint16_t action);
bool totals_ended(uint8_t scope, int status);

bool totals_empty(void);

/* What a scope's lines share. */
typedef const struct lines *totals_lines(uint8_t scope);

/* Puts a group of lines for each sum into `batch` and begins anew; if that is hurried, at least for
 * one. */
void totals_spell(totals_lines *lines_of, struct batch *batch);

/* In a forked child: the sums are the parent's. */
void totals_forget(void);

#endif
