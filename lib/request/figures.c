#include "request/figures.h"

#include <stdatomic.h>

static _Atomic uint64_t counts[FIGURES];

const char *figure_name(enum figure figure)
{
    static const char *const figure_names[FIGURES] = {"dropped", "send_errors", "not_http", "lost",
                                                      "down"};
    return figure_names[figure];
}

void figure_add(enum figure figure, uint64_t n)
{
    atomic_fetch_add_explicit(&counts[figure], n, memory_order_relaxed);
}

void figure_count(enum figure figure)
{
    figure_add(figure, 1);
}

uint64_t figure_since(enum figure figure)
{
    return atomic_exchange_explicit(&counts[figure], 0, memory_order_relaxed);
}

bool figures_any(void)
{
    for (int i = 0; i < FIGURES; i++)
        if (atomic_load_explicit(&counts[i], memory_order_relaxed) > 0)
            return true;
    return false;
}

void figures_forget(void)
{
    for (int i = 0; i < FIGURES; i++)
        atomic_store(&counts[i], 0);
}
