#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

/* command: the subcommands. main.c holds their table, from which help and the man page are made. */

#include <stdbool.h>

#include "options.h"

/* Exit statuses, the same in each command but `run`, which keeps those below 125 for its program.
 */
enum {
    EXIT_USAGE = 2,
    EXIT_OURSELVES = 125,
    EXIT_NO_ENTRY = 126,
    EXIT_NOT_FOUND = 127,
    EXIT_BY_SIGNAL = 128
};

struct command {
    const char *name;
    const char *arguments; /* what follows the options */
    const char *sentence;  /* what it does, in one sentence */
    const char *text;      /* the rest of the story; paragraphs are separated by a newline */
    const struct option_row *options;
    int bad_usage; /* exit status */
    int (*run)(const struct command *self, char **arguments);
};

/* All of them; the last has no name. */
extern const struct command *const commands[];

extern const struct command command_run, command_listen, command_check, command_symbols;

/* Writes how `command` is used, and its options. */
void command_help(FILE *file, const struct command *command);

/*
 * Reads a command's options; false when the command is over, with its exit status in `*status`:
 * help was asked for, or an option was bad, which has been said.
 */
bool command_options(const struct command *command, char **arguments, void *settings, char ***rest,
                     int *status);

#endif
