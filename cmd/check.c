/* stats-hero check: whether a program can be instrumented, and what would be seen. */

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "command.h"
#include "json.h"
#include "say.h"
#include "subject.h"
#include "verdict.h"

struct check_settings {
    bool json;
};

static const struct option_row options[] = {
    {"json", NULL, offsetof(struct check_settings, json),
     "write one JSON object to standard output instead"},
    {NULL, NULL, 0, NULL},
};

static const struct bytes none = {NULL, 0};

static const char *const kinds[] = {"accepts by", "reads by", "writes by", "TLS by"};

static void put_fact(const char *name, const char *text)
{
    printf("  %-12s %s\n", name, text);
}

static void put_names(const struct facts *facts, const bool *which)
{
    const char *between = "";
    for (size_t i = 0; i < facts->libraries.n; i++) {
        if (!which[i])
            continue;
        printf("%s%s", between, library_name(&facts->libraries.at[i]));
        between = ", ";
    }
}

/* One kind of calls, and who imports each. */
static void put_calls(const struct facts *facts, enum call_kind kind)
{
    const char *name = kinds[kind];
    for (size_t i = 0; calls[i].name != NULL; i++) {
        if (calls[i].kind != kind || facts_first(facts, facts->called[i]) == NULL)
            continue;
        printf("  %-12s %s (", name, calls[i].name);
        put_names(facts, facts->called[i]);
        puts(")");
        name = "";
    }
}

static void put_library_facts(const struct facts *facts)
{
    for (size_t i = 0; i < facts->libraries.n; i++)
        if (facts->tls[i])
            printf("  %-12s %s%s\n", "TLS in", library_name(&facts->libraries.at[i]),
                   facts_tls_is_shared(&facts->libraries.at[i]) ? "" : ", its own (bundled)");
    if (facts_first(facts, facts->io_uring) != NULL) {
        printf("  %-12s ", "io_uring in");
        put_names(facts, facts->io_uring);
        putchar('\n');
    }
    for (size_t i = 0; i < facts->libraries.missing_n; i++)
        put_fact("not found", facts->libraries.missing[i]);
}

static void put_facts(const struct facts *facts)
{
    put_fact("linked", facts->is_dynamic || facts->is_library ? "dynamically" : "statically");
    put_fact("libc", facts->libc != NULL ? facts->libc : "none or unknown");
    put_fact("symbols", facts->is_stripped ? "stripped: only those that the loader needs" : "all");
    if (facts->is_setuid || facts->is_setgid || facts->has_capabilities)
        printf("  %-12s%s%s%s\n", "privileges", facts->is_setuid ? " setuid" : "",
               facts->is_setgid ? " setgid" : "",
               facts->has_capabilities ? " file capabilities" : "");
    if (facts->is_go)
        put_fact("language", "Go");
    for (int kind = CALL_ACCEPTS; kind <= CALL_TLS; kind++)
        put_calls(facts, (enum call_kind)kind);
    put_library_facts(facts);
}

static void put_text(const struct subject *subject, const struct facts *facts,
                     const struct verdict *verdict)
{
    printf("%s: %s: %s.\n", subject->path, verdict->yes ? "yes" : "no", verdict->sentence);
    if (subject->is_script)
        put_fact("script of", subject->file);
    if (facts != NULL)
        put_facts(facts);
}

static void put_json_names(const char *name, const struct facts *facts, const bool *which)
{
    const char *between = "";
    printf(",\"%s\":[", name);
    for (size_t i = 0; i < facts->libraries.n; i++) {
        if (!which[i])
            continue;
        fputs(between, stdout);
        json_put_text(stdout, bytes_of(library_name(&facts->libraries.at[i])));
        between = ",";
    }
    putchar(']');
}

static void put_json_calls(const struct facts *facts)
{
    bool first = true;
    fputs(",\"calls\":[", stdout);
    for (size_t i = 0; calls[i].name != NULL; i++) {
        if (facts_first(facts, facts->called[i]) == NULL)
            continue;
        fputs(first ? "{" : ",{", stdout);
        json_put_member(stdout, true, "name", bytes_of(calls[i].name));
        put_json_names("modules", facts, facts->called[i]);
        putchar('}');
        first = false;
    }
    putchar(']');
}

