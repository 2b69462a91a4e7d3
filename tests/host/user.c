/*
 * user SCENARIO: processes that change their user, groups or namespaces after they have served.
 * Each thread of the process has to be the new one then; run as root, or nothing changes. And what
 * else a process may expect that has one thread of its own.
 */
#include <limits.h>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "loopback.h"

enum { NOBODY = 65534, STATUS_BYTES = 4096 };

static size_t read_file(const char *path, char *text)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, text, STATUS_BYTES - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

/* A thread's user, groups and capabilities, a line each. False: it has ended meanwhile. */
static bool read_user(const char *tid, char user[512])
{
    char path[64], status[STATUS_BYTES];
    size_t n = 0;
    snprintf(path, sizeof path, "/proc/self/task/%s/status", tid);
    if (read_file(path, status) == 0)
        return false;
    for (char *line = strtok(status, "\n"); line != NULL; line = strtok(NULL, "\n"))
        if (strncmp(line, "Uid:", 4) == 0 || strncmp(line, "Gid:", 4) == 0 ||
            strncmp(line, "Groups:", 7) == 0 || strncmp(line, "Cap", 3) == 0)
            n += (size_t)snprintf(user + n, 512 - n, "%s\n", line);
    EXPECT(n > 0);
    return true;
}

/* How many threads there are, if each is who this one is; else 0. */
static int threads_alike(void)
{
    char own[512], other[512], tid[32];
    int n = 0, others = 0;
    snprintf(tid, sizeof tid, "%d", (int)syscall(SYS_gettid));
    EXPECT(read_user(tid, own));
    DIR *tasks = opendir("/proc/self/task");
    EXPECT(tasks != NULL);
    for (struct dirent *task; (task = readdir(tasks)) != NULL;)
        if (task->d_name[0] != '.' && read_user(task->d_name, other)) {
            others += strcmp(own, other) != 0;
            n++;
        }
    closedir(tasks);
    return others == 0 ? n : 0;
}

/* One that ends is to be seen there a little longer than it can do anything. */
static void wait_for_alike(int threads)
{
    while (threads_alike() != threads)
        sched_yield();
}

/* Everything that was served before and after is reported, by threads that are who we are. */
static void around(void (*change)(void))
{
    struct pair pair = pair_make();
    exchanges(pair, "/before", 3);
    wait_for_alike(2);
    change();
    wait_for_alike(2);
    exchanges(pair, "/after", 3);
    wait_for_alike(2);
    pair_close(pair);
}

