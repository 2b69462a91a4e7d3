#include "built_in.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>

#include "base/log.h"
#include "openssl.h"

/* Those that the shim has functions for; BIO_f_ssl's sessions are read and written by these. */
#define INSTEAD(name)                                                                              \
    {                                                                                              \
        (void *)(name), offsetof(struct openssl, name) / sizeof(void *)                            \
    }
static const struct {
    void *function;
    size_t place; /* in a table of OpenSSL's functions */
} instead[] = {
    INSTEAD(SSL_read),     INSTEAD(SSL_read_ex),  INSTEAD(SSL_read_early_data),
    INSTEAD(SSL_write),    INSTEAD(SSL_write_ex), INSTEAD(SSL_write_early_data),
    INSTEAD(SSL_sendfile), INSTEAD(SSL_accept),   INSTEAD(SSL_do_handshake),
    INSTEAD(SSL_new),      INSTEAD(SSL_clear),    INSTEAD(SSL_shutdown),
    INSTEAD(SSL_free),
};

static const char *const names[] = {
#define FUNCTION(type, name, parameters, failure) #name,
#include "openssl.def"
#undef FUNCTION
};

enum { REDIRECTED = sizeof instead / sizeof instead[0], NAMES = sizeof names / sizeof names[0] };

_Static_assert(sizeof(struct openssl) == NAMES * sizeof(void *), "a table of functions");

/* The main program's own function of this name, and its size; NULL: it has none that it shows. */
static void *own(void *program, const char *name, size_t *size)
{
    Dl_info info;
    const ElfW(Sym) *symbol = NULL;
    const struct link_map *map;
    void *found = dlsym(program, name);
    if (found == NULL || dladdr1(found, &info, (void **)&map, RTLD_DL_LINKMAP) == 0 ||
        map->l_name[0] != '\0' ||
        dladdr1(found, &info, (void **)(uintptr_t)&symbol, RTLD_DL_SYMENT) == 0 || symbol == NULL)
        return NULL;
    *size = symbol->st_size;
    return found;
}

static void redirect_and_adopt(redirect_functions *redirect, struct redirect *rows, void **table)
{
    const char *name = "", *reason = "";
    if (redirect(rows, REDIRECTED, &name, &reason) < 0)
        log_line(LOG_WARN, BYTES("the program's own TLS is not looked into: "), bytes_of(name),
                 BYTES(" can't be hooked: "), bytes_of(reason));
    for (size_t i = 0; i < REDIRECTED; i++)
        if (rows[i].original != NULL)
            table[instead[i].place] = rows[i].original;
    openssl_adopt(table);
}

void built_in_begin(redirect_functions *redirect)
{
    struct redirect rows[REDIRECTED];
    void *table[NAMES], *program = dlopen(NULL, RTLD_LAZY);
    size_t size;
    if (program == NULL || own(program, names[0], &size) == NULL)
        return;
    for (size_t i = 0; i < NAMES; i++)
        table[i] = own(program, names[i], &size);
    for (size_t i = 0; i < REDIRECTED; i++) {
        const char *name = names[instead[i].place];
        rows[i] = (struct redirect){.name = name, .instead = instead[i].function};
        rows[i].function = own(program, name, &rows[i].size);
    }
    redirect_and_adopt(redirect, rows, table);
}
