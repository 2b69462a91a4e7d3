#ifndef CMD_MANUAL_H
#define CMD_MANUAL_H

/* manual: the documentation that is made from the tables of commands, options and variables. */

#include <stdio.h>

/* The usage of stats-hero as a whole. */
void manual_help(FILE *file);

/* stats-hero.1, in roff. */
void manual_page(FILE *file);

/* The table of environment variables, in Markdown. */
void manual_variables(FILE *file);

#endif
