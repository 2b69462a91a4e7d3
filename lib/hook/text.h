#ifndef HOOK_TEXT_H
#define HOOK_TEXT_H

/*
 * text: writes into memory that is there to be executed. No function of libc is called: it may be
 * the one that is written to.
 */

#include <stddef.h>
#include <stdint.h>

/* Copies where memory may be written. */
void text_copy(uint64_t to, const uint8_t *bytes, size_t n);

/* Writes through /proc/self/mem, which heeds no page's protection. 0 or a negative errno value. */
int text_write_past_protection(uint64_t to, const uint8_t *bytes, size_t n);

/*
 * Puts a jump of five bytes over the first instructions of a function that threads may call
 * meanwhile. `protection` is its pages' (PROT_…), which they have again afterwards.
 *
 * No thread that comes to `at` meets half a jump: the five bytes appear at once, when one aligned
 * word holds them. Else the first two become a jump to themselves, the other three follow, and then
 * the first two; a thread that comes between goes round until it is done. (They appear at once
 * unless they are an aligned word's last byte and the next one's first, as no compiler aligns
 * functions.) What can't be helped without stopping all threads is one that has run the first of
 * the instructions and not all: it would go on in the middle of the jump.
 *
 * The pages are made writable beside executable for that moment; where that is refused (SELinux,
 * systemd's MemoryDenyWriteExecute), they are written past their protection, in the second way. 0,
 * or what the kernel said, and then nothing was changed.
 */
int text_put_jump(uint64_t at, const uint8_t jump[5], int protection);

#endif
