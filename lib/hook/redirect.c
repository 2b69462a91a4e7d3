#include "hook/redirect.h"

#include "hook/patch.h"
#include "hook/prologue.h"

static int check(const struct redirect *row, const char **reason)
{
    return prologue_check(row->function, row->size, (uint64_t)(uintptr_t)row->function, reason);
}

static int redirect(struct redirect *row, const char **reason)
{
    struct patch made;
    struct patch_site site = {row->function, row->size, row->size};
    struct patch_way way = {.entry = row->instead, .replaces = true};
    int error = patch_function(&site, &way, &made, reason);
    if (error == 0)
        row->original = made.original;
    return error;
}

int redirect_all(struct redirect *rows, size_t n, const char **name, const char **reason)
{
    int error = 0;
    for (size_t i = 0; i < n; i++)
        rows[i].original = rows[i].function;
    for (size_t i = 0; i < n && error == 0; i++) {
        *name = rows[i].name;
        error = rows[i].function != NULL ? check(&rows[i], reason) : 0;
    }
    for (size_t i = 0; i < n && error == 0; i++) {
        *name = rows[i].name;
        error = rows[i].function != NULL ? redirect(&rows[i], reason) : 0;
    }
    return error;
}
