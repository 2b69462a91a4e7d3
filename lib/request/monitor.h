#ifndef REQUEST_MONITOR_H
#define REQUEST_MONITOR_H

/*
 * monitor: the front door of this floor, and its life: begin, a thread's DOWN, fork, end.
 */

#include "base/config.h"

/* Around what this floor does on a thread of its own accord: `enter` is called first on the
 * sender's thread; both around a thread's DOWN. */
struct monitor_guard {
    void (*enter)(void);
    void (*leave)(void);
};

/* Once per process, before anything else here: threads' ends are watched from now on. Starts
 * nothing. `config` must stay. 0, or a negative errno value: then nothing of this floor may be
 * used. */
int monitor_begin(const struct config *config, struct monitor_guard guard);

/* Makes what serving requests needs: tables, not threads. True if it is there; any thread, any
 * number of times. */
bool monitor_ready(void);

/* In a forked child: clean, with nothing of the parent's. */
void monitor_forked(void);

/* Everything that waits is sent, as long as `patience_ns`; for good, or before exec. */
void monitor_end(uint64_t patience_ns);
void monitor_flush(uint64_t patience_ns);

#endif
