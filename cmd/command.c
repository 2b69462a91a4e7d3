#include "command.h"

void command_help(FILE *file, const struct command *command)
{
    fprintf(file, "Usage: stats-hero %s [OPTIONS]%s%s\n", command->name,
            command->arguments[0] != '\0' ? " " : "", command->arguments);
    options_wrap(file, command->sentence, 0, 0);
    fputc('\n', file);
    options_help(file, command->options);
}

bool command_options(const struct command *command, char **arguments, void *settings, char ***rest,
                     int *status)
{
    enum options_read read = options_read(command->options, arguments, settings, rest);
    if (read == OPTIONS_HELP)
        command_help(stdout, command);
    *status = read == OPTIONS_BAD ? command->bad_usage : 0;
    return read == OPTIONS_READ;
}
