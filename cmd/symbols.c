/* stats-hero symbols: the functions that can be hooked. */

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "hook/debug_file.h"
#include "hook/search.h"
#include "json.h"
#include "libraries.h"
#include "patchable.h"
#include "say.h"
#include "subject.h"

struct symbols_settings {
    bool json;
};

/* What is looked for, and how many were shown. */
struct listing {
    const struct symbols_settings *settings;
    struct pattern pattern;
    struct nearest nearest;
    size_t shown, modules;
};

static const struct option_row options[] = {
    {"json", NULL, offsetof(struct symbols_settings, json),
     "write one JSON object to standard output instead"},
    {NULL, NULL, 0, NULL},
};

static struct bytes shown_name(struct bytes symbol, char text[DEMANGLED_BYTES])
{
    size_t n = demangle(symbol, true, text);
    return n > 0 ? (struct bytes){text, n} : symbol;
}

static void put_line(const struct library *module, const struct symbol *symbol, struct bytes name,
                     const char *reason)
{
    printf("%16" PRIx64 " %8" PRIu64 "  %s  %.*s", symbol->address, symbol->size,
           library_name(module), (int)name.n, name.at);
    if (symbol->version.n > 0)
        printf("%s%.*s", symbol->is_default ? "@@" : "@", (int)symbol->version.n,
               symbol->version.at);
    if (reason != NULL)
        printf("  (%s: %s)", symbol->is_indirect ? "indirect" : "not hookable", reason);
    putchar('\n');
}

static void put_object(const struct library *module, const struct symbol *symbol, struct bytes name,
                       const char *reason, bool first)
{
    static const struct bytes none = {NULL, 0};
    fputs(first ? "{" : ",{", stdout);
    json_put_member(stdout, true, "name", symbol->name);
    json_put_member(stdout, false, "demangled", name.at != symbol->name.at ? name : none);
    json_put_member(stdout, false, "version", symbol->version.n > 0 ? symbol->version : none);
    json_put_member(stdout, false, "module", bytes_of(module->path));
    printf(",\"address\":%" PRIu64 ",\"size\":%" PRIu64, symbol->address, symbol->size);
    json_put_flag(stdout, false, "indirect", symbol->is_indirect);
    json_put_flag(stdout, false, "hookable", reason == NULL || symbol->is_indirect);
    json_put_member(stdout, false, "reason", reason != NULL ? bytes_of(reason) : none);
    putchar('}');
}

static void show(struct listing *list, const struct library *module, const struct symbol *symbol)
{
    char text[DEMANGLED_BYTES];
    struct bytes name = shown_name(symbol->name, text);
    const char *reason = patchable_reason(&module->file, symbol);
    if (list->settings->json)
        put_object(module, symbol, name, reason, list->shown == 0);
    else
        put_line(module, symbol, name, reason);
    list->shown++;
}

static int list_module(struct listing *list, const struct library *module)
{
    struct elf_file debug;
    struct matches matches = {.at = NULL};
    const bool wanted = true;
    bool has_debug = debug_file_open(&debug, &module->file, module->path, DEBUG_FILE_ROOT) == 0;
    int rc =
        search_file(&module->file, has_debug ? &debug : NULL, &list->pattern, &wanted, 1, &matches);
    for (size_t i = 0; i < matches.n; i++)
        show(list, module, &matches.at[i].symbol);
    free(matches.at);
    list->modules++;
    if (has_debug)
        elf_file_close(&debug);
    return rc;
}

static void say_not_found(struct listing *list, const char *glob)
{
    char text[DEMANGLED_BYTES], names[512] = "";
    struct writer w = writer_on(names, sizeof names - 1);
    if (list->modules == 0) {
        say("%s: neither the program nor a library that it needs is called so", glob);
        return;
    }
    for (unsigned i = 0; i < list->nearest.n; i++) {
        put_string(&w, i == 0 ? "; nearest are " : ", ");
        put_bytes(&w, shown_name(list->nearest.name[i], text));
    }
    names[w.n] = '\0';
    say("there is no function %s%s", glob, names);
}

static bool is_meant(const struct listing *list, const struct libraries *libraries, size_t i)
{
    const struct library *module = &libraries->at[i];
    return pattern_takes_module(&list->pattern, module->path, module->soname, i == 0);
}

static int list_all(struct listing *list, const struct libraries *libraries, const char *glob)
{
    int rc = 0;
    for (size_t i = 0; i < libraries->n && rc == 0; i++)
        if (is_meant(list, libraries, i))
            rc = list_module(list, &libraries->at[i]);
    if (rc != 0)
        say("%s", strerror(-rc));
    if (rc != 0 || list->shown > 0)
        return rc != 0;
    for (size_t i = 0; i < libraries->n; i++)
        if (is_meant(list, libraries, i))
            search_nearest(&libraries->at[i].file, NULL, &list->nearest);
    say_not_found(list, glob);
    return 1;
}

static int list_program(struct listing *list, const struct subject *subject, const char *glob)
{
    struct libraries libraries;
    int rc = libraries_open(&libraries, subject->file);
    if (rc != 0) {
        libraries_close(&libraries);
        subject_say(subject, rc);
        return EXIT_USAGE;
    }
    if (list->settings->json) {
        putchar('{');
        json_put_member(stdout, true, "program", bytes_of(subject->file));
        fputs(",\"functions\":[", stdout);
    }
    int status = list_all(list, &libraries, glob);
    if (list->settings->json)
        puts("]}");
    libraries_close(&libraries);
    return status;
}

static int symbols_main(const struct command *self, char **arguments)
{
    struct symbols_settings settings = {.json = false};
    struct listing list = {.settings = &settings};
    struct subject subject;
    char **rest;
    int status;
    if (!command_options(self, arguments, &settings, &rest, &status))
        return status;
    if (rest[0] == NULL || (rest[1] != NULL && rest[2] != NULL)) {
        say("one program, and one glob at most: stats-hero symbols PROGRAM [GLOB]");
        return EXIT_USAGE;
    }
    const char *glob = rest[1] != NULL ? rest[1] : "*";
    if (pattern_read(&list.pattern, bytes_of(glob)) != 0) {
        say("%s: accepted are NAME, NAME@MODULE and NAME@VERSION@MODULE", glob);
        return EXIT_USAGE;
    }
    nearest_begin(&list.nearest, &list.pattern);
    status = subject_find(&subject, rest[0]);
    if (status == 0)
        status = list_program(&list, &subject, glob);
    pattern_free(&list.pattern);
    return status;
}

const struct command command_symbols = {
    .name = "symbols",
    .arguments = "PROGRAM [GLOB]",
    .sentence = "List the functions of a program that can be hooked by name, and those that can't.",
    .text =
        "Each line has the address in the file, the size, the module and the name, and why a "
        "function can not be hooked. Functions come from the file's own symbols and from its debug "
        "file, if one is installed. `GLOB` is `NAME`, `NAME@MODULE`, `NAME@VERSION@MODULE` or "
        "`NAME@@VERSION@MODULE`, where `*` stands for any characters and `?` for one; without a "
        "module the program itself is meant, and a module is a library that it needs. C++ "
        "functions "
        "are found by their names with parameters and without.\n"
        "Exit status: 0 when functions were found, 1 when none was, 2 when the program can't be "
        "read.",
    .options = options,
    .bad_usage = EXIT_USAGE,
    .run = symbols_main,
};
