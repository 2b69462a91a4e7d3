/* The stats-hero command: a table of subcommands. */

#include <stdio.h>
#include <string.h>

#include "command.h"
#include "manual.h"
#include "say.h"

const struct command *const commands[] = {&command_run, &command_listen, &command_check,
                                          &command_symbols, NULL};

static void put_version(FILE *file)
{
    fputs("stats-hero " STATS_HERO_VERSION "\n", file);
}

static const struct {
    const char *name;
    void (*put)(FILE *file);
} words[] = {
    {"--help", manual_help},           {"-h", manual_help},    {"--version", put_version},
    {"--variables", manual_variables}, {"--man", manual_page},
};

static const struct command *find_command(const char *name)
{
    const struct command *const *c = commands;
    while (*c != NULL && strcmp((*c)->name, name) != 0)
        c++;
    return *c;
}

/* Buffered output that can't be written is a failure, as for any other tool (a full disk). */
static int written(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    say("can't write to the standard output");
    return status == 0 ? 1 : status;
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(argv[1], words[i].name) == 0) {
            words[i].put(stdout);
            return written(0);
        }
    }
    const struct command *command = argc > 1 ? find_command(argv[1]) : NULL;
    if (command == NULL) {
        if (argc > 1)
            say("there is no command %s", argv[1]);
        manual_help(stderr);
        return EXIT_USAGE;
    }
    say_as(command->name);
    return written(command->run(command, argv + 2));
}
