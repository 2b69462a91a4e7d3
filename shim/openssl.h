#ifndef SHIM_OPENSSL_H
#define SHIM_OPENSSL_H

/*
 * openssl: the real functions of OpenSSL, in each of its versions that the host has, and what the
 * shim's own say of a session. OpenSSL's headers are not needed: what is here of its interface has
 * not changed from 1.1 to 3.
 */

#include <stddef.h>
#include <sys/types.h>

#include "tap.h"

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;
typedef struct bio_st BIO;
typedef struct bio_method_st BIO_METHOD;
typedef int openssl_bio_read(BIO *bio, char *at, size_t n, size_t *done);
typedef int openssl_bio_write(BIO *bio, const char *at, size_t n, size_t *done);
typedef int openssl_bio_puts(BIO *bio, const char *text);
typedef long openssl_bio_ctrl(BIO *bio, int command, long number, void *argument);
typedef int openssl_bio_make(BIO *bio);
typedef long openssl_bio_callback(BIO *bio, int command, int (*callback)(BIO *, int, int));

struct openssl {
#define FUNCTION(type, name, parameters, failure) type(*name) parameters;
#include "openssl.def"
#undef FUNCTION
};

#define FUNCTION(type, name, parameters, failure) type name parameters;
#include "openssl.def"
#undef FUNCTION

/* Those that a call means which returns to `caller`. */
const struct openssl *openssl_of(const void *caller);

/* The main program's own functions, in openssl.def's order, NULL where it has none: its calls mean
 * these from now on. In the constructor. */
void openssl_adopt(void **functions);

/* A call on the session that is being made. */
struct tap openssl_tap(const SSL *ssl, const struct openssl *real);

/* It brought nothing: `result` is for SSL_get_error. */
void openssl_failed(const struct tap *tap, int result);

#endif