#define CHANGE(name, call)                                                                         \
    static void change_##name(void)                                                                \
    {                                                                                              \
        EXPECT((call) == 0);                                                                       \
    }                                                                                              \
    static void name##_after(void)                                                                 \
    {                                                                                              \
        around(change_##name);                                                                     \
    }

CHANGE(setuid, setuid(NOBODY))
CHANGE(setgid, setgid(NOBODY))
CHANGE(seteuid, seteuid(NOBODY))
CHANGE(setegid, setegid(NOBODY))
CHANGE(setreuid, setreuid(NOBODY, NOBODY))
CHANGE(setregid, setregid(NOBODY, NOBODY))
CHANGE(setresuid, setresuid(NOBODY, NOBODY, NOBODY))
CHANGE(setresgid, setresgid(NOBODY, NOBODY, NOBODY))
CHANGE(setgroups, setgroups(1, (const gid_t[]){NOBODY}))
CHANGE(initgroups, initgroups("daemon", NOBODY))

/* As servers do. */
static void all_of_them(void)
{
    EXPECT(initgroups("nobody", NOBODY) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
}

static void dropped(void)
{
    around(all_of_them);
    EXPECT_ERROR(EPERM, setuid(0));
}

/* Nobody may have as many threads as this: no other one can be started, and what waits is sent when
 * the process ends. */
static void limited(void)
{
    struct rlimit none = {0, 0};
    serve("/before", 3);
    EXPECT(setrlimit(RLIMIT_NPROC, &none) == 0);
    all_of_them();
    serve("/after", 3);
    EXPECT(threads_alike() == 1);
}

/* Whoever runs us acts between these two. */
static void wait_for_go(void)
{
    char c;
    EXPECT(printf("ready\n") > 0 && fflush(stdout) == 0);
    EXPECT(read(STDIN_FILENO, &c, 1) == 0);
}

/* The receiver is full, and the sender has found that: nothing can be waited for longer. */
static void stuck(void)
{
    serve("/before", 3);
    have_sent();
    for (int i = 0; i < 20; i++) {
        EXPECT(seteuid(i % 2 == 0 ? NOBODY : 0) == 0);
        EXPECT(threads_alike() > 0);
    }
    all_of_them();
    EXPECT(threads_alike() > 0);
    wait_for_go();
    serve("/after", 3);
}

static void stays_dumpable(void)
{
    serve("/before", 3);
    have_sent();
    all_of_them();
    EXPECT(prctl(PR_SET_DUMPABLE, 1) == 0);
    wait_for_go();
    serve("/after", 3);
    have_sent();
    EXPECT(prctl(PR_GET_DUMPABLE) == 1);
}

/* A thread's capabilities are its own: what another one could not do for lack of them has to come
 * out the same. */
static void keeps_capabilities(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    serve("/before", 3);
    EXPECT(prctl(PR_SET_KEEPCAPS, 1) == 0 && setuid(NOBODY) == 0);
    EXPECT(syscall(SYS_capget, &head, data) == 0);
    data[0].effective = data[0].permitted;
    data[1].effective = data[1].permitted;
    EXPECT(syscall(SYS_capset, &head, data) == 0);
    EXPECT(setgid(NOBODY) == 0);
    EXPECT(threads_alike() > 0);
    serve("/after", 3);
}

static pthread_barrier_t both;

enum { RACES = 2000 };

static void *change_often(void *user)
{
    for (int i = 0; i < RACES; i++) {
        pthread_barrier_wait(&both);
        EXPECT(seteuid(*(const uid_t *)user) == 0);
        pthread_barrier_wait(&both);
        pthread_barrier_wait(&both);
    }
    return NULL;
}

/* Two threads change the user at once: whoever comes last, all are that one. */
static void racing(void)
{
    static uid_t user[2] = {0, NOBODY};
    pthread_t thread[2];
    EXPECT(pthread_barrier_init(&both, NULL, 3) == 0);
    serve("/racing", 3);
    for (int i = 0; i < 2; i++)
        EXPECT(pthread_create(&thread[i], NULL, change_often, &user[i]) == 0);
    for (int i = 0; i < RACES; i++) {
        pthread_barrier_wait(&both);
        pthread_barrier_wait(&both);
        EXPECT(threads_alike() > 0);
        pthread_barrier_wait(&both);
    }
    for (int i = 0; i < 2; i++)
        EXPECT(pthread_join(thread[i], NULL) == 0);
    EXPECT(seteuid(0) == 0);
    serve("/racing", 3);
}

/* As file servers do, for each request; then nothing more comes. */
static void pairs(void)
{
    struct pair pair = pair_make();
    for (int i = 0; i < 100; i++) {
        ask(pair.client, "/pair");
        take(pair.server);
        EXPECT(seteuid(NOBODY) == 0 && seteuid(0) == 0);
        answer_and_hear(pair);
    }
    wait_for_go();
    pair_close(pair);
}

/* A namespace of one's own, or again the one that it has. */
static void enter_namespaces(void)
{
    int mounts = open("/proc/self/ns/mnt", O_RDONLY);
    EXPECT(mounts >= 0 && setns(mounts, CLONE_NEWNS) == 0 && close(mounts) == 0);
    EXPECT(unshare(CLONE_NEWUSER) == 0);
}

static void other_namespaces(void)
{
    pid_t child = fork(); /* not everywhere may it be done */
    if (child == 0)
        _exit(unshare(CLONE_NEWUSER) != 0);
    int status;
    EXPECT(waitpid(child, &status, 0) == child);
    serve("/before", 3);
    if (status == 0)
        enter_namespaces();
    serve("/after", 3);
}

static void other_namespaces_by_number(void)
{
    serve("/before", 3);
    int mounts = open("/proc/self/ns/mnt", O_RDONLY);
    EXPECT(mounts >= 0 && syscall(SYS_setns, mounts, CLONE_NEWNS) == 0 && close(mounts) == 0);
    EXPECT(syscall(SYS_unshare, CLONE_FS) == 0);
    serve("/after", 3);
}

static volatile sig_atomic_t handled;

static void change_there_and_back(int signal)
{
    int saved = errno;
    (void)signal;
    if (seteuid(NOBODY) != 0 || seteuid(0) != 0)
        _exit(1);
    handled++;
    errno = saved;
}

/* The handler comes at any time, inside of us, too. */
static void in_handler(void)
{
    struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    EXPECT(signal(SIGPROF, change_there_and_back) != SIG_ERR);
    serve("/handler", 1);
    EXPECT(setitimer(ITIMER_PROF, &often, NULL) == 0);
    while (handled < 300)
        serve("/handler", 1);
    EXPECT(setitimer(ITIMER_PROF, &never, NULL) == 0);
    wait_for_alike(2);
}

/* A vfork child's user is not ours. */
static void in_vfork_child(void)
{
    serve("/before", 3);
    pid_t child = vfork();
    if (child == 0) {
        if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
            _exit(1);
        _exit(0);
    }
    expect_child(child);
    EXPECT(geteuid() == 0);
    wait_for_alike(2);
    serve("/after", 3);
}

/* Threads that serve while another one changes the user. */
static void *serve_on(void *stop)
{
    while (!__atomic_load_n((bool *)stop, __ATOMIC_ACQUIRE))
        serve("/thread", 1);
    return NULL;
}

static void while_serving(void)
{
    static bool stop;
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, serve_on, &stop) == 0);
    for (int i = 0; i < 100; i++) {
        EXPECT(seteuid(i % 2 == 0 ? NOBODY : 0) == 0);
        wait_for_alike(3);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    EXPECT(pthread_join(thread, NULL) == 0);
    EXPECT(seteuid(NOBODY) == 0);
    wait_for_alike(2);
}

/* libc goes on to take the process for one with a single thread. */
static void stays_single(void)
{
    serve("/before", 3);
    wait_for_alike(2);
    EXPECT(__libc_single_threaded);
}

/* The process ends with its own last thread. */
static void last_thread_ends(void)
{
    serve("/before", 3);
    pthread_exit(NULL);
}

static void *exit_raw(void *nothing)
{
    syscall(SYS_exit, 0);
    return nothing;
}

/* By number, too. */
static void last_thread_exits(void)
{
    serve("/before", 3);
    exit_raw(NULL);
}

/* The sender goes on as long as there is another thread. */
static void thread_exits(void)
{
    pthread_t thread;
    serve("/before", 3);
    EXPECT(pthread_create(&thread, NULL, exit_raw, NULL) == 0);
    wait_for_alike(2);
    serve("/after", 3);
    exit_raw(NULL);
}

static pid_t first_thread;

static void *exit_after_first(void *nothing)
{
    char path[64], stat[STATUS_BYTES];
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)first_thread);
    do
        read_file(path, stat);
    while (strstr(stat, ") Z ") == NULL);
    serve("/after", 3);
    exit_raw(NULL);
    return nothing;
}

