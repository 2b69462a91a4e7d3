/*
 * slow_resolver: preloaded beside the shim, a resolver that takes SLOW_RESOLVER_SECONDS (10) for
 * the name slow.test, as one does whose first server is down, and then says 127.0.0.1.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service,
                                                       const struct addrinfo *wanted,
                                                       struct addrinfo **found)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (name != NULL && strcmp(name, "slow.test") == 0) {
        const char *seconds = getenv("SLOW_RESOLVER_SECONDS");
        sleep(seconds != NULL ? (unsigned)atoi(seconds) : 10);
        name = "127.0.0.1";
    }
    return real(name, service, wanted, found);
}
