#ifndef CMD_SAY_H
#define CMD_SAY_H

/* say: the command's own words on standard error, one line each. */

/* Writes "stats-hero: ", or "stats-hero COMMAND: " inside a command, then the text and a newline.
 */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

/* From now on `command` is named; it must live on. */
void say_as(const char *command);

#endif