static void first_thread_exits(void)
{
    pthread_t thread;
    first_thread = getpid();
    serve("/before", 3);
    EXPECT(pthread_create(&thread, NULL, exit_after_first, NULL) == 0);
    exit_raw(NULL);
}

static long change_ns(uid_t user)
{
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    int result = seteuid(user);
    clock_gettime(CLOCK_MONOTONIC, &after);
    return result != 0
               ? LONG_MAX
               : (after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec;
}

/* A child that libc does not know of has the memory of a process with a sender, but no sender, and
 * the number of its parent: it waits for nobody. A busy machine may keep it from running, though
 * not each time. */
static int change_in_child(void *nothing)
{
    long least = LONG_MAX;
    (void)nothing;
    for (int i = 0; i < 20; i++) {
        long ns = change_ns(i % 2 == 0 ? NOBODY : 0);
        least = ns < least ? ns : least;
    }
    return least > 40000000;
}

static void be_first(void)
{
    static _Alignas(16) char stack[256 * 1024];
    int status;
    serve("/before", 3);
    pid_t child = clone(change_in_child, stack + sizeof stack, CLONE_NEWPID | SIGCHLD, NULL);
    EXPECT(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    serve("/after", 3);
}

/* Two processes with the number 1. */
static void first_of_its_namespace(void)
{
    EXPECT(unshare(CLONE_NEWPID) == 0);
    pid_t child = fork();
    if (child == 0) {
        be_first();
        exit(0);
    }
    expect_child(child);
}

static void serves(void)
{
    serve("/before", 3);
}

int main(int argc, char **argv)
{
    static const struct scenario table[] = {
        {"setuid", setuid_after},
        {"setgid", setgid_after},
        {"seteuid", seteuid_after},
        {"setegid", setegid_after},
        {"setreuid", setreuid_after},
        {"setregid", setregid_after},
        {"setresuid", setresuid_after},
        {"setresgid", setresgid_after},
        {"setgroups", setgroups_after},
        {"initgroups", initgroups_after},
        {"limited", limited},
        {"in_handler", in_handler},
        {"dropped", dropped},
        {"in_vfork_child", in_vfork_child},
        {"while_serving", while_serving},
        {"stays_single", stays_single},
        {"last_thread_ends", last_thread_ends},
        {"last_thread_exits", last_thread_exits},
        {"thread_exits", thread_exits},
        {"first_thread_exits", first_thread_exits},
        {"first_of_its_namespace", first_of_its_namespace},
        {"stuck", stuck},
        {"stays_dumpable", stays_dumpable},
        {"keeps_capabilities", keeps_capabilities},
        {"racing", racing},
        {"pairs", pairs},
        {"other_namespaces", other_namespaces},
        {"other_namespaces_by_number", other_namespaces_by_number},
        {"serves", serves},
    };
    return SCENARIO_RUN(table, argc, argv);
}
