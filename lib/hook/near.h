#ifndef HOOK_NEAR_H
#define HOOK_NEAR_H

/*
 * near: executable memory within reach of a 32-bit distance from the functions of a program or
 * library, packed into few pages.
 *
 * No page of it is ever writable and executable at once. The pages are mapped executable from the
 * start and written through /proc/self/mem, which asks for no protection to be changed: pages that
 * threads already run in can be added to. Where that is refused, each piece gets a page of its own,
 * which is writable until it is written and executable from then on. The memory is private: a
 * forked child's is its own, as its functions are. It is never given back: who knows who still runs
 * in it.
 *
 * Callers take turns. No function of libc is called.
 */

#include <stddef.h>
#include <stdint.h>

/*
 * Finds a place for at most `n` bytes (a page's at most) that can be reached from all code within a
 * megabyte of `from`, and the other way round. 0, -ENOMEM if there is none, or what the kernel
 * answers. Nothing is taken yet.
 */
int near_find(uint64_t from, size_t n, uint64_t *place);

/* Takes the place that was found last and writes `n` bytes there, no more than were asked for. 0 or
 * a negative errno value: then it can't be used. */
int near_fill(uint64_t place, const uint8_t *bytes, size_t n);

#endif
