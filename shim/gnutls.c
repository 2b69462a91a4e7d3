/*
 * gnutls: what a host reads from and writes to GnuTLS's sessions. Each body is real call, report.
 *
 * Bytes count as written when the library has taken them: corked ones before they are sent. Of a
 * send that has to be repeated, which GnuTLS lets a host do without the bytes, only how many they
 * were is known then.
 */
#include <errno.h>
#include <sys/types.h>

#include "base/hot.h"
#include "export.h"
#include "library.h"
#include "tap.h"

typedef struct gnutls_session_int *gnutls_session_t;
typedef struct gnutls_packet_st *gnutls_packet_t;
struct gnutls_range_st;

struct gnutls_datum {
    unsigned char *at;
    unsigned n;
};

#define GNUTLS_SERVER 1u /* of gnutls_init's flags */

struct gnutls {
#define FUNCTION(type, name, parameters, failure) type(*name) parameters;
#include "gnutls.def"
#undef FUNCTION
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define FUNCTION(type, name, parameters, failure)                                                  \
    type name parameters;                                                                          \
    static type absent_##name parameters                                                           \
    {                                                                                              \
        return failure;                                                                            \
    }
#include "gnutls.def"
#undef FUNCTION
#pragma GCC diagnostic pop

static const struct gnutls absent = {
#define FUNCTION(type, name, parameters, failure) .name = absent_##name,
#include "gnutls.def"
#undef FUNCTION
};

static const char *const names[] = {
#define FUNCTION(type, name, parameters, failure) #name,
#include "gnutls.def"
#undef FUNCTION
};

_Static_assert(sizeof names / sizeof *names <= LIBRARY_FUNCTIONS_MOST, "a library's table");

static struct library_site sites[LIBRARY_SITES];
static struct library library = {
    .stem = "libgnutls.so",
    .names = names,
    .functions = sizeof names / sizeof *names,
    .absent = &absent,
    .site = sites,
};

#define REAL() ((const struct gnutls *)library_functions(&library, __builtin_return_address(0)))

/* Clients' sessions were told apart when they were made. A host with functions of its own for the
 * transport has there what may be no fd: then it is hardly one of a connection that began as TLS.
 */
static void ask(const void *functions, const void *session, bool *server, int *fd)
{
    const struct gnutls *real = functions;
    *server = true;
    *fd = real->gnutls_transport_get_int((gnutls_session_t)(uintptr_t)session);
}

static inline struct tap on(gnutls_session_t session, const struct gnutls *real)
{
    return tap_on(session, real, ask);
}

/* The call brought nothing: the end, if that is 0, or an error. */
static void failed(const struct tap *tap, ssize_t result)
{
    const struct gnutls *real = tap->functions;
    if (tap_waits(tap) && (result == 0 || real->gnutls_error_is_fatal((int)result) != 0))
        tap_client_gone(tap);
}

static ssize_t report_read(const struct tap *tap, const void *at, size_t asked, ssize_t result)
{
    if (result > 0)
        tap_read(tap, at, (size_t)result);
    else if (asked > 0)
        failed(tap, result);
    return result;
}

static ssize_t report_wrote(const struct tap *tap, const void *at, ssize_t result)
{
    if (result > 0 && at != NULL)
        tap_wrote(tap, at, (size_t)result);
    else if (result > 0)
        tap_wrote_unseen(tap, (size_t)result);
    else if (result < 0)
        failed(tap, result);
    return result;
}

EXPORT HOT ssize_t gnutls_record_recv(gnutls_session_t session, void *at, size_t n)
{
    const struct gnutls *real = REAL();
    struct tap tap = on(session, real);
    return report_read(&tap, at, n, real->gnutls_record_recv(session, at, n));
}

EXPORT ssize_t gnutls_record_recv_seq(gnutls_session_t session, void *at, size_t n,
                                      unsigned char *sequence)
{
    const struct gnutls *real = REAL();
    struct tap tap = on(session, real);
    return report_read(&tap, at, n, real->gnutls_record_recv_seq(session, at, n, sequence));
}

EXPORT ssize_t gnutls_record_recv_packet(gnutls_session_t session, gnutls_packet_t *packet)
{
    const struct gnutls *real = REAL();
    struct tap tap = on(session, real);
    struct gnutls_datum datum = {NULL, 0};
    ssize_t result = real->gnutls_record_recv_packet(session, packet);
    if (result > 0)
        real->gnutls_packet_get(*packet, &datum, NULL);
    if (result <= 0 || datum.at != NULL)
        report_read(&tap, datum.at, 1, result);
    return result;
}

EXPORT ssize_t gnutls_record_recv_early_data(gnutls_session_t session, void *at, size_t n)
{
    const struct gnutls *real = REAL();
    struct tap tap = on(session, real);
    ssize_t result = real->gnutls_record_recv_early_data(session, at, n);
    if (result > 0)
        tap_read(&tap, at, (size_t)result);
    return result;
}

EXPORT HOT ssize_t gnutls_record_send(gnutls_session_t session, const void *at, size_t n)
{
    const struct gnutls *real = REAL();
    struct tap tap = on(session, real);
    return report_wrote(&tap, at, real->gnutls_record_send(session, at, n));
}

EXPORT ssize_t gnutls_record_send2(gnutls_session_t session, const void *at, size_t n,
                                   size_t padding, unsigned flags)
{
    const struct gnutls *real = REAL();
    struct tap tap = on(session, real);
    return report_wrote(&tap, at, real->gnutls_record_send2(session, at, n, padding, flags));
}

EXPORT ssize_t gnutls_record_send_range(gnutls_session_t session, const void *at, size_t n,
                                        const struct gnutls_range_st *range)
{
    const struct gnutls *real = REAL();
    struct tap tap = on(session, real);
    return report_wrote(&tap, at, real->gnutls_record_send_range(session, at, n, range));
}

EXPORT ssize_t gnutls_record_send_file(gnutls_session_t session, int fd, off_t *offset, size_t n)
{
    const struct gnutls *real = REAL();
    struct tap tap = on(session, real);
    return report_wrote(&tap, NULL, real->gnutls_record_send_file(session, fd, offset, n));
}

EXPORT int gnutls_init(gnutls_session_t *session, unsigned flags)
{
    int result = REAL()->gnutls_init(session, flags);
    if (result != 0)
        return result;
    tap_made(*session);
    if ((flags & GNUTLS_SERVER) == 0)
        tap_pass(*session);
    return result;
}

EXPORT int gnutls_handshake(gnutls_session_t session)
{
    const struct gnutls *real = REAL();
    struct tap tap = on(session, real);
    int result = real->gnutls_handshake(session);
    if (result == 0)
        tap_ready(&tap);
    return result;
}

EXPORT int gnutls_bye(gnutls_session_t session, int how)
{
    tap_over(session);
    return REAL()->gnutls_bye(session, how);
}

EXPORT void gnutls_deinit(gnutls_session_t session)
{
    tap_freed(session);
    REAL()->gnutls_deinit(session);
}
