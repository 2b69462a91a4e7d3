#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

/*
 * options: a table of options is the parser, the help and the man page.
 *
 * An option is spelled `--name`, `--name=value` or `--name value`. Options end at the first
 * argument that is none, or after `--`.
 */

#include <stddef.h>
#include <stdio.h>

/* One option. A table ends with a row without a name. */
struct option_row {
    const char *name;     /* without the dashes */
    const char *argument; /* what it takes, as shown to users; NULL: nothing */
    size_t offset;       /* in the settings: a `const char *`, or a `bool` where it takes nothing */
    const char *meaning; /* ends without a full stop */
};

enum options_read { OPTIONS_READ, OPTIONS_HELP, OPTIONS_BAD };

/*
 * Reads the options at the head of `arguments` (ends with NULL) into `settings`, and leaves the
 * first argument after them in `*rest`. OPTIONS_HELP when --help or -h was met; OPTIONS_BAD after
 * having said what is wrong and what is accepted.
 */
enum options_read options_read(const struct option_row *rows, char **arguments, void *settings,
                               char ***rest);

/* Writes each option and its meaning, --help last, for people. */
void options_help(FILE *file, const struct option_row *rows);

/* Writes `text` in lines of 80 columns, indented by `indent`; `at` is the column already reached.
 */
void options_wrap(FILE *file, const char *text, size_t indent, size_t at);

#endif
