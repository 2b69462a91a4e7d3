/*
 * openssl: what a host reads from and writes to OpenSSL's sessions. Each body is real call, report.
 *
 * SSL_peek takes nothing, and what it shows is read later. That a client is gone is asked of
 * SSL_get_error, which changes nothing, and only where a request waits for its response.
 */
#include "openssl.h"

#include <errno.h>

#include "base/hot.h"
#include "export.h"
#include "library.h"

/* Of SSL_get_error: nothing more will come. */
enum { ERROR_SSL = 1, ERROR_SYSCALL = 5, ERROR_ZERO_RETURN = 6 };

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define FUNCTION(type, name, parameters, failure)                                                  \
    static type absent_##name parameters                                                           \
    {                                                                                              \
        return failure;                                                                            \
    }
#include "openssl.def"
#undef FUNCTION
#pragma GCC diagnostic pop

static const struct openssl absent = {
#define FUNCTION(type, name, parameters, failure) .name = absent_##name,
#include "openssl.def"
#undef FUNCTION
};

static const char *const names[] = {
#define FUNCTION(type, name, parameters, failure) #name,
#include "openssl.def"
#undef FUNCTION
};

_Static_assert(sizeof names / sizeof *names <= LIBRARY_FUNCTIONS_MOST, "a library's table");

static struct library_site sites[LIBRARY_SITES];
static struct library library = {
    .stem = "libssl.so",
    .names = names,
    .functions = sizeof names / sizeof *names,
    .absent = &absent,
    .site = sites,
};

const struct openssl *openssl_of(const void *caller)
{
    return library_functions(&library, caller);
}

void openssl_adopt(void **functions)
{
    void *const *none = (void *const *)(const void *)&absent;
    for (size_t i = 0; i < library.functions; i++)
        if (functions[i] == NULL)
            functions[i] = none[i];
    library_adopt(&library, functions);
}

#define REAL() openssl_of(__builtin_return_address(0))

static void ask(const void *functions, const void *session, bool *server, int *fd)
{
    const struct openssl *real = functions;
    *server = real->SSL_is_server(session) == 1;
    *fd = *server ? real->SSL_get_fd(session) : -1;
}

struct tap openssl_tap(const SSL *ssl, const struct openssl *real)
{
    return tap_on(ssl, real, ask);
}

void openssl_failed(const struct tap *tap, int result)
{
    const struct openssl *real = tap->functions;
    if (!tap_waits(tap))
        return;
    int host_errno = errno;
    int error = real->SSL_get_error(tap->session, result);
    errno = host_errno;
    if (error == ERROR_SSL || error == ERROR_SYSCALL || error == ERROR_ZERO_RETURN)
        tap_client_gone(tap);
}

EXPORT int SSL_do_handshake(SSL *ssl)
{
    const struct openssl *real = REAL();
    struct tap tap = openssl_tap(ssl, real);
    int result = real->SSL_do_handshake(ssl);
    if (result == 1)
        tap_ready(&tap);
    return result;
}

EXPORT int SSL_accept(SSL *ssl)
{
    const struct openssl *real = REAL();
    struct tap tap = openssl_tap(ssl, real);
    int result = real->SSL_accept(ssl);
    if (result == 1)
        tap_ready(&tap);
    return result;
}

EXPORT HOT int SSL_read(SSL *ssl, void *at, int n)
{
    const struct openssl *real = REAL();
    struct tap tap = openssl_tap(ssl, real);
    int result = real->SSL_read(ssl, at, n);
    if (result > 0)
        tap_read(&tap, at, (size_t)result);
    else
        openssl_failed(&tap, result);
    return result;
}

EXPORT HOT int SSL_read_ex(SSL *ssl, void *at, size_t n, size_t *done)
{
    const struct openssl *real = REAL();
    struct tap tap = openssl_tap(ssl, real);
    int result = real->SSL_read_ex(ssl, at, n, done);
    if (result > 0)
        tap_read(&tap, at, *done);
    else
        openssl_failed(&tap, result);
    return result;
}

/* Its results are not those that SSL_get_error wants. */
EXPORT int SSL_read_early_data(SSL *ssl, void *at, size_t n, size_t *done)
{
    const struct openssl *real = REAL();
    struct tap tap = openssl_tap(ssl, real);
    int result = real->SSL_read_early_data(ssl, at, n, done);
    if (result > 0)
        tap_read(&tap, at, *done);
    return result;
}

EXPORT HOT int SSL_write(SSL *ssl, const void *at, int n)
{
    const struct openssl *real = REAL();
    struct tap tap = openssl_tap(ssl, real);
    int result = real->SSL_write(ssl, at, n);
    if (result > 0)
        tap_wrote(&tap, at, (size_t)result);
    else
        openssl_failed(&tap, result);
    return result;
}

EXPORT HOT int SSL_write_ex(SSL *ssl, const void *at, size_t n, size_t *done)
{
    const struct openssl *real = REAL();
    struct tap tap = openssl_tap(ssl, real);
    int result = real->SSL_write_ex(ssl, at, n, done);
    if (result > 0)
        tap_wrote(&tap, at, *done);
    else
        openssl_failed(&tap, result);
    return result;
}

EXPORT int SSL_write_early_data(SSL *ssl, const void *at, size_t n, size_t *done)
{
    const struct openssl *real = REAL();
    struct tap tap = openssl_tap(ssl, real);
    int result = real->SSL_write_early_data(ssl, at, n, done);
    if (result > 0)
        tap_wrote(&tap, at, *done);
    return result;
}

EXPORT ssize_t SSL_sendfile(SSL *ssl, int fd, off_t offset, size_t n, int flags)
{
    const struct openssl *real = REAL();
    struct tap tap = openssl_tap(ssl, real);
    ssize_t result = real->SSL_sendfile(ssl, fd, offset, n, flags);
    if (result > 0)
        tap_wrote_unseen(&tap, (size_t)result);
    else
        openssl_failed(&tap, (int)result);
    return result;
}

EXPORT SSL *SSL_new(SSL_CTX *context)
{
    SSL *ssl = REAL()->SSL_new(context);
    tap_made(ssl);
    return ssl;
}

EXPORT int SSL_up_ref(SSL *ssl)
{
    int result = REAL()->SSL_up_ref(ssl);
    if (result == 1)
        tap_held(ssl);
    return result;
}

/* Of a session that has begun it is another reference, else a new session. */
EXPORT SSL *SSL_dup(SSL *ssl)
{
    SSL *copy = REAL()->SSL_dup(ssl);
    if (copy != NULL && copy == ssl)
        tap_held(ssl);
    return copy;
}

EXPORT int SSL_clear(SSL *ssl)
{
    tap_cleared(ssl);
    return REAL()->SSL_clear(ssl);
}

EXPORT int SSL_shutdown(SSL *ssl)
{
    tap_over(ssl);
    return REAL()->SSL_shutdown(ssl);
}

EXPORT void SSL_free(SSL *ssl)
{
    tap_freed(ssl);
    REAL()->SSL_free(ssl);
}
