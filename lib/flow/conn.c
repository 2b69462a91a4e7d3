#include "flow/conn.h"

#include <stddef.h>

#include "base/process.h"
#include "request/monitor.h"

POOL(conns, struct conn, 0);

/* The parsers' `kept` parts are left as they are: nobody reads them before they were written. */
static void begin(struct conn *conn)
{
    memset((char *)conn + offsetof(struct conn, apart), 0,
           offsetof(struct conn, response) - offsetof(struct conn, apart));
    memset(&conn->request, 0, offsetof(struct http1_request, kept));
    memset(&conn->response, 0, offsetof(struct http1_response, kept));
    conn->epoch = process.epoch;
}

uint64_t conn_make(void)
{
    struct conn *conn = pool_get(&conns);
    if (conn == NULL)
        return 0;
    if (!lock_take(&conn->lock))
        return 0;
    uint16_t generation = conn->generation;
    begin(conn);
    conn->generation = generation;
    conn->fds = 1;
    conn_leave(conn);
    return (uint64_t)(uintptr_t)conn | (uint64_t)generation << CONN_ADDRESS_BITS;
}

void conn_renew(struct conn *conn, uint32_t apart)
{
    struct worker *spare = conn->spare;
    uint16_t generation = conn->generation, fds = conn->fds;
    begin(conn);
    conn->generation = generation;
    conn->fds = fds;
    conn->spare = spare;
    conn_set_apart(conn, apart);
}

/*
 * A forked child finds the parent's connections. Between two requests it may go on with one; a
 * request that was under way is the parent's to tell.
 */
void conn_adopt(struct conn *conn)
{
    bool idle = conn->oldest == NULL && conn->arriving == NULL &&
                http1_request_idle(&conn->request) && http1_response_idle(&conn->response);
    conn->oldest = conn->newest = conn->arriving = conn->spare = NULL;
    conn->pending = 0;
    conn->began_ns = 0;
    conn->epoch = process.epoch;
    if (!idle || !monitor_ready())
        conn_set_apart(conn, CONN_MISSED);
}

struct conn *conn_refuse(uint64_t word, struct conn *conn, bool locked)
{
    if (locked)
        conn_leave(conn);
    else
        conn_miss(word);
    return NULL;
}

void conn_end(struct conn *conn)
{
    struct worker *spare = conn->spare;
    conn->fds = 0;
    conn->generation++;
    conn->spare = NULL;
    conn_leave(conn);
    if (spare != NULL)
        worker_free(spare);
    pool_put(&conns, conn);
}

void conn_miss(uint64_t word)
{
    conn_set_apart(conn_of(word), CONN_MISSED);
}
