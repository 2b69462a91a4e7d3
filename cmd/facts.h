#ifndef CMD_FACTS_H
#define CMD_FACTS_H

/* facts: what the files of a program and of the libraries that it needs tell of how its requests
 * could be seen. Nothing is run. */

#include "libraries.h"

/* What a hookable function that is called tells. */
enum call_kind { CALL_ACCEPTS, CALL_READS, CALL_WRITES, CALL_TLS };

/* Each of the functions that the shim stands before, or will: the last has no name. */
struct call {
    const char *name;
    enum call_kind kind;
};

extern const struct call calls[];

enum { CALLS_MOST = 64 };

struct facts {
    struct libraries libraries;
    bool is_dynamic;     /* a loader starts it */
    struct bytes loader; /* its path, or empty */
    const char *libc;    /* "glibc", "musl", or NULL: none, or another */
    bool is_library;     /* nothing starts it; programs load it */
    bool is_stripped;    /* it has only those symbols that the loader needs */
    bool is_setuid, is_setgid, has_capabilities;
    bool is_go;
    bool *called[CALLS_MOST]; /* for each call, in which of the libraries it is imported */
    bool *tls;                /* which of them define SSL_read or gnutls_record_recv themselves */
    bool *io_uring;           /* which of them have to do with io_uring */
};

/* Gathers them for the program at `path`. 0, or as elf_file_open says. Free them in any case. */
int facts_gather(struct facts *facts, const char *path);

void facts_free(struct facts *facts);

/* Whether any of the program and its libraries calls one of that kind. */
bool facts_call(const struct facts *facts, enum call_kind kind);

/* The first of the libraries, or NULL. */
const struct library *facts_first(const struct facts *facts, const bool *which);

/* Whether a library that defines TLS functions is one that others share, and no program's own. */
bool facts_tls_is_shared(const struct library *library);

#endif
