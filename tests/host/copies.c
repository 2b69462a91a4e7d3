/* copies SCENARIO: numbers that lead to a connection come and go; each request is told once. */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "loopback.h"

#define REQUEST "GET /forged HTTP/1.1\r\nHost: x\r\n\r\n"

static int by_dup(int fd)
{
    return dup(fd);
}

static int by_dup2(int fd)
{
    return dup2(fd, fd + 50);
}

static int by_dup3(int fd)
{
    return dup3(fd, fd + 50, O_CLOEXEC);
}

static int by_fcntl(int fd)
{
    return fcntl(fd, F_DUPFD, fd + 50);
}

static int by_fcntl_cloexec(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static int by_syscall(int fd)
{
    return (int)syscall(SYS_dup, fd);
}

static int by_fcntl_syscall(int fd)
{
    return (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 0);
}

/* The request is read on the original, which is closed; the answer is written on the copy. */
static void answer_on(int (*copy)(int fd))
{
    struct pair pair = pair_make();
    ask(pair.client, "/copy");
    take(pair.server);
    int second = copy(pair.server);
    EXPECT(second >= 0 && second != pair.server && close(pair.server) == 0);
    pair.server = second;
    answer_and_hear(pair);
    exchange(pair, "/copy");
    pair_close(pair);
}

static void dup_answers(void)
{
    answer_on(by_dup);
}

static void dup2_answers(void)
{
    answer_on(by_dup2);
}

static void dup3_answers(void)
{
    answer_on(by_dup3);
}

static void fcntl_answers(void)
{
    answer_on(by_fcntl);
}

static void fcntl_cloexec_answers(void)
{
    answer_on(by_fcntl_cloexec);
}

static void syscall_answers(void)
{
    answer_on(by_syscall);
}

static void fcntl_syscall_answers(void)
{
    answer_on(by_fcntl_syscall);
}

/* Copies come and go while requests are under way; the connection ends with the last. */
static void copy_is_closed_first(void)
{
    struct pair pair = pair_make();
    for (int i = 0; i < 100; i++) {
        ask(pair.client, "/copy");
        int copy = dup(pair.server), other = dup(copy);
        take(i % 2 ? copy : pair.server);
        EXPECT(close(copy) == 0);
        answer(i % 3 ? other : pair.server);
        hear(pair.client);
        EXPECT(close(other) == 0);
    }
    pair_close(pair);
}

static void dup2_to_itself(void)
{
    struct pair pair = pair_make();
    ask(pair.client, "/self");
    take(pair.server);
    EXPECT(dup2(pair.server, pair.server) == pair.server);
    EXPECT_ERROR(EINVAL, dup3(pair.server, pair.server, 0));
    answer_and_hear(pair);
    exchange(pair, "/self");
    pair_close(pair);
}

/* The connection that had the number ends with it, unanswered; the number serves the other one. */
static void dup2_onto_connection(void)
{
    struct pair first = pair_make(), second = pair_make();
    ask(first.client, "/replaced");
    take(first.server);
    EXPECT(dup2(second.server, first.server) == first.server);
    hear_end(first.client);
    exchange((struct pair){second.client, first.server}, "/moved");
    exchange(second, "/moved");
    EXPECT(close(first.server) == 0 && close(first.client) == 0);
    exchange(second, "/moved");
    pair_close(second);
}

/* The number of a connection becomes a file's: what is written and read there is nobody's. */
static int http_file(void)
{
    int file = memfd_create("text", MFD_CLOEXEC);
    for (int i = 0; i < 10; i++)
        EXPECT(write(file, REQUEST, sizeof REQUEST - 1) == sizeof REQUEST - 1);
    EXPECT(lseek(file, 0, SEEK_SET) == 0);
    return file;
}

static void use_file(int fd)
{
    char text[sizeof REQUEST - 1];
    EXPECT(read(fd, text, sizeof text) == sizeof text);
    EXPECT(write(fd, ANSWER, ANSWER_BYTES) == ANSWER_BYTES);
}

static void dup2_file_onto_connection(void)
{
    struct pair pair = pair_make();
    int file = http_file();
    ask(pair.client, "/replaced");
    take(pair.server);
    EXPECT(dup2(file, pair.server) == pair.server);
    use_file(pair.server);
    EXPECT(close(file) == 0);
    pair_close(pair);
}

static void failing_dup2(void)
{
    struct pair pair = pair_make();
    ask(pair.client, "/live");
    take(pair.server);
    EXPECT_ERROR(EBADF, dup2(-1, pair.server));
    EXPECT_ERROR(EBADF, dup2(9999, pair.server));
    EXPECT_ERROR(EBADF, dup2(pair.server, -1));
    EXPECT_ERROR(EINVAL, dup3(pair.client, pair.server, ~O_CLOEXEC));
    answer_and_hear(pair);
    pair_close(pair);
}

static void failing_closes(void)
{
    struct pair pair = pair_make();
    exchange(pair, "/live");
    EXPECT_ERROR(EINVAL, close_range((unsigned)pair.server, (unsigned)pair.server - 1, 0));
    EXPECT_ERROR(EINVAL, close_range((unsigned)pair.server, (unsigned)pair.server, 0x1000));
    exchange(pair, "/live");
    EXPECT(close_range(3, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */) == 0);
    exchange(pair, "/live");
    EXPECT(close(pair.server) == 0);
    EXPECT_ERROR(EBADF, close(pair.server));
    EXPECT_ERROR(EBADF, close(-1));
    EXPECT(close(pair.client) == 0);
}

/* The sender's socket is open from now on: no number is taken by another thread for a moment. */
static void begin_sending(void)
{
    serve("/first", 1);
    have_sent();
}

/* A connection's number is given to a file, then to a connection again. */
static void reuse(int (*end)(int fd))
{
    begin_sending();
    for (int i = 0; i < 20; i++) {
        struct pair pair = pair_make();
        exchange(pair, "/before");
        EXPECT(end(pair.server) == 0);
        int file = http_file();
        EXPECT(file <= pair.server && dup2(file, pair.server) == pair.server);
        use_file(pair.server);
        EXPECT(file == pair.server || close(file) == 0);
        EXPECT(close(pair.server) == 0 && close(pair.client) == 0);
    }
}

/* As `reuse`, but nothing we see tells that the number is a file's now. */
static void reuse_at_once(int (*end)(int fd))
{
    begin_sending();
    for (int i = 0; i < 20; i++) {
        struct pair pair = pair_make();
        exchange(pair, "/before");
        int file = http_file();
        EXPECT(end(pair.server) == 0);
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
        EXPECT(open(path, O_RDWR) == pair.server);
        use_file(pair.server);
        EXPECT(close(file) == 0);
        pair_close(pair);
    }
}

static int end_by_syscall(int fd)
{
    return (int)syscall(SYS_close, fd);
}

static int end_by_close_range_syscall(int fd)
{
    return (int)syscall(SYS_close_range, fd, fd, 0);
}

static int end_by_fclose(int fd)
{
    return fclose(fdopen(fd, "r+"));
}

static void replaced_after_close(void)
{
    reuse(close);
}

static void reuse_after_close(void)
{
    reuse_at_once(close);
}

static void reuse_after_syscall(void)
{
    reuse_at_once(end_by_syscall);
}

static void reuse_after_close_range_syscall(void)
{
    reuse_at_once(end_by_close_range_syscall);
}

static void reuse_after_fclose(void)
{
    reuse_at_once(end_by_fclose);
}

/* Nobody saw the close, but the number is accepted once more. */
static void accept_after_fclose(void)
{
    for (int i = 0; i < 20; i++) {
        struct pair pair = pair_make();
        exchange(pair, "/before");
        EXPECT(end_by_fclose(pair.server) == 0 && close(pair.client) == 0);
    }
}

int main(int argc, char **argv)
{
    static const struct scenario table[] = {
        {"dup_answers", dup_answers},
        {"dup2_answers", dup2_answers},
        {"dup3_answers", dup3_answers},
        {"fcntl_answers", fcntl_answers},
        {"fcntl_cloexec_answers", fcntl_cloexec_answers},
        {"syscall_answers", syscall_answers},
        {"fcntl_syscall_answers", fcntl_syscall_answers},
        {"copy_is_closed_first", copy_is_closed_first},
        {"dup2_to_itself", dup2_to_itself},
        {"dup2_onto_connection", dup2_onto_connection},
        {"dup2_file_onto_connection", dup2_file_onto_connection},
        {"failing_dup2", failing_dup2},
        {"failing_closes", failing_closes},
        {"replaced_after_close", replaced_after_close},
        {"reuse_after_close", reuse_after_close},
        {"reuse_after_syscall", reuse_after_syscall},
        {"reuse_after_close_range_syscall", reuse_after_close_range_syscall},
        {"reuse_after_fclose", reuse_after_fclose},
        {"accept_after_fclose", accept_after_fclose},
    };
    return SCENARIO_RUN(table, argc, argv);
}
