#ifndef BASE_BYTES_H
#define BASE_BYTES_H

/*
 * bytes: a bounded view of memory that somebody else owns, and a writer that never runs past its
 * end. Pure; may be called from anywhere, signal handlers included.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* `n` bytes at `at`; not terminated, not owned. */
struct bytes {
    const char *at;
    size_t n;
};

/* A view of a string literal. */
#define BYTES(literal) ((struct bytes){(literal), sizeof(literal) - 1})

static inline struct bytes bytes_of(const char *string)
{
    return (struct bytes){string, strlen(string)};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.n == b.n && memcmp(a.at, b.at, a.n) == 0;
}

/* Equal without regard to ASCII case. */
bool bytes_equal_nocase(struct bytes a, struct bytes b);

static inline bool bytes_start_with(struct bytes text, struct bytes prefix)
{
    return text.n >= prefix.n && memcmp(text.at, prefix.at, prefix.n) == 0;
}

/* `text` without blanks and tabs at either end. */
struct bytes bytes_trim(struct bytes text);

/*
 * Cuts `*rest` at the first `separator`: returns what stands before it and leaves what follows in
 * `*rest`. Without a separator all of `*rest` is returned and `rest->at` becomes NULL, so that
 *     for (struct bytes rest = list; rest.at != NULL;) { part = bytes_cut(&rest, ','); … }
 * visits each part, empty ones too.
 */
struct bytes bytes_cut(struct bytes *rest, char separator);

/*
 * Reads all of `text` as a decimal number without sign. 0, or -EINVAL (empty, not a digit) or
 * -ERANGE (over UINT64_MAX); `*value` is untouched on error.
 */
int bytes_to_u64(struct bytes text, uint64_t *value);

/* Writes into `size` bytes at `at`; what does not fit is left out and `full` is set. */
struct writer {
    char *at;
    size_t size;
    size_t n;
    bool full;
};

static inline struct writer writer_on(char *at, size_t size)
{
    return (struct writer){at, size, 0, false};
}

static inline void put_bytes(struct writer *w, struct bytes text)
{
    if (w->size - w->n < text.n) {
        w->full = true;
        return;
    }
    memcpy(w->at + w->n, text.at, text.n);
    w->n += text.n;
}

static inline void put_char(struct writer *w, char c)
{
    put_bytes(w, (struct bytes){&c, 1});
}

static inline void put_string(struct writer *w, const char *string)
{
    put_bytes(w, bytes_of(string));
}

/* Decimal, without padding. */
void put_u64(struct writer *w, uint64_t value);
void put_i64(struct writer *w, int64_t value);

/* `text` as the inside of a JSON string: quotes, backslashes and bytes outside printable ASCII are
 * escaped (`\u00XX` for each such byte), so that any bytes give valid JSON. */
void put_json(struct writer *w, struct bytes text);

#endif
