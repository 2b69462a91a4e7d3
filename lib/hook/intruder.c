#include "hook/intruder.h"

#include <string.h>

#include "hook/insn.h"

/* An 8-bit distance reaches so far, and the decoder is in step after so many bytes more. */
enum { SHORT_REACH = 130, RUN_UP = 126 };

static bool is_hit(const struct intruder_search *search, size_t target)
{
    size_t first = search->function + search->first;
    return target - first <= search->last - search->first;
}

/* `from` and `to` bound where distances stand. */
static bool has_near(const struct intruder_search *search, size_t from, size_t to)
{
    const uint8_t *text = search->text;
    uint32_t first = (uint32_t)(search->function + search->first);
    uint32_t span = (uint32_t)(search->last - search->first);
    for (size_t at = from + 2; at + 4 <= to; at++) {
        uint32_t distance;
        memcpy(&distance, text + at, sizeof distance);
        if (distance + (uint32_t)at + 4 - first > span)
            continue;
        bool is_jump = (text[at - 1] & 0xfe) == 0xe8;
        bool is_condition = (text[at - 1] & 0xf0) == 0x80 && text[at - 2] == 0x0f;
        if (is_jump || is_condition)
            return true;
    }
    return false;
}

static bool has_short(const struct intruder_search *search, size_t from, size_t to)
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

bool intruder_exists(const struct intruder_search *search)
{
    size_t function = search->function, end = function + search->size;
    size_t before = function > SHORT_REACH + RUN_UP ? function - SHORT_REACH - RUN_UP : 0;
    size_t after = search->text_size - end > SHORT_REACH ? end + SHORT_REACH : search->text_size;
    return has_short(search, before, function) || has_short(search, end, after) ||
           has_near(search, 0, function) || has_near(search, end, search->text_size);
}
