#include "proto/http1_framing.h"

static bool same_letter(char c, char lower)
{
    return c == lower || ((c | 0x20) == lower && lower >= 'a' && lower <= 'z');
}

bool http1_field_is(struct bytes line, struct bytes name, struct bytes *value)
{
    /* The colon's place tells most fields with the same first letter apart. */
    if (line.n <= name.n || line.at[name.n] != ':')
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!same_letter(line.at[i], name.at[i]))
            return false;
    *value = bytes_trim((struct bytes){line.at + name.n + 1, line.n - name.n - 1});
    return true;
}

static void read_length(struct http1_body *body, struct bytes digits)
{
    uint64_t length;
    if (bytes_to_u64(digits, &length) != 0 || length > INT64_MAX ||
        (body->has_length && length != body->left)) {
        body->bad_length = true;
        return;
    }
    body->has_length = true;
    body->left = length;
}

static void read_lengths(struct http1_body *body, struct bytes list)
{
    while (list.at != NULL)
        read_length(body, bytes_trim(bytes_cut(&list, ',')));
}

static void read_codings(struct http1_body *body, struct bytes list)
{
    struct bytes last = {NULL, 0};
    while (list.at != NULL) {
        struct bytes coding = bytes_trim(bytes_cut(&list, ','));
        if (coding.n > 0)
            last = coding;
    }
    bool chunked = bytes_equal_nocase(last, BYTES("chunked"));
    body->coding = chunked ? HTTP1_CODING_CHUNKED : HTTP1_CODING_OTHER;
}

void http1_framing_read(struct http1_body *body, struct bytes line, bool cut)
{
    struct bytes value;
    if (http1_field_is(line, HTTP1_CONTENT_LENGTH, &value)) {
        if (cut)
            body->bad_length = true;
        else
            read_lengths(body, value);
    } else if (http1_field_is(line, HTTP1_TRANSFER_ENCODING, &value)) {
        if (cut)
            body->coding = HTTP1_CODING_UNKNOWN;
        else
            read_codings(body, value);
    }
}
