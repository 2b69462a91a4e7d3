#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "request/journal.h"
#include "request/names.h"
#include "scratch.h"
#include "send/apart.h"

static struct config config;
static struct ring ring;
static struct scratch file;

static void begin(const char *path)
{
    process_begin();
    config_read(&config, NULL, BYTES("app"), BYTES("host"), NULL);
    cr_assert_eq(names_begin(&config), 0);
    ring_begin(&ring);
    journal_begin(bytes_of(path));
}

static void begin_scratch(void)
{
    scratch_begin(&file);
    begin(file.path);
}

static struct event_facts facts(const char *id)
{
    return (struct event_facts){
        .kind = EVENT_END,
        .label = label_number(&names.labels, BYTES("users")),
        .action = names_action(BYTES("GET")),
        .status = 200,
        .tid = 77,
        .duration_ns = 1234999,
        .start_ns = clock_now_ns(),
        .id = bytes_of(id),
    };
}

static void add(const struct event_facts *told)
{
    event_put_end(&ring, told);
    journal_add((const struct event *)ring_peek_spsc(&ring), BYTES("app"), BYTES("host"));
    ring_release_spsc(&ring);
}

static void add_id(const char *id)
{
    struct event_facts told = facts(id);
    add(&told);
}

/* The text with its start time, which is checked, as 0. */
static void assert_text(struct bytes text, const char *expected)
{
    static const char key[] = "\"start_us\":";
    char *at = memmem(text.at, text.n, key, sizeof key - 1), *end;
    cr_assert_not_null(at);
    uint64_t start_us = strtoull(at + sizeof key - 1, &end, 10), now_us = clock_wall_ns() / 1000;
    cr_assert(start_us <= now_us && now_us - start_us < 60000000, "%lu", start_us);
    char normal[2000];
    snprintf(normal, sizeof normal, "%.*s0%s", (int)(at - text.at) + (int)sizeof key - 1, text.at,
             end);
    cr_assert_str_eq(normal, expected);
}

Test(journal, a_line)
{
    char expected[1000];
    begin_scratch();
    cr_assert(journal_wanted());
    add_id("id-1");
    cr_assert_eq(scratch_text(&file).n, 0, "not before it is flushed");
    journal_flush();
    snprintf(
        expected, sizeof expected,
        "{\"request_id\":\"id-1\",\"app\":\"app\",\"host\":\"host\",\"pid\":%d,\"tid\":77,"
        "\"label\":\"users\",\"action\":\"GET\",\"status\":200,\"start_us\":0,\"req_time_us\":1234,"
        "\"outcome\":\"done\",\"timers\":{}}\n",
        (int)getpid());
    assert_text(scratch_text(&file), expected);
}

Test(journal, timers_and_outcomes)
{
    begin_scratch();
    struct timers timers = {
        .n = 2,
        .here = {{label_number(&names.timers, BYTES("pg")), 2, 1000},
                 {label_number(&names.timers, BYTES("redis")), 4000000000u, INT64_MAX}},
    };
    struct event_facts told = facts("x");
    told.timers = &timers;
    told.outcome = OUTCOME_ABORTED;
    told.status = -1;
    add(&told);
    told.outcome = OUTCOME_DOWN;
    add(&told);
    journal_flush();
    cr_assert(contains(scratch_text(&file), "\"status\":-1,\"start_us\":"));
    cr_assert(contains(scratch_text(&file),
                       "\"outcome\":\"aborted\",\"timers\":{\"pg\":{\"time_us\":1000,\"count\":2},"
                       "\"redis\":{\"time_us\":9223372036854775807,\"count\":4000000000}}}\n{"));
    cr_assert(contains(scratch_text(&file), "\"outcome\":\"down\""));
}

/* Every byte value in an id: printable ASCII but for quotes and backslashes inside the string. */
Test(journal, ids_of_any_bytes_are_valid_json)
{
    begin_scratch();
    for (int first = 0; first < 256; first += 64) {
        char id[64];
        for (int i = 0; i < 64; i++)
            id[i] = (char)(first + i);
        struct event_facts told = facts("");
        told.id = (struct bytes){id, 64};
        add(&told);
    }
    journal_flush();
    struct bytes text = scratch_text(&file);
    for (size_t i = 0; i < text.n; i++)
        cr_assert(text.at[i] == '\n' || (text.at[i] >= ' ' && text.at[i] < 0x7f));
    cr_assert(contains(text, "{\"request_id\":\"\\u0000\\u0001"));
    cr_assert(contains(text, " !\\\"#$%&'"));
    cr_assert(contains(text, "[\\\\]^_"));
    cr_assert(contains(text, "\\u007f\""));
    cr_assert(contains(text, "\\u00ff\""));
}

Test(journal, none_is_wanted)
{
    begin("");
    cr_assert_not(journal_wanted());
}

static size_t count(struct bytes text, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += text.at[i] == c;
    return n;
}

Test(journal, more_than_a_buffer_loses_nothing)
{
    begin_scratch();
    for (int i = 0; i < 5000; i++)
        add_id("id");
    journal_flush();
    cr_assert_eq(count(scratch_text(&file), '\n'), 5000);
}

static char folder[64], path[100];

static void begin_folder(void)
{
    scratch_folder(folder);
    snprintf(path, sizeof path, "%s/requests", folder);
    begin(path);
}

static struct bytes text_of(const char *name)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return (struct bytes){NULL, 0};
    struct bytes text = contents_of(fd);
    close(fd);
    return text;
}

static void remove_folder(void)
{
    unlink(path);
    rmdir(folder);
}

static void add_and_flush(const char *id)
{
    add_id(id);
    journal_flush();
}

