#include "options.h"

#include <stdbool.h>
#include <string.h>

#include "say.h"

enum { COLUMNS = 80, MEANING_COLUMN = 24 };

static const struct option_row *find(const struct option_row *rows, const char *name, size_t n)
{
    for (; rows->name != NULL; rows++)
        if (strlen(rows->name) == n && memcmp(rows->name, name, n) == 0)
            return rows;
    return NULL;
}

static void say_unknown(const struct option_row *rows, const char *argument)
{
    char accepted[512] = "";
    for (; rows->name != NULL; rows++) {
        strncat(accepted, "--", sizeof accepted - strlen(accepted) - 1);
        strncat(accepted, rows->name, sizeof accepted - strlen(accepted) - 1);
        strncat(accepted, ", ", sizeof accepted - strlen(accepted) - 1);
    }
    say("there is no option %s; accepted are %s--help", argument, accepted);
}

/* Takes the option at `*at`, which begins with two dashes, and leaves `*at` at its last argument.
 */
static bool read_option(const struct option_row *rows, char ***at, void *settings)
{
    const char *name = **at + 2;
    const char *value = strchr(name, '=');
    const struct option_row *row = find(rows, name, value ? (size_t)(value - name) : strlen(name));
    if (row == NULL) {
        say_unknown(rows, **at);
        return false;
    }
    void *setting = (char *)settings + row->offset;
    if (row->argument == NULL && value == NULL) {
        *(bool *)setting = true;
        return true;
    }
    if (row->argument == NULL) {
        say("--%s takes no value", row->name);
        return false;
    }
    value = value != NULL ? value + 1 : *++*at;
    if (value == NULL || *value == '\0') {
        say("--%s needs a value: --%s %s", row->name, row->name, row->argument);
        return false;
    }
    *(const char **)setting = value;
    return true;
}

enum options_read options_read(const struct option_row *rows, char **arguments, void *settings,
                               char ***rest)
{
    char **at = arguments;
    for (; *at != NULL && (*at)[0] == '-' && (*at)[1] != '\0'; at++) {
        if (strcmp(*at, "--") == 0) {
            at++;
            break;
        }
        if (strcmp(*at, "--help") == 0 || strcmp(*at, "-h") == 0)
            return OPTIONS_HELP;
        if ((*at)[1] != '-') {
            say_unknown(rows, *at);
            return OPTIONS_BAD;
        }
        if (!read_option(rows, &at, settings))
            return OPTIONS_BAD;
    }
    *rest = at;
    return OPTIONS_READ;
}

void options_wrap(FILE *file, const char *text, size_t indent, size_t at)
{
    fprintf(file, "%*s", (int)(at < indent ? indent - at : 0), "");
    at = at > indent ? at : indent;
    for (bool first = true; *text != '\0'; first = false) {
        size_t word = strcspn(text, " ");
        if (!first && at + 1 + word > COLUMNS) {
            fprintf(file, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!first) {
            fputc(' ', file);
            at++;
        }
        fwrite(text, 1, word, file);
        at += word;
        text += word + strspn(text + word, " ");
    }
    fputc('\n', file);
}

static void help_row(FILE *file, const char *name, const char *argument, const char *meaning)
{
    int n = fprintf(file, "  --%s%s%s", name, argument ? " " : "", argument ? argument : "");
    if (n + 2 > MEANING_COLUMN)
        n = (fputc('\n', file), 0);
    options_wrap(file, meaning, MEANING_COLUMN, (size_t)n);
}

void options_help(FILE *file, const struct option_row *rows)
{
    for (; rows->name != NULL; rows++)
        help_row(file, rows->name, rows->argument, rows->meaning);
    help_row(file, "help", NULL, "show this text");
}
