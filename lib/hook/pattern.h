#ifndef HOOK_PATTERN_H
#define HOOK_PATTERN_H

/*
 * pattern: which functions somebody means: `NAME`, `NAME@MODULE`, `NAME@VERSION@MODULE` or
 * `NAME@@VERSION@MODULE`, each part a glob.
 *
 * What follows a single `@` is a module. Where there are two, what stands between them is a
 * version; a double `@@` always begins one, and asks for the default version of the name. So
 * `x@libx.so` is x of libx.so in any version, `x@V1@libx.so` the one of V1, `x@@V1` and `x@V1@`
 * those of the main program, which is meant wherever no module is named.
 *
 * A module is named by its path, the path's last part, or its SONAME. NAME is the symbol as it
 * stands in the file, or a C++ name with its parameters or without, blanks not counting. C++ names
 * of parts of functions (`.cold`) or of changed copies (`.constprop.0`) are met by their symbols
 * alone, as C's are.
 */

#include "hook/demangle.h"
#include "hook/symbol_table.h"

struct pattern {
    char *text; /* what the views below look into */
    struct bytes name;
    struct bytes version; /* empty: any */
    struct bytes module;  /* empty: the main program */
    struct bytes bare;    /* the name without blanks */
    struct bytes part; /* which the symbol of each C++ name that is met has in it; may be empty */
    bool is_default;   /* the version has to be the default one */
};

/* Copies `text`. 0, -EINVAL when there is no name in it, or -ENOMEM; on error there is nothing to
 * free. */
int pattern_read(struct pattern *pattern, struct bytes text);

void pattern_free(struct pattern *pattern);

/* Whether it means functions of the module; `soname` may be NULL. */
bool pattern_takes_module(const struct pattern *pattern, const char *path, const char *soname,
                          bool is_main);

/* A name and what it stands for, once somebody asked. */
struct pattern_name {
    struct bytes symbol;
    bool is_demangled;
    struct bytes plain, whole; /* without blanks: without parameters and with them */
    char text[2][DEMANGLED_BYTES];
};

static inline void pattern_name_set(struct pattern_name *name, struct bytes symbol)
{
    name->symbol = symbol;
    name->is_demangled = false;
}

bool pattern_takes_name(const struct pattern *pattern, struct pattern_name *name);

/* By the symbol's version, which must be known. */
bool pattern_takes_version(const struct pattern *pattern, const struct symbol *symbol);

#endif
