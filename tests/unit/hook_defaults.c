#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <dlfcn.h>
#include <glob.h>
#include <stdio.h>

#include "hook/defaults.h"

/* Every row is one that a user could have written. */
Test(defaults, are_what_the_variable_takes)
{
    static struct spec_timers read;
    static char text[65536];
    size_t n;
    const struct spec_timer *row = defaults_timers(&n);
    cr_assert(n > 0 && n <= SPEC_TIMERS_MOST);
    for (size_t i = 0; i < n; i++) {
        snprintf(text, sizeof text, "%.*s@%.*s=%.*s", (int)row[i].target.symbol.n,
                 row[i].target.symbol.at, (int)row[i].target.module.n, row[i].target.module.at,
                 (int)row[i].label.n, row[i].label.at);
        spec_read_timers(&read, bytes_of(text), NULL);
        cr_assert_eq(read.n, 1, "%s", text);
        cr_assert(bytes_equal(read.row[0].target.symbol, row[i].target.symbol), "%s", text);
        cr_assert(bytes_equal(read.row[0].target.module, row[i].target.module), "%s", text);
        cr_assert(bytes_equal(read.row[0].label, row[i].label), "%s", text);
    }
}

/* The label's first part says who is waited for; what is done stands behind its only dot. */
Test(defaults, labels_have_two_parts)
{
    size_t n;
    const struct spec_timer *row = defaults_timers(&n);
    for (size_t i = 0; i < n; i++) {
        size_t dots = 0;
        for (size_t j = 0; j < row[i].label.n; j++) {
            char c = row[i].label.at[j];
            cr_assert(c == '.' || (c >= 'a' && c <= 'z'), "%s", row[i].label.at);
            dots += c == '.';
        }
        cr_assert_eq(dots, 1, "%s", row[i].label.at);
    }
}

Test(defaults, no_row_stands_twice)
{
    size_t n;
    const struct spec_timer *row = defaults_timers(&n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            cr_assert(!bytes_equal(row[i].target.symbol, row[j].target.symbol) ||
                          !bytes_equal(row[i].target.module, row[j].target.module),
                      "%s", row[i].target.symbol.at);
}

/* The libraries of a machine that a module's glob names. */
static void find_libraries(const char *module, glob_t *found)
{
    static const char *const folders[] = {"/lib/*-linux-gnu*/", "/usr/lib/*-linux-gnu*/", "/lib64/",
                                          "/usr/lib64/"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char pattern[256];
        snprintf(pattern, sizeof pattern, "%s%s", folders[i], module);
        glob(pattern, i == 0 ? 0 : GLOB_APPEND, NULL, found);
    }
}

static bool one_has(const glob_t *libraries, const char *symbol)
{
    for (size_t i = 0; i < libraries->gl_pathc; i++) {
        void *library = dlopen(libraries->gl_pathv[i], RTLD_LAZY | RTLD_LOCAL);
        if (library != NULL && dlsym(library, symbol) != NULL)
            return true;
    }
    return false;
}

/* A development package's `.so` of that name may be a linker script, which no process loads. */
static bool one_loads(const glob_t *libraries)
{
    for (size_t i = 0; i < libraries->gl_pathc; i++)
        if (dlopen(libraries->gl_pathv[i], RTLD_LAZY | RTLD_LOCAL) != NULL)
            return true;
    return false;
}

/* As far as this machine has the libraries; with --verbose it says which are absent. */
Test(defaults, functions_that_libraries_have, .timeout = 120)
{
    const char *module = "";
    glob_t found = {.gl_pathc = 0};
    bool there = false;
    size_t n, checked = 0;
    const struct spec_timer *row = defaults_timers(&n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(row[i].target.module.at, module) != 0) {
            module = row[i].target.module.at;
            globfree(&found);
            find_libraries(module, &found);
            there = one_loads(&found);
            if (!there)
                cr_log_info("not on this machine: %s", module);
        }
        cr_assert(!there || one_has(&found, row[i].target.symbol.at), "%s@%s",
                  row[i].target.symbol.at, module);
        checked += there;
    }
    globfree(&found);
    cr_assert_gt(checked, 0);
}
