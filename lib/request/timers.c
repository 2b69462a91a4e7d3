#include "request/timers.h"

#include <errno.h>

#include "metric/label.h"

enum { TIMERS_PER_BLOCK = BLOCK_BYTES / sizeof(struct timer) };

_Static_assert(sizeof(struct timer) == 16, "a timer is two words");

/* A walk over the timers, which stand in pieces. */
struct piece {
    struct timer *at;
    uint32_t n, left;   /* timers here; in the pieces after this one */
    struct block *next; /* where those are */
};

static struct piece first_piece(const struct timers *timers)
{
    uint32_t here = timers->n < TIMERS_HERE ? timers->n : TIMERS_HERE;
    return (struct piece){(struct timer *)(uintptr_t)timers->here, here, timers->n - here,
                          timers->more};
}

static bool next_piece(struct piece *piece)
{
    if (piece->left == 0)
        return false;
    piece->at = (struct timer *)(void *)piece->next->at;
    piece->n = piece->left < TIMERS_PER_BLOCK ? piece->left : TIMERS_PER_BLOCK;
    piece->left -= piece->n;
    piece->next = piece->next->next;
    return true;
}

static struct timer *find(const struct timers *timers, uint16_t label)
{
    struct piece piece = first_piece(timers);
    do {
        for (uint32_t i = 0; i < piece.n; i++)
            if (piece.at[i].label == label)
                return &piece.at[i];
    } while (next_piece(&piece));
    return NULL;
}

/* The place of timer number `n`, the next one to be made. */
static struct timer *make_place(struct timers *timers)
{
    if (timers->n < TIMERS_HERE)
        return &timers->here[timers->n];
    uint32_t at = (timers->n - TIMERS_HERE) % TIMERS_PER_BLOCK;
    struct block **link = &timers->more;
    for (uint32_t i = (timers->n - TIMERS_HERE) / TIMERS_PER_BLOCK; i > 0; i--)
        link = &(*link)->next;
    if (at == 0)
        *link = block_make();
    return *link == NULL ? NULL : (struct timer *)(void *)(*link)->at + at;
}

static struct timer *make(struct timers *timers, uint16_t label)
{
    /* The last place is kept for those that find none. */
    if (timers->n >= TIMERS_MOST - 1 && label != LABEL_OTHER) {
        struct timer *other = find(timers, LABEL_OTHER);
        return other != NULL ? other : make(timers, LABEL_OTHER);
    }
    struct timer *timer = make_place(timers);
    if (timer != NULL) {
        *timer = (struct timer){.label = label};
        timers->n++;
    }
    return timer;
}

int timers_add(struct timers *timers, uint16_t label, uint64_t time_us, uint32_t n)
{
    struct timer *timer = find(timers, label);
    if (timer == NULL)
        timer = make(timers, label);
    if (timer == NULL)
        return -ENOMEM;
    timer->count = n < UINT32_MAX - timer->count ? timer->count + n : UINT32_MAX;
    timer->time_us = time_us < INT64_MAX - timer->time_us ? timer->time_us + time_us : INT64_MAX;
    return 0;
}

bool timers_have(const struct timers *timers, uint16_t label)
{
    return find(timers, label) != NULL;
}

void timers_copy(const struct timers *timers, struct timer *to)
{
    struct piece piece = first_piece(timers);
    do {
        memcpy(to, piece.at, piece.n * sizeof *to);
        to += piece.n;
    } while (next_piece(&piece));
}

void timers_clear(struct timers *timers)
{
    block_free_all(timers->more);
    timers->more = NULL;
    timers->n = 0;
}
