/*
 * openssl_bio: sessions as BIOs, which read and write inside of the library: the host's BIO_read on
 * one calls what BIO_f_ssl's method says. So BIO_f_ssl answers with a method of ours, which is that
 * one but for its read and write; each of these is real call, report. Of two versions of the
 * library this is done for the first that asks.
 */
#include <stdatomic.h>

#include "base/lock.h"
#include "export.h"
#include "life.h"
#include "openssl.h"

enum { TYPE_SSL = 0x207, CTRL_GET_SSL = 110 }; /* BIO_TYPE_SSL, BIO_C_GET_SSL */

static struct {
    struct lock lock;
    _Atomic(const struct openssl *) real; /* set first, once */
    openssl_bio_read *read;
    openssl_bio_write *write;
    _Atomic(BIO_METHOD *) method; /* set last */
} bio;

static struct tap tap_of(BIO *of)
{
    const struct openssl *real = atomic_load_explicit(&bio.real, memory_order_acquire);
    SSL *ssl = NULL;
    real->BIO_ctrl(of, CTRL_GET_SSL, 0, &ssl);
    return openssl_tap(ssl, real);
}

static int read_plain(BIO *from, char *at, size_t n, size_t *done)
{
    struct tap tap = tap_of(from);
    int result = bio.read(from, at, n, done);
    if (result > 0)
        tap_read(&tap, at, *done);
    else if (tap.session != NULL)
        openssl_failed(&tap, result);
    return result;
}

static int write_plain(BIO *to, const char *at, size_t n, size_t *done)
{
    struct tap tap = tap_of(to);
    int result = bio.write(to, at, n, done);
    if (result > 0)
        tap_wrote(&tap, at, *done);
    else if (tap.session != NULL)
        openssl_failed(&tap, result);
    return result;
}

static BIO_METHOD *make_method(const struct openssl *real, const BIO_METHOD *theirs)
{
    BIO_METHOD *method = real->BIO_meth_new(TYPE_SSL, "ssl");
    bio.read = real->BIO_meth_get_read_ex(theirs);
    bio.write = real->BIO_meth_get_write_ex(theirs);
    if (method == NULL || bio.read == NULL || bio.write == NULL)
        return NULL;
    real->BIO_meth_set_read_ex(method, read_plain);
    real->BIO_meth_set_write_ex(method, write_plain);
    real->BIO_meth_set_puts(method, real->BIO_meth_get_puts(theirs));
    real->BIO_meth_set_ctrl(method, real->BIO_meth_get_ctrl(theirs));
    real->BIO_meth_set_create(method, real->BIO_meth_get_create(theirs));
    real->BIO_meth_set_destroy(method, real->BIO_meth_get_destroy(theirs));
    real->BIO_meth_set_callback_ctrl(method, real->BIO_meth_get_callback_ctrl(theirs));
    return method;
}

/* One thread makes it, and others that come meanwhile wait for that. */
static void make_once(const struct openssl *real, const BIO_METHOD *theirs)
{
    if (atomic_load_explicit(&bio.method, memory_order_acquire) != NULL || !lock_take(&bio.lock))
        return;
    if (atomic_load(&bio.real) == NULL) {
        atomic_store(&bio.real, real);
        atomic_store_explicit(&bio.method, make_method(real, theirs), memory_order_release);
    }
    lock_release(&bio.lock);
}

EXPORT const BIO_METHOD *BIO_f_ssl(void)
{
    const struct openssl *real = openssl_of(__builtin_return_address(0));
    const BIO_METHOD *theirs = real->BIO_f_ssl();
    if (theirs == NULL || !life_active())
        return theirs;
    make_once(real, theirs);
    const BIO_METHOD *ours = atomic_load_explicit(&bio.method, memory_order_acquire);
    return ours != NULL && atomic_load(&bio.real) == real ? ours : theirs;
}
