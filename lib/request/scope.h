#ifndef REQUEST_SCOPE_H
#define REQUEST_SCOPE_H

/*
 * scope: what a request counts under besides its label and action: an application and its upstream
 * prefixes. Number 0 is the process's own, from its configuration; the others are a program's own
 * words. Numbers are valid for the life of the process.
 */

#include <stdint.h>

#include "base/bytes.h"

#define SCOPES      256
#define SCOPE_BYTES 1000 /* of application and prefixes together */

struct scope {
    struct bytes app;
    struct bytes prefixes; /* separated by commas, with legal characters alone; empty: none */
};

/* The number of a pair, a new one when it comes for the first time: 1 to SCOPES - 1. -ENOSPC past
 * the limit, -ENAMETOOLONG, -ENOMEM, -EAGAIN. Any thread; lock-free once a pair is known. */
int scope_number(struct bytes app, struct bytes prefixes);

/* The pair under a number but 0. */
struct scope scope_of(uint8_t number);

#endif
