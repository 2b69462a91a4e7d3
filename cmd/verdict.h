#ifndef CMD_VERDICT_H
#define CMD_VERDICT_H

/* verdict: whether a program can be instrumented, in a sentence. */

#include "facts.h"

struct verdict {
    bool yes;
    char sentence[512]; /* why not and what to do, or what would be seen */
};

/* By what its files tell. */
void verdict_by_facts(struct verdict *verdict, const struct facts *facts);

/* Of a file that is not of this machine's kind: its first bytes tell which it is. */
void verdict_foreign(struct verdict *verdict, const char *path);

#endif
