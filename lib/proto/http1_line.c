#include "proto/http1_line.h"

static void push_tail(struct http1_line *line, const char *at, size_t n)
{
    size_t new = n < HTTP1_TAIL_BYTES ? n : HTTP1_TAIL_BYTES;
    memmove(line->tail, line->tail + new, HTTP1_TAIL_BYTES - new);
    memcpy(line->tail + HTTP1_TAIL_BYTES - new, at + n - new, new);
}

static void keep(struct http1_line *line, char *kept, size_t most, const char *at, size_t n)
{
    size_t room = most - line->n;
    size_t fits = n < room ? n : room;
    memcpy(kept + line->n, at, fits);
    line->n = (uint16_t)(line->n + fits);
    if (fits < n && !line->cut) {
        line->cut = true;
        push_tail(line, kept, most);
    }
    if (line->cut)
        push_tail(line, at + fits, n - fits);
}

bool http1_line_join(struct http1_line *line, char *kept, size_t most, struct bytes *rest,
                     const char *end, struct http1_text *text)
{
    size_t n = end != NULL ? (size_t)(end - rest->at) : rest->n;
    size_t taken = end != NULL ? n + 1 : n;
    keep(line, kept, most, rest->at, n);
    rest->at += taken;
    rest->n -= taken;
    if (end == NULL)
        return false;
    if (line->cut)
        *text = (struct http1_text){{kept, most}, true, line->tail};
    else
        http1_text_set(text, kept, line->n, most);
    line->n = 0;
    line->cut = false;
    return true;
}