static void put_json_tls(const struct facts *facts)
{
    bool first = true;
    fputs(",\"tls\":[", stdout);
    for (size_t i = 0; i < facts->libraries.n; i++) {
        if (!facts->tls[i])
            continue;
        fputs(first ? "{" : ",{", stdout);
        json_put_member(stdout, true, "module", bytes_of(library_name(&facts->libraries.at[i])));
        json_put_flag(stdout, false, "bundled", !facts_tls_is_shared(&facts->libraries.at[i]));
        putchar('}');
        first = false;
    }
    putchar(']');
}

static void put_json_missing(const struct facts *facts)
{
    fputs(",\"missing_libraries\":[", stdout);
    for (size_t i = 0; i < facts->libraries.missing_n; i++) {
        fputs(i == 0 ? "" : ",", stdout);
        json_put_text(stdout, bytes_of(facts->libraries.missing[i]));
    }
    putchar(']');
}

static void put_json_facts(const struct facts *facts)
{
    json_put_flag(stdout, false, "dynamic", facts->is_dynamic);
    json_put_member(stdout, false, "loader", facts->is_dynamic ? facts->loader : none);
    json_put_member(stdout, false, "libc", facts->libc != NULL ? bytes_of(facts->libc) : none);
    json_put_flag(stdout, false, "stripped", facts->is_stripped);
    json_put_flag(stdout, false, "setuid", facts->is_setuid);
    json_put_flag(stdout, false, "setgid", facts->is_setgid);
    json_put_flag(stdout, false, "capabilities", facts->has_capabilities);
    json_put_flag(stdout, false, "go", facts->is_go);
    put_json_calls(facts);
    put_json_tls(facts);
    put_json_names("io_uring", facts, facts->io_uring);
    put_json_missing(facts);
}

static void put_object(const struct subject *subject, const struct facts *facts,
                       const struct verdict *verdict)
{
    putchar('{');
    json_put_member(stdout, true, "program", bytes_of(subject->path));
    json_put_member(stdout, false, "file", bytes_of(subject->file));
    json_put_flag(stdout, false, "script", subject->is_script);
    json_put_flag(stdout, false, "yes", verdict->yes);
    json_put_member(stdout, false, "verdict", bytes_of(verdict->sentence));
    if (facts != NULL)
        put_json_facts(facts);
    puts("}");
}

/* `facts` is NULL for a file of a foreign kind. */
static int answer(const struct check_settings *settings, const struct subject *subject,
                  const struct facts *facts)
{
    struct verdict verdict;
    if (facts != NULL)
        verdict_by_facts(&verdict, facts);
    else
        verdict_foreign(&verdict, subject->file);
    if (settings->json)
        put_object(subject, facts, &verdict);
    else
        put_text(subject, facts, &verdict);
    return verdict.yes ? 0 : 1;
}

static int check_main(const struct command *self, char **arguments)
{
    struct check_settings settings = {.json = false};
    struct subject subject;
    struct facts facts;
    char **rest;
    int status;
    if (!command_options(self, arguments, &settings, &rest, &status))
        return status;
    if (rest[0] == NULL || rest[1] != NULL) {
        say("which program? stats-hero check PROGRAM");
        return EXIT_USAGE;
    }
    status = subject_find(&subject, rest[0]);
    if (status != 0)
        return status;
    int rc = facts_gather(&facts, subject.file);
    if (rc == 0 || rc == -ENOTSUP)
        status = answer(&settings, &subject, rc == 0 ? &facts : NULL);
    else
        subject_say(&subject, rc);
    facts_free(&facts);
    return rc == 0 || rc == -ENOTSUP ? status : EXIT_USAGE;
}

const struct command command_check = {
    .name = "check",
    .arguments = "PROGRAM",
    .sentence = "Say whether a program can be instrumented, and what would be seen of it.",
    .text =
        "The first line is the verdict, and what to do about a no; the others are what it follows "
        "from: how the program is linked, which libc it runs on, whether it is stripped, setuid, "
        "setgid or has file capabilities, and which of the hooked functions it and the libraries "
        "that it needs call. The files are only read; libraries that a program loads while it runs "
        "are not known here. A script is judged by its interpreter.\n"
        "Exit status: 0 for yes, 1 for no, 2 when the program can't be read.",
    .options = options,
    .bad_usage = EXIT_USAGE,
    .run = check_main,
};
