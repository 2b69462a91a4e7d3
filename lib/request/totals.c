#include "request/totals.h"

/* What was counted: bit 63 tells a status from a label and action, which bit 62 marks, so that no
 * key is 0; the scope stands in bits 40 to 47. */
#define IS_STATUS   (1ull << 63)
#define IS_TYPE     (1ull << 62)
#define SCOPE_AT(n) ((uint64_t)(n) << 40)

enum { SLOTS = 1024, USED_MOST = SLOTS / 2 };

static struct {
    uint32_t used;
    struct slot {
        uint64_t key, count;
    } slot[SLOTS];
} totals;

static bool count(uint64_t key)
{
    uint64_t hash = key * 0x9e3779b97f4a7c15;
    for (uint64_t i = hash >> 54;; i = (i + 1) % SLOTS) {
        struct slot *slot = &totals.slot[i];
        if (slot->key == 0) {
            if (totals.used == USED_MOST)
                return false;
            totals.used++;
            slot->key = key;
        }
        if (slot->key == key) {
            slot->count++;
            return true;
        }
    }
}

bool totals_started(uint8_t scope, uint16_t label, uint16_t action)
{
    return count(IS_TYPE | SCOPE_AT(scope) | (uint64_t)label << 16 | action);
}

bool totals_ended(uint8_t scope, int status)
{
    return count(IS_STATUS | SCOPE_AT(scope) | (uint32_t)status);
}

bool totals_empty(void)
{
    return totals.used == 0;
}

void totals_spell(totals_lines *lines_of, struct batch *batch)
{
    char text[2048];
    for (int i = 0; i < SLOTS && totals.used > 0; i++) {
        struct slot *slot = &totals.slot[i];
        struct writer w = writer_on(text, sizeof text);
        if (slot->key == 0)
            continue;
        const struct lines *lines = lines_of((uint8_t)(slot->key >> 40));
        if (slot->key & IS_STATUS)
            lines_status(lines, &w, (int)(uint32_t)slot->key, slot->count);
        else
            lines_started(lines, &w, (uint16_t)(slot->key >> 16), (uint16_t)slot->key, slot->count);
        batch_add(batch, (struct bytes){text, w.n});
        *slot = (struct slot){0, 0};
        totals.used--;
        if (batch_hurried(batch))
            return;
    }
}

void totals_forget(void)
{
    memset(&totals, 0, sizeof totals);
}
