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

const char *http1_head_read_short(struct http1_head *head, const char *at, const char *end)
{
    char room[HTTP1_LOOK_PLACES + HTTP1_LOOK_READS] = "";
    const char letter = http1_head_letter(head->id_header), *over;
    if (at >= end)
        return NULL;
    memcpy(room, at, (size_t)(end - at));
    uint64_t found = http1_look_narrow(room, letter);
    found |= (uint64_t)http1_look_narrow(room + HTTP1_LOOK_PLACES, letter) << HTTP1_LOOK_PLACES;
    for (; found != 0; found &= found - 1) {
        const char *line = at + __builtin_ctzll(found) + 1;
        if (line == end)
            return NULL;
        if (!http1_head_take(head, line, end, &over))
            return over;
    }
    return NULL;
}
