#include "hook/intruder.h"

#include <string.h>

#include "hook/insn.h"

/* An 8-bit distance reaches so far, and the decoder is in step after so many bytes more. */
enum { SHORT_REACH = 130, RUN_UP = 126, BLOCK = 1024 };

static bool is_hit(const struct intruder_search *search, size_t target)
{
    size_t first = search->function + search->first;
    return target - first <= search->last - search->first;
}

/* Decodes from one place to the other. */
static bool has_jump(const struct intruder_search *search, size_t from, size_t to)
{
    while (from < to) {
        ZydisDecodedInstruction insn;
        uint64_t target;
        bool decoded = insn_decode(search->text + from, to - from, &insn);
        if (decoded && insn_target(&insn, from, &target) && is_hit(search, (size_t)target))
            return true;
        from += decoded ? insn.length : 1;
    }
    return false;
}

/* Whether what stands at `at` is the distance of a jump or call into the bytes. One byte in thirty
 * looks like such an instruction, so those that hit are decoded. */
static bool is_near_hit(const struct intruder_search *search, size_t at)
{
    const uint8_t *text = search->text;
    int32_t distance;
    memcpy(&distance, text + at, sizeof distance);
    bool is_jump = (text[at - 1] & 0xfe) == 0xe8;
    bool is_condition = (text[at - 1] & 0xf0) == 0x80 && text[at - 2] == 0x0f;
    return (is_jump || is_condition) && is_hit(search, at + 4 + (size_t)distance) &&
           has_jump(search, at > RUN_UP ? at - RUN_UP : 0, at + 4);
}

/*
 * Whether one of the block's bytes could begin such a distance. Megabytes are gone through so, in a
 * loop that compilers make vectors of: every fourth byte, four times.
 */
static bool has_candidate(const struct intruder_search *search, size_t block)
{
    const uint8_t *at = search->text + block;
    uint32_t bias = (uint32_t)(block + 4 - search->function - search->first);
    uint32_t span = (uint32_t)(search->last - search->first);
    uint32_t found = 0;
    for (uint32_t offset = 0; offset < 4; offset++)
        for (uint32_t i = offset; i < BLOCK + offset; i += 4) {
            uint32_t distance;
            memcpy(&distance, at + i, sizeof distance);
            found |= distance + bias + i <= span;
        }
    return found != 0;
}

/* `from` and `to` bound where distances stand. */
static bool has_near(const struct intruder_search *search, size_t from, size_t to)
{
    for (size_t at = from + 2; at + 4 <= to;) {
        size_t end = at + BLOCK;
        if (end + 4 > to)
            end = to - 3;
        else if (!has_candidate(search, at))
            at = end;
        for (; at < end; at++)
            if (is_near_hit(search, at))
                return true;
    }
    return false;
}

bool intruder_exists(const struct intruder_search *search)
{
    size_t function = search->function, end = function + search->size;
    size_t before = function > SHORT_REACH + RUN_UP ? function - SHORT_REACH - RUN_UP : 0;
    size_t after = search->text_size - end > SHORT_REACH ? end + SHORT_REACH : search->text_size;
    return has_jump(search, before, function) || has_jump(search, end, after) ||
           has_near(search, 0, function) || has_near(search, end, search->text_size);
}
