#include "proto/http1_head.h"

bool http1_head_read_line(struct http1_head *head, const char *line, const char *end)
{
    const char *newline = bytes_find(line, (size_t)(end - line), '\n');
    if (newline == NULL || (size_t)(newline - line) > head->line_most)
        return false;
    struct bytes text = {line, (size_t)(newline - line)}, id;
    if (text.n > 0 && text.at[text.n - 1] == '\r')
        text.n--;
    http1_framing_read(head->body, text, false);
    if (head->id_header.n == 0 || !http1_field_is(text, head->id_header, &id) || id.n == 0)
        return true;
    if (head->id.n > 0)
        return false;
    head->id = id;
    return true;
}

/* In a room where more bytes stand before them. */
const char *http1_head_read_short(struct http1_head *head, const char *at, const char *end)
{
    char room[HTTP1_LOOK_READS];
    const char *line[HTTP1_SCAN_LINES];
    if (at >= end)
        return NULL;
    size_t before = sizeof room - (size_t)(end - at);
    memset(room, ' ', before);
    memcpy(room + before, at, sizeof room - before);
    unsigned n = http1_scan(room, room + sizeof room, head->letter, line);
    for (unsigned i = 0; i < n; i++)
        line[i] = at + (line[i] - room) - before;
    return http1_head_take_all(head, line, n, end);
}
