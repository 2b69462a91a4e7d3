#include <criterion/criterion.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "base/process.h"
#include "request/epoch.h"
#include "threads.h"

static void begin(void)
{
    process_begin();
    epoch_begin();
}

TestSuite(epoch, .init = begin, .timeout = 60);

/* Whether there is memory at this address. */
static bool is_there(const void *memory)
{
    unsigned char page;
    return mincore((void *)((uintptr_t)memory & ~(uintptr_t)4095), 1, &page) == 0;
}

/* The sender looks again and again. */
static void reclaim(void)
{
    for (int i = 0; i < 20; i++)
        epoch_reclaim();
}

static void *memory_of(size_t n)
{
    void *memory = epoch_memory(n);
    cr_assert_not_null(memory);
    memset(memory, 'm', n);
    return memory;
}

static ck_epoch_record_t *reader(void)
{
    ck_epoch_record_t *record = epoch_join();
    cr_assert_not_null(record);
    return record;
}

Test(epoch, memory_is_zeroed_and_can_be_used_to_its_end)
{
    for (size_t n = 1; n < 20000; n = n * 2 + 1) {
        char *memory = epoch_memory(n);
        for (size_t i = 0; i < n; i++)
            cr_assert_eq(memory[i], 0);
        cr_assert_eq((uintptr_t)memory % 64, 0);
        memset(memory, 'x', n);
        epoch_retire(memory);
    }
}

Test(epoch, what_nobody_reads_is_freed)
{
    char *memory = memory_of(10000);
    reclaim();
    cr_assert(is_there(memory), "nobody has retired it");
    cr_assert_not(epoch_pending());
    epoch_retire(memory);
    cr_assert(epoch_pending());
    cr_assert(is_there(memory));
    reclaim();
    cr_assert_not(epoch_pending());
    cr_assert_not(is_there(memory));
    cr_assert_not(is_there(memory + 9999));
}

Test(epoch, a_readers_section_keeps_it)
{
    ck_epoch_record_t *record = reader();
    char *memory = memory_of(100);
    ck_epoch_begin(record, NULL);
    epoch_retire(memory);
    reclaim();
    cr_assert_eq(*memory, 'm');
    cr_assert(epoch_pending());
    ck_epoch_end(record, NULL);
    reclaim();
    cr_assert_not(is_there(memory));
    cr_assert_not(epoch_pending());
}

Test(epoch, the_last_of_many_sections_frees_it)
{
    enum { READERS = 10 };
    ck_epoch_record_t *record[READERS];
    char *memory = memory_of(100);
    for (int i = 0; i < READERS; i++) {
        record[i] = reader();
        ck_epoch_begin(record[i], NULL);
    }
    epoch_retire(memory);
    for (int i = 0; i < READERS; i++) {
        reclaim();
        cr_assert(is_there(memory), "%d sections have ended", i);
        ck_epoch_end(record[i], NULL);
    }
    reclaim();
    cr_assert_not(is_there(memory));
}

Test(epoch, a_section_inside_another_ends_nothing)
{
    ck_epoch_record_t *record = reader();
    char *memory = memory_of(100);
    ck_epoch_begin(record, NULL);
    ck_epoch_begin(record, NULL);
    epoch_retire(memory);
    ck_epoch_end(record, NULL);
    reclaim();
    cr_assert(is_there(memory));
    ck_epoch_end(record, NULL);
    reclaim();
    cr_assert_not(is_there(memory));
}

Test(epoch, sections_that_come_and_go_do_not_keep_it)
{
    ck_epoch_record_t *record = reader();
    char *memory = memory_of(100);
    epoch_retire(memory);
    for (int i = 0; i < 20; i++) {
        ck_epoch_begin(record, NULL);
        epoch_reclaim();
        ck_epoch_end(record, NULL);
    }
    cr_assert_not(is_there(memory));
}

Test(epoch, a_reader_that_died_in_its_section_keeps_nothing)
{
    ck_epoch_record_t *record = reader();
    char *memory = memory_of(100);
    ck_epoch_begin(record, NULL);
    ck_epoch_begin(record, NULL);
    epoch_retire(memory);
    reclaim();
    cr_assert(is_there(memory));
    epoch_end_dead(record);
    reclaim();
    cr_assert_not(is_there(memory));
    epoch_end_dead(record);
    epoch_leave(record);
    cr_assert_eq(reader(), record);
}

Test(epoch, records_are_used_again)
{
    ck_epoch_record_t *one = reader(), *two = reader();
    cr_assert_neq(one, two);
    epoch_leave(one);
    cr_assert_eq(reader(), one);
    for (int i = 0; i < 10000; i++) {
        epoch_leave(two);
        cr_assert_eq(reader(), two);
    }
    ck_epoch_begin(one, NULL);
    char *memory = memory_of(100);
    epoch_retire(memory);
    reclaim();
    cr_assert(is_there(memory), "one that is used again counts");
}

Test(epoch, a_record_that_was_left_keeps_nothing)
{
    ck_epoch_record_t *record = reader();
    char *memory = memory_of(100);
    ck_epoch_begin(record, NULL);
    ck_epoch_end(record, NULL);
    epoch_leave(record);
    epoch_retire(memory);
    reclaim();
    cr_assert_not(is_there(memory));
}

Test(epoch, a_forked_child_begins_with_none)
{
    ck_epoch_record_t *record = reader();
    char *memory = memory_of(100);
    ck_epoch_begin(record, NULL);
    epoch_retire(memory);
    epoch_reclaim();
    epoch_forget();
    epoch_begin();
    cr_assert_not(epoch_pending());
    char *own = memory_of(100);
    epoch_retire(own);
    reclaim();
    cr_assert_not(is_there(own), "the parent's sections keep nothing here");
}

/* Readers that look at what is there while it is changed again and again: none ever finds memory
 * that was freed (it would crash) or that is another's. */
enum { READERS = 3, CHANGES = 20000 };

static _Atomic(char *) current;
static _Atomic bool changed;

static void *change(void)
{
    for (int i = 0; i < CHANGES; i++) {
        char *next = epoch_memory(100);
        if (next == NULL)
            return "no memory";
        memset(next, 'm', 100);
        epoch_retire(atomic_exchange(&current, next));
        if (i % 4 == 0)
            epoch_reclaim();
    }
    atomic_store(&changed, true);
    return NULL;
}

static void *look(void)
{
    ck_epoch_record_t *record = epoch_join();
    void *found = NULL;
    while (!atomic_load(&changed) && found == NULL) {
        ck_epoch_begin(record, NULL);
        const char *memory = atomic_load(&current);
        for (int i = 0; i < 100; i++)
            found = memory[i] == 'm' ? found : "another's";
        ck_epoch_end(record, NULL);
    }
    epoch_leave(record);
    return found;
}

static void *change_or_look(void *number)
{
    return number == NULL ? change() : look();
}

Test(epoch, readers_never_meet_freed_memory)
{
    atomic_store(&current, memory_of(100));
    cr_assert(on_threads(1 + READERS, change_or_look));
    reclaim();
    cr_assert_not(epoch_pending());
}
