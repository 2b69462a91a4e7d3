#include "hook/nearest.h"

static void want(struct nearest_wanted *wanted, struct bytes text)
{
    for (size_t i = 0; i < text.n && wanted->n < NEAREST_BYTES; i++)
        if (text.at[i] != '*' && text.at[i] != '?')
            wanted->places[(unsigned char)text.at[i]] |= 1ull << wanted->n++;
}

/* `a::b` is mangled as N1a1bE, and `a` alone as 1a. */
static void want_mangled(struct nearest_wanted *wanted, struct bytes name)
{
    const char *scope = memmem(name.at, name.n, "::", 2);
    if (scope != NULL)
        want(wanted, BYTES("N"));
    while (name.n > 0) {
        scope = memmem(name.at, name.n, "::", 2);
        size_t n = scope != NULL ? (size_t)(scope - name.at) : name.n;
        char length[20];
        struct writer w = writer_on(length, sizeof length);
        put_u64(&w, n);
        want(wanted, (struct bytes){length, w.n});
        want(wanted, (struct bytes){name.at, n});
        size_t skipped = scope != NULL ? n + 2 : n;
        name.at += skipped;
        name.n -= skipped;
    }
}

void nearest_begin(struct nearest *nearest, const struct pattern *pattern)
{
    *nearest = (struct nearest){.n = 0};
    struct bytes name = pattern->name;
    nearest->is_mangled = bytes_start_with(name, BYTES("_Z"));
    nearest->is_scoped = memmem(name.at, name.n, "::", 2) != NULL;
    want(&nearest->c, name);
    want_mangled(&nearest->cpp, bytes_cut(&name, '('));
}

/*
 * One step for each character of the text; `score` is the distance of all that is wanted from the
 * text up to there. The least of them is that from the beginning of the text that is nearest.
 */
static unsigned distance(const struct nearest_wanted *wanted, struct bytes text, bool beginning)
{
    const uint64_t last = 1ull << (wanted->n - 1);
    uint64_t more = UINT64_MAX, less = 0;
    unsigned score = wanted->n, least = score;
    for (size_t i = 0; i < text.n; i++) {
        uint64_t equal = wanted->places[(unsigned char)text.at[i]];
        uint64_t vertical = equal | less;
        uint64_t horizontal = (((equal & more) + more) ^ more) | equal;
        uint64_t rises = less | ~(horizontal | more);
        uint64_t falls = more & horizontal;
        score += (rises & last) != 0;
        score -= (falls & last) != 0;
        rises = rises << 1 | 1;
        falls <<= 1;
        more = falls | ~(vertical | rises);
        less = rises & vertical;
        least = score < least ? score : least;
    }
    return beginning ? least : score;
}

/* The most that is still of interest. */
static unsigned limit(const struct nearest *nearest, const struct nearest_wanted *wanted)
{
    unsigned most = wanted->n / 2;
    if (nearest->n == NEAREST_MOST && nearest->distance[NEAREST_MOST - 1] <= most)
        most = nearest->distance[NEAREST_MOST - 1];
    return most;
}

/* Parts and changed copies of a function are no help: they are not what is called. */
static void keep(struct nearest *nearest, struct bytes name, unsigned its)
{
    if (memchr(name.at, '.', name.n) != NULL)
        return;
    for (unsigned i = 0; i < nearest->n; i++)
        if (bytes_equal(nearest->name[i], name))
            return;
    if (nearest->n < NEAREST_MOST)
        nearest->n++;
    else if (its >= nearest->distance[NEAREST_MOST - 1])
        return;
    unsigned at = nearest->n - 1;
    for (; at > 0 && nearest->distance[at - 1] > its; at--) {
        nearest->name[at] = nearest->name[at - 1];
        nearest->distance[at] = nearest->distance[at - 1];
    }
    nearest->name[at] = name;
    nearest->distance[at] = its;
}

/* What follows `_Z`, and `_ZL` of static functions. */
static struct bytes mangled_rest(struct bytes name)
{
    struct bytes rest = {name.at + 2, name.n - 2};
    if (rest.n > 1 && rest.at[0] == 'L')
        rest.at++, rest.n--;
    return rest;
}

static void offer_cpp(struct nearest *nearest, struct bytes name)
{
    const struct nearest_wanted *wanted = &nearest->cpp;
    struct bytes rest = mangled_rest(name);
    unsigned most = limit(nearest, wanted);
    if (wanted->n == 0 || rest.n + most < wanted->n || (rest.at[0] == 'N') != nearest->is_scoped)
        return;
    if (rest.n > wanted->n + most)
        rest.n = wanted->n + most;
    unsigned its = distance(wanted, rest, true);
    if (its <= most)
        keep(nearest, name, its);
}

static void offer_c(struct nearest *nearest, struct bytes name)
{
    const struct nearest_wanted *wanted = &nearest->c;
    unsigned most = limit(nearest, wanted);
    if (wanted->n == 0 || name.n + most < wanted->n || name.n > wanted->n + most)
        return;
    unsigned its = distance(wanted, name, false);
    if (its <= most)
        keep(nearest, name, its);
}

void nearest_offer(struct nearest *nearest, struct bytes name)
{
    if (nearest->is_mangled || name.n < 3 || name.at[0] != '_' || name.at[1] != 'Z')
        offer_c(nearest, name);
    else
        offer_cpp(nearest, name);
}
