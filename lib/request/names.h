#ifndef REQUEST_NAMES_H
#define REQUEST_NAMES_H

/* names: the process's labels, actions and timer labels, each under a number; see metric/label.h. */

#include "metric/label.h"

struct names {
    struct label_table labels, actions, timers;
};

extern struct names names;

/* Room for `most` of each. 0 or -ENOMEM. */
int names_begin(uint32_t most);

#endif
