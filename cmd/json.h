#ifndef CMD_JSON_H
#define CMD_JSON_H

/* json: values of JSON on a stream; any bytes become a valid string. */

#include <stdbool.h>
#include <stdio.h>

#include "base/bytes.h"

/* The text in quotes; `null` for a view without an address. */
void json_put_text(FILE *file, struct bytes text);

/* `"name":value` after a comma, unless it is the `first` of its object. */
void json_put_member(FILE *file, bool first, const char *name, struct bytes text);
void json_put_flag(FILE *file, bool first, const char *name, bool value);

#endif
