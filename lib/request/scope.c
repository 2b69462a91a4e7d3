#include "request/scope.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/lock.h"
#include "base/sys.h"
#include "metric/label.h"

struct record {
    uint16_t app_bytes, prefixes_bytes;
    char text[SCOPE_BYTES];  /* as it was given */
    char clean[SCOPE_BYTES]; /* the prefixes, as labels are cleaned */
};

static struct {
    struct lock adding;
    _Atomic uint32_t n; /* numbers 1 to `n` are known */
    struct record *record;
} scopes;

struct scope scope_of(uint8_t number)
{
    const struct record *record = &scopes.record[number];
    return (struct scope){{record->text, record->app_bytes},
                          {record->clean, record->prefixes_bytes}};
}

static bool is(const struct record *record, struct bytes app, struct bytes prefixes)
{
    return record->app_bytes == app.n && record->prefixes_bytes == prefixes.n &&
           memcmp(record->text, app.at, app.n) == 0 &&
           memcmp(record->text + app.n, prefixes.at, prefixes.n) == 0;
}

/* The number among 1 to `n`, or 0. */
static int find(struct bytes app, struct bytes prefixes, uint32_t n)
{
    for (uint32_t i = 1; i <= n; i++)
        if (is(&scopes.record[i], app, prefixes))
            return (int)i;
    return 0;
}

/* What stands between the commas is cleaned as the labels are that it is compared with. */
static void clean_prefixes(char *to, struct bytes rest)
{
    while (rest.n > 0) {
        struct bytes prefix = bytes_cut(&rest, ',');
        struct bytes name = bytes_trim(prefix);
        memset(to, ' ', prefix.n);
        if (name.n > 0)
            label_clean_name(to, name.n, name);
        to += prefix.n;
        if (rest.at != NULL)
            *to++ = ',';
    }
}

static int add(struct bytes app, struct bytes prefixes)
{
    uint32_t n = atomic_load_explicit(&scopes.n, memory_order_relaxed);
    int number = find(app, prefixes, n);
    if (number != 0)
        return number;
    if (n == SCOPES - 1)
        return -ENOSPC;
    if (scopes.record == NULL)
        scopes.record = sys_pages(SCOPES * sizeof *scopes.record / 4096 * 4096 + 4096);
    if (scopes.record == NULL)
        return -ENOMEM;
    struct record *record = &scopes.record[n + 1];
    struct writer w = writer_on(record->text, sizeof record->text);
    put_bytes(&w, app);
    put_bytes(&w, prefixes);
    clean_prefixes(record->clean, prefixes);
    record->app_bytes = (uint16_t)app.n;
    record->prefixes_bytes = (uint16_t)prefixes.n;
    atomic_store_explicit(&scopes.n, n + 1, memory_order_release);
    return (int)n + 1;
}

int scope_number(struct bytes app, struct bytes prefixes)
{
    if (app.n + prefixes.n > SCOPE_BYTES)
        return -ENAMETOOLONG;
    int number = find(app, prefixes, atomic_load_explicit(&scopes.n, memory_order_acquire));
    if (number != 0)
        return number;
    if (!lock_take(&scopes.adding))
        return -EAGAIN;
    number = add(app, prefixes);
    lock_release(&scopes.adding);
    return number;
}
