#include "request/totals.h"

/* What was counted: bit 63 tells a status from a label and action, so that no key is 0 but the
 * first label's, which is marked by bit 62. */
#define IS_STATUS (1ull << 63)
#define IS_TYPE   (1ull << 62)

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

bool totals_started(uint16_t label, uint16_t action)
{
    return count(IS_TYPE | (uint64_t)label << 16 | action);
}

bool totals_ended(int status)
{
    return count(IS_STATUS | (uint32_t)status);
}

bool totals_empty(void)
{
    return totals.used == 0;
}

void totals_spell(const struct lines *lines, struct batch *batch)
{
    char text[2048];
    for (int i = 0; i < SLOTS && totals.used > 0; i++) {
        struct slot *slot = &totals.slot[i];
        struct writer w = writer_on(text, sizeof text);
        if (slot->key == 0)
            continue;
        if (slot->key & IS_STATUS)
            lines_status(lines, &w, (int)(uint32_t)slot->key, slot->count);
        else
            lines_started(lines, &w, (uint16_t)(slot->key >> 16), (uint16_t)slot->key, slot->count);
        batch_add(batch, (struct bytes){text, w.n});
        *slot = (struct slot){0, 0};
        totals.used--;
    }
}

void totals_forget(void)
{
    memset(&totals, 0, sizeof totals);
}
