/*
 * plain SCENARIO: programs that never serve, or that nobody watches: they have one thread, and no
 * number that they did not open.
 */
#include <dirent.h>
#include <sys/stat.h>

#include "loopback.h"

/* `most` is the highest number that the program has; the directory that is read takes one, too. */
static void expect_alone(int most)
{
    struct stat tasks;
    EXPECT(stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink == 3);
    DIR *numbers = opendir("/proc/self/fd");
    EXPECT(numbers != NULL);
    for (struct dirent *entry; (entry = readdir(numbers)) != NULL;)
        EXPECT(atoi(entry->d_name) <= most + 1);
    EXPECT(closedir(numbers) == 0);
}

static void idle(void)
{
    expect_alone(STDERR_FILENO);
}

/* A client's part, with a server that is a listening queue. */
static void client(void)
{
    int listener = loopback_listen(), fd = loopback_connect(listener), pipes[2];
    char text[8];
    ask(fd, "/client");
    EXPECT(pipe(pipes) == 0 && write(pipes[1], ANSWER, 8) == 8 && read(pipes[0], text, 8) == 8);
    int copy = dup(fd);
    expect_alone(copy);
    EXPECT(close(copy) == 0 && close(fd) == 0);
}

static void serves(void)
{
    struct pair pair = pair_make();
    exchanges(pair, "/plain", 5);
    expect_alone(pair.server);
    pair_close(pair);
}

/* A connection that speaks something else. */
static void not_http(void)
{
    struct pair pair = pair_make();
    char text[5];
    write_all(pair.client, "HELLO", 5);
    read_all(pair.server, text, 5);
    write_all(pair.server, "HELLO", 5);
    read_all(pair.client, text, 5);
    expect_alone(pair.server);
    pair_close(pair);
}

int main(int argc, char **argv)
{
    static const struct scenario table[] = {
        {"idle", idle},
        {"client", client},
        {"serves", serves},
        {"not_http", not_http},
    };
    return SCENARIO_RUN(table, argc, argv);
}
