#include "say.h"

#include <stdarg.h>
#include <stdio.h>

static const char *command_name;

void say_as(const char *command)
{
    command_name = command;
}

void say(const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (command_name == NULL)
        fprintf(stderr, "stats-hero: %s\n", text);
    else
        fprintf(stderr, "stats-hero %s: %s\n", command_name, text);
}