Test(journal, made_anew_after_it_was_moved_away)
{
    char moved[110];
    begin_folder();
    add_and_flush("one");
    snprintf(moved, sizeof moved, "%s.1", path);
    cr_assert_eq(rename(path, moved), 0);
    add_and_flush("two");
    add_and_flush("three");
    cr_assert(contains(text_of(moved), "\"one\""));
    cr_assert_eq(count(text_of(moved), '\n'), 1);
    cr_assert(contains(text_of(path), "\"two\"") && contains(text_of(path), "\"three\""));
    unlink(moved);
    remove_folder();
}

Test(journal, made_anew_after_it_was_removed)
{
    begin_folder();
    add_and_flush("one");
    unlink(path);
    add_and_flush("two");
    cr_assert(contains(text_of(path), "\"two\""));
    remove_folder();
}

Test(journal, goes_on_where_it_was_moved_to_when_it_can_not_be_made_anew)
{
    char moved[110];
    begin_folder();
    snprintf(moved, sizeof moved, "%s.1", path);
    cr_assert_eq(rename(path, moved), 0);
    cr_assert_eq(mkdir(path, 0700), 0, "opening it for writing fails");
    add_and_flush("one");
    cr_assert(contains(text_of(moved), "\"one\""));
    rmdir(path);
    unlink(moved);
    rmdir(folder);
}

/* A sender's thread has the process's file, and one of its own after that was moved away. */
static void *rotate_apart(void *moved)
{
    if (!apart_begin(journal_fd()))
        return NULL;
    cr_assert_eq(rename(path, moved), 0);
    add_and_flush("one");
    return moved;
}

Test(journal, goes_on_with_the_process_s_file_after_a_thread_that_had_another)
{
    char moved[110];
    pthread_t thread;
    void *done;
    begin_folder();
    snprintf(moved, sizeof moved, "%s.1", path);
    cr_assert_eq(pthread_create(&thread, NULL, rotate_apart, moved), 0);
    cr_assert_eq(pthread_join(thread, &done), 0);
    if (done != NULL) { /* else the kernel, or a sandbox, gives no thread a table of its own */
        cr_assert(contains(text_of(path), "\"one\""));
        cr_assert_eq(unlink(path), 0);
        cr_assert_eq(mkdir(path, 0700), 0, "opening it for writing fails");
        add_and_flush("two");
        cr_assert(contains(text_of(moved), "\"two\""));
        rmdir(path);
    }
    unlink(moved);
    remove_folder();
}

Test(journal, the_host_closed_its_file)
{
    begin_folder();
    add_and_flush("one");
    for (int fd = 3; fd < 1100; fd++) {
        char link[64], target[200] = "";
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        if (readlink(link, target, sizeof target - 1) > 0 && strcmp(target, path) == 0)
            cr_assert_eq(dup2(STDOUT_FILENO, fd), fd);
    }
    add_and_flush("two");
    cr_assert(contains(text_of(path), "\"one\"") && contains(text_of(path), "\"two\""));
    remove_folder();
}

Test(journal, what_can_not_be_opened_is_told_once)
{
    struct scratch diagnostics;
    scratch_begin(&diagnostics);
    log_begin(bytes_of(diagnostics.path), LOG_WARN);
    begin("/no/such/folder/requests");
    cr_assert(journal_wanted());
    add_and_flush("one");
    add_and_flush("two");
    struct bytes text = scratch_text(&diagnostics);
    cr_assert_eq(count(text, '\n'), 1);
    cr_assert(contains(text, "/no/such/folder/requests: opening failed with errno 2"), "%s",
              text.at);
}

Test(journal, a_forked_child_does_not_write_what_its_parent_added)
{
    int status;
    begin_scratch();
    add_id("parent");
    pid_t child = fork();
    if (child == 0) {
        process_begin();
        journal_forget();
        add_and_flush("child");
        _exit(0);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    journal_flush();
    cr_assert_eq(count(scratch_text(&file), '\n'), 2);
    cr_assert(contains(scratch_text(&file), "\"parent\"") &&
              contains(scratch_text(&file), "\"child\""));
}

enum { WRITERS = 4, LINES = 3000 };

static void write_lines(char mark)
{
    process_begin();
    journal_forget();
    for (int i = 0; i < LINES; i++) {
        char id[100];
        snprintf(id, sizeof id, "%c%.*s", mark, i % 90,
                 "0123456789012345678901234567890123456789"
                 "01234567890123456789012345678901234567890123456789");
        add_id(id);
        if (i % 7 == 0)
            journal_flush();
    }
    journal_flush();
    _exit(0);
}

/* Each line, whole, by who wrote it. */
static void count_whole_lines(struct bytes text, int *lines_of)
{
    for (struct bytes rest = text; rest.n > 0;) {
        struct bytes line = bytes_cut(&rest, '\n'), head = BYTES("{\"request_id\":\"");
        cr_assert(bytes_start_with(line, head), "%.*s", (int)line.n, line.at);
        cr_assert(memmem(line.at + 1, line.n - 1, head.at, head.n) == NULL, "two in one: %.*s",
                  (int)line.n, line.at);
        cr_assert_eq(memcmp(line.at + line.n - 12, "\"timers\":{}}", 12), 0, "%.*s", (int)line.n,
                     line.at);
        lines_of[line.at[head.n] - 'a']++;
    }
}

Test(journal, processes_that_append_at_once_never_interleave)
{
    int lines_of[26] = {0};
    begin_folder();
    for (int i = 0; i < WRITERS; i++)
        if (fork() == 0)
            write_lines((char)('a' + i));
    for (int i = 0; i < WRITERS; i++)
        cr_assert_gt(wait(NULL), 0);
    count_whole_lines(text_of(path), lines_of);
    for (int i = 0; i < WRITERS; i++)
        cr_assert_eq(lines_of[i], LINES);
    remove_folder();
}
