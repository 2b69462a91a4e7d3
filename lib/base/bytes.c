#include "base/bytes.h"

#include <errno.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool bytes_equal_nocase(struct bytes a, struct bytes b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    return true;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

struct bytes bytes_trim(struct bytes text)
{
    while (text.n > 0 && blank(text.at[0])) {
        text.at++;
        text.n--;
    }
    while (text.n > 0 && blank(text.at[text.n - 1]))
        text.n--;
    return text;
}

struct bytes bytes_cut(struct bytes *rest, char separator)
{
    const char *cut = rest->n > 0 ? memchr(rest->at, separator, rest->n) : NULL;
    if (cut == NULL) {
        struct bytes whole = *rest;
        *rest = (struct bytes){NULL, 0};
        return whole;
    }
    struct bytes part = {rest->at, (size_t)(cut - rest->at)};
    rest->at = cut + 1;
    rest->n -= part.n + 1;
    return part;
}

int bytes_to_u64(struct bytes text, uint64_t *value)
{
    uint64_t sum = 0;
    if (text.n == 0)
        return -EINVAL;
    for (size_t i = 0; i < text.n; i++) {
        unsigned digit = (unsigned char)text.at[i] - (unsigned)'0';
        if (digit > 9)
            return -EINVAL;
        if (sum > (UINT64_MAX - digit) / 10)
            return -ERANGE;
        sum = sum * 10 + digit;
    }
    *value = sum;
    return 0;
}

void put_u64(struct writer *w, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    put_bytes(w, (struct bytes){digits + at, sizeof digits - at});
}

void put_i64(struct writer *w, int64_t value)
{
    uint64_t size = (uint64_t)value;
    if (value < 0) {
        put_char(w, '-');
        size = 0 - size;
    }
    put_u64(w, size);
}

static void put_json_byte(struct writer *w, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    if (c == '"' || c == '\\') {
        put_char(w, '\\');
        put_char(w, (char)c);
    } else if (c >= 0x20 && c < 0x7f) {
        put_char(w, (char)c);
    } else {
        char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        put_bytes(w, (struct bytes){escape, sizeof escape});
    }
}

void put_json(struct writer *w, struct bytes text)
{
    for (size_t i = 0; i < text.n; i++)
        put_json_byte(w, (unsigned char)text.at[i]);
}
