/*
 * Any bytes as a function, with what stands around it: nothing else is read, a start that fits is
 * whole instructions and room for the patch, and its moved copy has a length that does not depend
 * on its place. Input and copy have memory of their own, so that the address sanitizer sees every
 * step beyond.
 */

#include <stdlib.h>
#include <string.h>

#include "hook/move.h"
#include "hook/prologue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where the code would run. */
enum { ADDRESS = 0x40000000 };

static void insist(bool holds)
{
    if (!holds)
        abort();
}

static size_t moved_bytes(const struct prologue *prologue, uint64_t to)
{
    size_t n = 0;
    uint8_t *copy = malloc(MOVE_BYTES_MAX);
    insist(copy != NULL);
    enum prologue_verdict verdict = move_prologue(prologue, to, copy, &n);
    insist(verdict == PROLOGUE_FITS || verdict == PROLOGUE_TOO_FAR);
    insist(n > 0 && n <= MOVE_BYTES_MAX);
    free(copy);
    return n;
}

/* The first three bytes say how much stands in front of the function, how long it is, and how much
 * room it has. */
static void read_function(const uint8_t *text, size_t n, const uint8_t *says)
{
    size_t begin = n == 0 ? 0 : says[0] % n;
    size_t size = says[1] % (n - begin + 1);
    size_t room = size + says[2] % (n - begin - size + 1);
    struct prologue_code code = {text + begin, ADDRESS + begin, size, room, text, n};
    struct prologue prologue;
    if (prologue_read(&code, &prologue) != PROLOGUE_FITS)
        return;
    insist(prologue.begin == 0 || prologue.begin == 4);
    insist(prologue.end > prologue.begin && prologue.end <= size);
    insist(prologue.begin + PROLOGUE_PATCH_BYTES <= room);
    insist(prologue.end - prologue.begin >= PROLOGUE_PATCH_BYTES || prologue.ends);
    insist(moved_bytes(&prologue, ADDRESS + 0x1000) == moved_bytes(&prologue, 1ull << 40));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    uint8_t *text = malloc(size - 3);
    insist(text != NULL);
    memcpy(text, data + 3, size - 3);
    read_function(text, size - 3, data);
    free(text);
    return 0;
}
