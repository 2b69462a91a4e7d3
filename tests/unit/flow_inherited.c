#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "base/process.h"
#include "base/sys.h"
#include "desk.h"
#include "flow/inherited.h"

enum { FIRST = 3 };

static char *environment[3];

/* systemd's two variables. */
static void say_handed(const char *fds, pid_t pid)
{
    static char text[2][64];
    snprintf(text[0], sizeof text[0], "LISTEN_FDS=%s", fds);
    snprintf(text[1], sizeof text[1], "LISTEN_PID=%d", (int)pid);
    environment[0] = text[0];
    environment[1] = text[1];
}

/* Out of the way of those that are handed over. */
static int high(int fd)
{
    int copy = fcntl(fd, F_DUPFD, 2000);
    close(fd);
    return copy;
}

/* The server's end of a connection becomes `fd`; the client's stays open. */
static void connection_as(int fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *any = (struct sockaddr *)&address;
    socklen_t size = sizeof address;
    int listener = high(socket(AF_INET, SOCK_STREAM, 0));
    int client = high(socket(AF_INET, SOCK_STREAM, 0));
    if (bind(listener, any, size) < 0 || listen(listener, 1) < 0 ||
        getsockname(listener, any, &size) < 0 || connect(client, any, size) < 0)
        _exit(99);
    int server = high(accept(listener, NULL, NULL));
    if (dup2(server, fd) != fd || close(server) < 0)
        _exit(99);
}

/* A program that was started with what `hand_over` gives it: a bit for each fd from FIRST on that
 * is followed, and SAME for the first two, if they lead to one connection. */
enum { SAME = 64 };

static int followed(void (*hand_over)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        process_begin();
        sys_close_range(FIRST, ~0u, 0);
        if (hand_over != NULL)
            hand_over();
        inherited_begin(environment);
        int bits = flow_look(FIRST) != 0 && flow_look(FIRST) == flow_look(FIRST + 1) ? SAME : 0;
        for (int i = 0; i < 4; i++)
            bits |= (flow_look(FIRST + i) != 0) << i;
        _exit(bits);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

Test(inherited, nothing_is_followed_without_need, .init = desk_begin)
{
    cr_assert_eq(followed(NULL), 0);
}

static void hand_over_two_of_three(void)
{
    connection_as(FIRST);
    connection_as(FIRST + 1);
    connection_as(FIRST + 2);
    say_handed("2", process.pid);
}

Test(inherited, the_ones_that_were_handed_over, .init = desk_begin)
{
    cr_assert_eq(followed(hand_over_two_of_three), 3);
}

static void hand_over_a_copy(void)
{
    connection_as(FIRST);
    dup2(FIRST, FIRST + 1);
    say_handed("2", process.pid);
}

Test(inherited, copies_lead_to_one_connection, .init = desk_begin)
{
    cr_assert_eq(followed(hand_over_a_copy), 3 | SAME);
}

static void hand_over_to_another(void)
{
    connection_as(FIRST);
    say_handed("1", process.pid + 1);
}

Test(inherited, what_is_another_process_s_is_left_alone, .init = desk_begin)
{
    cr_assert_eq(followed(hand_over_to_another), 0);
}

static void hand_over_fewer_than_said(void)
{
    connection_as(FIRST);
    say_handed("18446744073709551615", process.pid);
}

Test(inherited, fewer_than_was_said, .init = desk_begin)
{
    cr_assert_eq(followed(hand_over_fewer_than_said), 1);
}

static void hand_over_a_listener(void)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener != FIRST || listen(listener, 1) < 0)
        _exit(99);
    say_handed("1", process.pid);
}

Test(inherited, what_listens_is_no_connection, .init = desk_begin)
{
    cr_assert_eq(followed(hand_over_a_listener), 0);
}
