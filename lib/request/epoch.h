#ifndef REQUEST_EPOCH_H
#define REQUEST_EPOCH_H

/*
 * epoch: when the registry's outgrown arrays may be freed. A look-up reads them without a lock
 * inside a section of its thread's reader record (ck_epoch); what is retired is freed by the
 * sender's thread once every section that may know of it has ended. A section is some tens of
 * instructions long and never waits; nobody waits for one either: what can't be freed yet is looked
 * at again.
 */

#include <ck_epoch.h>
#include <stddef.h>

/* Once per process, and after epoch_forget. */
void epoch_begin(void);

/* A reader's record for a thread, one that another gave back or a new one; NULL without memory. */
ck_epoch_record_t *epoch_join(void);

/* The record's thread has no more use for it. */
void epoch_leave(ck_epoch_record_t *reader);

/* The record's thread has died, perhaps inside a section. */
void epoch_end_dead(ck_epoch_record_t *reader);

/* Memory of `n` bytes that is freed by epoch_retire alone; NULL without memory. */
void *epoch_memory(size_t n);

/* Nobody will find this memory any more. Any thread. */
void epoch_retire(void *memory);

/* Frees what was retired and can't be in use. The sender's thread only. */
void epoch_reclaim(void);

/* Whether something waits to be freed. */
bool epoch_pending(void);

/* In a forked child: all records and sections are the parent's. */
void epoch_forget(void);

#endif
