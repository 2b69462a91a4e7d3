#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "scratch.h"

static struct scratch file;

static void begin(enum log_level level)
{
    scratch_begin(&file);
    log_begin(bytes_of(file.path), level);
}

/* The one line that was written, after "stats-hero[PID]: ". */
static const char *line(void)
{
    char head[40];
    struct bytes text = scratch_text(&file);
    snprintf(head, sizeof head, "stats-hero[%d]: ", (int)getpid());
    cr_assert(bytes_start_with(text, bytes_of(head)), "%s", text.at);
    cr_assert_eq(memchr(text.at, '\n', text.n), text.at + text.n - 1);
    return text.at + strlen(head);
}

Test(log, a_line)
{
    begin(LOG_WARN);
    log_line(LOG_WARN, BYTES("one"), BYTES(""), BYTES(", two"));
    cr_assert_str_eq(line(), "warn: one, two\n");
}

Test(log, levels)
{
    begin(LOG_WARN);
    log_line(LOG_INFO, BYTES("no"));
    log_line(LOG_DEBUG, BYTES("no"));
    cr_assert_eq(scratch_text(&file).n, 0);
    log_line(LOG_ERROR, BYTES("yes"));
    cr_assert_str_eq(line(), "error: yes\n");
    cr_assert(log_wants(LOG_ERROR) && log_wants(LOG_WARN) && !log_wants(LOG_INFO));
}

Test(log, off)
{
    begin(LOG_OFF);
    log_line(LOG_ERROR, BYTES("no"));
    cr_assert_eq(scratch_text(&file).n, 0);
}

Test(log, says_nothing_before_it_begins)
{
    cr_assert_not(log_wants(LOG_ERROR));
}

Test(log, level_names)
{
    cr_assert_str_eq(log_level_name(LOG_OFF), "off");
    cr_assert_str_eq(log_level_name(LOG_DEBUG), "debug");
    cr_assert_null(log_level_name(LOG_DEBUG + 1));
}

Test(log, lines_are_appended)
{
    begin(LOG_INFO);
    log_line(LOG_INFO, BYTES("one"));
    log_line(LOG_WARN, BYTES("two"));
    cr_assert(contains(scratch_text(&file), "info: one\nstats-hero["));
    cr_assert(contains(scratch_text(&file), "warn: two\n"));
}

Test(log, a_long_value_is_cut_and_the_rest_still_said)
{
    char value[2000];
    memset(value, 'v', sizeof value);
    begin(LOG_WARN);
    log_line(LOG_WARN, BYTES("value '"), (struct bytes){value, sizeof value},
             BYTES("' can't be used"));
    cr_assert_leq(scratch_text(&file).n, 512);
    cr_assert(contains(scratch_text(&file), "warn: value 'vvvvvvvv"));
    cr_assert(contains(scratch_text(&file), "vvv' can't be used\n"));
}

Test(log, a_long_line_is_cut)
{
    char piece[100];
    memset(piece, 'p', sizeof piece);
    struct bytes pieces[20];
    for (int i = 0; i < 20; i++)
        pieces[i] = (struct bytes){piece, sizeof piece};
    begin(LOG_WARN);
    log_pieces(LOG_WARN, pieces, 20);
    size_t n = scratch_text(&file).n;
    cr_assert(n > 400 && n <= 512, "%zu", n);
    line();
}

Test(log, no_bytes_of_strangers_make_a_second_line)
{
    begin(LOG_WARN);
    log_line(LOG_WARN, BYTES("id a\r\nstats-hero[1]: error: \033[2J\0\177\xff end"));
    cr_assert_str_eq(line(), "warn: id a__stats-hero[1]: error: _[2J___ end\n");
}

Test(log, to_standard_error_in_one_write)
{
    int ends[2];
    char text[600];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    log_begin(BYTES(""), LOG_WARN);
    log_line(LOG_WARN, BYTES("one"), BYTES(" two"));
    ssize_t n = recv(ends[0], text, sizeof text, MSG_DONTWAIT);
    cr_assert(n > 0 && contains((struct bytes){text, (size_t)n}, "warn: one two\n"));
    cr_assert_eq(recv(ends[0], text, sizeof text, MSG_DONTWAIT), -1);
}

Test(log, leaves_errno_and_fds_alone)
{
    begin(LOG_WARN);
    int lowest = dup(0);
    close(lowest);
    errno = 1234;
    log_line(LOG_WARN, BYTES("x"));
    log_begin(BYTES("/no/such/folder/log"), LOG_WARN);
    log_line(LOG_WARN, BYTES("x"));
    cr_assert_eq(errno, 1234);
    cr_assert_eq(dup(0), lowest, "no fd stays open");
}
