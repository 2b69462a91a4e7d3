#ifndef PROTO_HTTP1_SCAN_H
#define PROTO_HTTP1_SCAN_H

/*
 * http1_scan: the lines of a head that may matter, by proto/http1_look.h. Pure.
 */

#include "proto/http1_look.h"

#define HTTP1_SCAN_LINES 16

/*
 * Writes to `line`, of HTTP1_SCAN_LINES, where lines begin that may matter, behind newlines from
 * `at` on: in order, up to the first one whose first byte is CR or less. Returns how many; if there
 * are more, they are not told. No line is missed that ends a head, or has with the newline before
 * it and the head's end behind it HTTP1_SCAN_LEAST bytes. There must be HTTP1_LOOK_READS bytes up
 * to `end`, and none of them before `at` may be a newline; none beyond are read. `letter` is a
 * small one that lines may have as HTTP1_LOOK_LETTER says; 0: none.
 */
#define HTTP1_SCAN_LEAST 13

typedef unsigned http1_scan_lines(const char *at, const char *end, char letter, const char **line);

extern http1_scan_lines *http1_scan;

/* Scans look at 32 bytes at a time from now on, if `wide`, and if the processor can (AVX2). Any
 * time before other threads scan. What they find is the same. */
void http1_scan_wide_from_now(bool wide);

#endif
