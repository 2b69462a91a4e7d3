#ifndef HOOK_DEFAULTS_H
#define HOOK_DEFAULTS_H

/*
 * defaults: what `TIMERS=default` stands for: the calls of well-known client libraries in which a
 * thread waits for somebody else.
 *
 * Many of them call each other: PQexec calls PQgetResult, sqlite3_exec sqlite3_step, an ODBC driver
 * libpq. So all rows of one service have one first part of a label (`rdbms`, `redis`, …), and time
 * is to be counted for the outermost call of each first part alone.
 *
 * Not in it: calls that never wait (curl_multi_perform, PQsendQuery, rd_kafka_produce, c-ares);
 * those in which a thread waits for work, not for an answer (rd_kafka_consumer_poll,
 * amqp_consume_message, PQnotifies); and those that take one more row of many out of memory
 * (mysql_fetch_row). What speaks a protocol itself has no such calls: PHP's mysqlnd and phpredis,
 * and psycopg 3, which waits for libpq's socket outside of libpq.
 */

#include "hook/spec.h"

/* The rows, `*n` of them. Modules are names of files without their folders. */
const struct spec_timer *defaults_timers(size_t *n);

#endif
