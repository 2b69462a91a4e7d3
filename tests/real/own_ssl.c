/*
 * own_ssl: a module that brings a TLS library of its own with it, another one than its process has
 * already. Its calls go through the linker's tables, as those of modules to their libraries do.
 */
#include <stddef.h>
#include <string.h>

typedef struct ssl_st {
    int read, wrote;
} SSL;

SSL *SSL_new(void *context);
int SSL_read(SSL *ssl, void *at, int n);
int SSL_write(SSL *ssl, const void *at, int n);
void SSL_free(SSL *ssl);
int SSL_is_server(const SSL *ssl);
int SSL_get_fd(const SSL *ssl);
int serve(void);

static SSL only;

SSL *SSL_new(void *context)
{
    (void)context;
    return &only;
}

int SSL_read(SSL *ssl, void *at, int n)
{
    static const char request[] = "GET /own HTTP/1.1\r\n\r\n";
    if (ssl != &only || n < (int)sizeof request)
        return -1;
    ssl->read++;
    memcpy(at, request, sizeof request - 1);
    return sizeof request - 1;
}

int SSL_write(SSL *ssl, const void *at, int n)
{
    (void)at;
    if (ssl != &only)
        return -1;
    ssl->wrote++;
    return n;
}

void SSL_free(SSL *ssl)
{
    ssl->read += 100;
}

int SSL_is_server(const SSL *ssl)
{
    return ssl == &only;
}

int SSL_get_fd(const SSL *ssl)
{
    (void)ssl;
    return -1;
}

/* Serves a request by its own library: 0 if that is the library that was called. */
int serve(void)
{
    static const char answer[] = "HTTP/1.1 204 No Content\r\n\r\n";
    char head[100];
    SSL *ssl = SSL_new(NULL);
    if (SSL_read(ssl, head, sizeof head) <= 0 || SSL_write(ssl, answer, sizeof answer - 1) <= 0)
        return 1;
    SSL_free(ssl);
    return only.read == 101 && only.wrote == 1 ? 0 : 2;
}
