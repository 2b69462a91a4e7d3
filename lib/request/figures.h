#ifndef REQUEST_FIGURES_H
#define REQUEST_FIGURES_H

/* figures: what the shim counts of itself besides its events; sent as APP.stats_hero.NAME when not
 * zero. Any thread. */

#include <stdbool.h>
#include <stdint.h>

enum figure {
    FIGURE_DROPPED,     /* events that found their queue full */
    FIGURE_SEND_ERRORS, /* datagrams that could not be sent, lines too long for any */
    FIGURE_NOT_HTTP,    /* connections that were looked at and are not HTTP/1.x */
    FIGURE_LOST,        /* connections given up with requests open: bytes unseen, out of bounds */
    FIGURE_DOWN,        /* requests whose thread ended before they did */
    FIGURES,
};

const char *figure_name(enum figure figure);

void figure_count(enum figure figure);
void figure_add(enum figure figure, uint64_t n);

/* How many since it was asked last; for the sender's thread. */
uint64_t figure_since(enum figure figure);

/* Whether anything was counted that was not asked for yet. */
bool figures_any(void);

/* In a forked child. */
void figures_forget(void);

#endif
