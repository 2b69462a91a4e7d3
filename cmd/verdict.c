#include "verdict.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* What stands against it, most decisive first; NULL if nothing does. */
static const char *obstacle(const struct facts *facts)
{
    if (facts->is_go)
        return "it is a Go program, whose runtime calls the kernel without libc, so that none of "
               "its "
               "calls would be seen; put a server that can be instrumented in front of it";
    if (facts->is_library)
        return "it is a library; check the program that loads it";
    if (!facts->is_dynamic)
        return "it is statically linked, so that nothing can be preloaded into it; use a "
               "dynamically "
               "linked build";
    if (facts->libc == NULL || strcmp(facts->libc, "glibc") != 0)
        return "it does not run on glibc's loader, and the shim needs glibc; use a build for glibc";
    if (facts->is_setuid || facts->is_setgid)
        return "it is setuid or setgid, and the loader preloads nothing into such a program unless "
               "who starts it has those rights already; run it as the user that it changes to, or "
               "run a copy without these bits";
    if (facts->has_capabilities)
        return "it has file capabilities, and the loader preloads nothing into such a program; "
               "give "
               "them to the service that starts it instead, or run a copy without them";
    return NULL;
}

static const char *what_is_seen(const struct facts *facts)
{
    const bool accepts = facts_call(facts, CALL_ACCEPTS);
    if (accepts && facts_call(facts, CALL_READS) && facts_call(facts, CALL_WRITES))
        return "the requests that it reads and answers on connections would be seen";
    if (accepts)
        return "its connections would be seen, and requests as far as libraries that it loads "
               "later "
               "read and answer them";
    return "neither it nor a library that it needs accepts connections, so that requests would be "
           "seen only if it loads one later that does";
}

/* TLS functions of its own are called directly, past any hook of names. */
static const char *what_of_tls(const struct facts *facts)
{
    for (size_t i = 0; i < facts->libraries.n; i++)
        if (facts->tls[i] && !facts_tls_is_shared(&facts->libraries.at[i]))
            return "; it brings TLS functions of its own";
    return facts_first(facts, facts->tls) != NULL ? "; TLS is a shared library's" : "";
}

void verdict_by_facts(struct verdict *verdict, const struct facts *facts)
{
    const char *against = obstacle(facts);
    const char *ring = facts_first(facts, facts->io_uring) != NULL
                           ? "; what it reads and writes through io_uring would not"
                           : "";
    verdict->yes = against == NULL;
    if (verdict->yes)
        snprintf(verdict->sentence, sizeof verdict->sentence, "%s%s%s", what_is_seen(facts), ring,
                 what_of_tls(facts));
    else
        snprintf(verdict->sentence, sizeof verdict->sentence, "%s", against);
}

void verdict_foreign(struct verdict *verdict, const char *path)
{
    char head[EI_NIDENT] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is_32 =
        fd >= 0 && read(fd, head, sizeof head) == sizeof head && head[EI_CLASS] == ELFCLASS32;
    if (fd >= 0)
        close(fd);
    verdict->yes = false;
    snprintf(verdict->sentence, sizeof verdict->sentence, "%s",
             is_32 ? "it is a 32-bit program, and the shim is 64-bit; use a 64-bit build"
                   : "it is built for another kind of processor; use the stats-hero of its "
                     "architecture");
}
