#include "request/epoch.h"

#include <string.h>

#include "base/lock.h"
#include "base/pool.h"
#include "base/sys.h"

/*
 * Why two grace periods. ck_epoch_poll of CK 0.7 may run a callback when every reader has been seen
 * in the epoch after the one in which it was put down; that is enough only where loads and stores
 * are as ordered as x86's (mended upstream in 2026). So the first callback puts the memory down
 * again, and the second one frees it.
 */

struct reader {
    struct pool_link link;
    ck_epoch_record_t record;
};

struct retired {
    ck_epoch_entry_t entry;
    struct retired *next;
    size_t bytes;
    bool waited;
};

#define HEAD_BYTES ((sizeof(struct retired) + 63) & ~(size_t)63)

POOL(readers, struct reader, 0);

static struct {
    ck_epoch_t epoch;
    struct lock lock;
    struct retired *list;         /* not put down yet */
    ck_epoch_record_t *reclaimer; /* the sender's */
    bool pending;
} epochs;

void epoch_begin(void)
{
    ck_epoch_init(&epochs.epoch);
}

ck_epoch_record_t *epoch_join(void)
{
    ck_epoch_record_t *record = ck_epoch_recycle(&epochs.epoch, NULL);
    if (record != NULL)
        return record;
    struct reader *reader = pool_get(&readers);
    if (reader == NULL)
        return NULL;
    ck_epoch_register(&epochs.epoch, &reader->record, NULL);
    return &reader->record;
}

void epoch_leave(ck_epoch_record_t *reader)
{
    ck_epoch_unregister(reader);
}

void epoch_end_dead(ck_epoch_record_t *reader)
{
    while (reader->active > 0)
        ck_epoch_end(reader, NULL);
}

void *epoch_memory(size_t n)
{
    size_t bytes = sys_whole_pages(n + HEAD_BYTES);
    struct retired *memory = sys_pages(bytes);
    if (memory == NULL)
        return NULL;
    memory->bytes = bytes;
    return (char *)memory + HEAD_BYTES;
}

void epoch_retire(void *memory)
{
    struct retired *retired = (struct retired *)(void *)((char *)memory - HEAD_BYTES);
    if (!lock_take(&epochs.lock))
        return; /* it stays allocated */
    retired->next = epochs.list;
    epochs.list = retired;
    lock_release(&epochs.lock);
}

static void free_retired(ck_epoch_entry_t *entry)
{
    struct retired *retired = (struct retired *)(void *)entry;
    if (retired->waited) {
        sys_pages_free(retired, retired->bytes);
        return;
    }
    retired->waited = true;
    epochs.pending = true;
    ck_epoch_call(epochs.reclaimer, entry, free_retired);
}

bool epoch_pending(void)
{
    return epochs.pending || __atomic_load_n(&epochs.list, __ATOMIC_RELAXED) != NULL;
}

static struct retired *take_list(void)
{
    struct retired *list = NULL;
    if (!lock_take(&epochs.lock))
        return NULL;
    list = epochs.list;
    epochs.list = NULL;
    lock_release(&epochs.lock);
    return list;
}

void epoch_reclaim(void)
{
    if (epochs.reclaimer == NULL)
        epochs.reclaimer = epoch_pending() ? epoch_join() : NULL;
    if (epochs.reclaimer == NULL)
        return;
    struct retired *list = take_list();
    while (list != NULL) {
        struct retired *next = list->next;
        ck_epoch_call(epochs.reclaimer, &list->entry, free_retired);
        list = next;
    }
    ck_epoch_poll(epochs.reclaimer);
    epochs.pending = epochs.reclaimer->n_pending > 0;
}

void epoch_forget(void)
{
    pool_forget(&readers);
    memset(&epochs, 0, sizeof epochs);
}
