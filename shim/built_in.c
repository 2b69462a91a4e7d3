#include "built_in.h"

#include <dlfcn.h>
#include <link.h>

#include "base/log.h"
#include "openssl.h"

/* Those that the shim has functions for: the first of openssl.def. */
enum { REDIRECTED = 11 };

static void *const instead[REDIRECTED] = {
    (void *)SSL_read,     (void *)SSL_read_ex,  (void *)SSL_read_early_data,
    (void *)SSL_write,    (void *)SSL_write_ex, (void *)SSL_write_early_data,
    (void *)SSL_sendfile, (void *)SSL_new,      (void *)SSL_clear,
    (void *)SSL_shutdown, (void *)SSL_free,
};

static const char *const names[] = {
#define FUNCTION(type, name, parameters, failure) #name,
#include "openssl.def"
#undef FUNCTION
};

enum { NAMES = sizeof names / sizeof *names };

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
            table[i] = rows[i].original;
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
        rows[i] = (struct redirect){.name = names[i], .instead = instead[i]};
        rows[i].function = own(program, names[i], &rows[i].size);
    }
    redirect_and_adopt(redirect, rows, table);
}
