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
