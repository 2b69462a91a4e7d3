#include "collect/name.h"

static bool ends_with(struct bytes text, struct bytes end)
{
    return text.n > end.n && memcmp(text.at + text.n - end.n, end.at, end.n) == 0;
}

/* Finds `anchor` inside `text`, not at its very start: an app's name goes before. */
static bool find(struct bytes text, struct bytes anchor, struct bytes *after)
{
    if (text.n < 2)
        return false;
    const char *at = memmem(text.at + 1, text.n - 1, anchor.at, anchor.n);
    if (at == NULL)
        return false;
    after->at = at + anchor.n;
    after->n = text.n - (size_t)(after->at - text.at);
    return true;
}

/* `L.A` or `L.A.upstreamRequests.U`; labels and actions hold no dots. */
static struct name read_type(struct bytes rest)
{
    struct bytes tail = rest;
    struct bytes label = bytes_cut(&tail, '.');
    if (tail.at == NULL)
        return (struct name){NAME_FOREIGN, BYTES("")};
    struct bytes action = bytes_cut(&tail, '.');
    struct bytes part = {label.at, label.n + 1 + action.n};
    if (tail.at == NULL)
        return (struct name){NAME_TYPE, part};
    bool upstream = bytes_start_with(tail, BYTES("upstreamRequests."));
    return (struct name){upstream ? NAME_TYPE_UPSTREAM : NAME_FOREIGN, part};
}

static const struct {
    struct bytes end;
    enum name_kind kind;
} endings[] = {
    {BYTES(".application.allRequests"), NAME_ALL},
    {BYTES(".allRequests"), NAME_HOST_ALL},
    {BYTES(".stats_hero.dropped"), NAME_DROPPED},
    {BYTES(".stats_hero.send_errors"), NAME_SEND_ERRORS},
    {BYTES(".stats_hero.down"), NAME_DOWN},
};

static const struct {
    struct bytes anchor;
    enum name_kind kind;
} anchors[] = {
    {BYTES(".application.byStatusCode."), NAME_STATUS},
    {BYTES(".byStatusCode."), NAME_HOST_STATUS},
    {BYTES(".upstreamRequests."), NAME_UPSTREAM},
};

struct name name_read(struct bytes key)
{
    struct bytes rest;
    /* First the anchors: an upstream's name is the user's and may end in anything. */
    if (find(key, BYTES(".application.byRequestType."), &rest))
        return read_type(rest);
    for (size_t i = 0; i < sizeof anchors / sizeof anchors[0]; i++)
        if (find(key, anchors[i].anchor, &rest))
            return (struct name){anchors[i].kind, rest};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (ends_with(key, endings[i].end))
            return (struct name){endings[i].kind, BYTES("")};
    return (struct name){NAME_FOREIGN, BYTES("")};
}

struct bytes name_label(struct bytes part, struct bytes *action)
{
    *action = part;
    return bytes_cut(action, '.');
}
