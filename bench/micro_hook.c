/*
 * What a hooked call costs: nanoseconds of CPU time that a call of an empty function takes over one
 * of a like function that nobody hooks, for a timer in a request and outside of any, for a call
 * that is a request, and for how others do it: uftrace's patching of functions, and the kernel's
 * uprobe and uretprobe.
 *
 * The program runs itself as each of these processes in turn, `--rounds` times; each calls the two
 * functions in slices by turns and tells the median of the slices. What can't be measured here, for
 * want of a program or of rights, is said and left out. Requests are sent to a socket that nobody
 * reads; they cost their thread what is shown, and the sender's thread more.
 *
 *     make all benches && build/bench/micro_hook [--at-most 30]
 *
 * With a bound the exit status is 1 if the median of a timer in a request is over it.
 */

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <sys/auxv.h>
#include <sys/socket.h>

#include "../tests/host/loopback.h"
#include "bench.h"

#define TRACING "/sys/kernel/tracing/"

/* Five bytes and a return: as little as can be hooked. What differs keeps them two functions. */
#define EMPTY(name)                                                                                \
    __attribute__((noinline, used)) static void name(void)                                         \
    {                                                                                              \
        __asm__ volatile("push %rbp\n\tmov %rsp, %rbp\n\tpop %rbp /* " #name " */");               \
    }
EMPTY(hooked)
EMPTY(unhooked)

static double slice_calls = 2000, slices = 100;

/* The process that measures. */

static double call_ns(void (*function)(void))
{
    double began = thread_cpu_ns();
    for (int i = 0; i < (int)slice_calls; i++)
        function();
    return (thread_cpu_ns() - began) / slice_calls;
}

static bool is_patched(void)
{
    return memcmp((const void *)(uintptr_t)hooked, (const void *)(uintptr_t)unhooked, 5) != 0;
}

/* `what`: "in": in a request; "plain": it is not to be hooked. */
static int measure(const char *what)
{
    static struct rounds over;
    struct pair pair = pair_make();
    if (is_patched() == (strcmp(what, "plain") == 0))
        return 1;
    if (strcmp(what, "in") == 0) {
        ask(pair.client, "/");
        take(pair.server);
    }
    call_ns(hooked);
    for (int i = 0; i < (int)slices; i++) {
        double plain = call_ns(unhooked);
        rounds_add(&over, call_ns(hooked) - plain);
    }
    if (strcmp(what, "in") == 0)
        answer_and_hear(pair);
    printf("%.3f\n", rounds_median(&over));
    return 0;
}

/* Those that start it. */

static char program[PATH_MAX];

/* Runs the command; false if it did not tell its figure. */
static bool run(struct rounds *rounds, const char *before, const char *what)
{
    char command[3 * PATH_MAX], line[100];
    double ns;
    snprintf(command, sizeof command, "%s %s measure %s %g %g 2>/dev/null", before, program, what,
             slice_calls, slices);
    FILE *output = popen(command, "r");
    expect(output != NULL);
    bool told = fgets(line, sizeof line, output) != NULL && sscanf(line, "%lf", &ns) == 1;
    if (pclose(output) != 0 || !told)
        return false;
    rounds_add(rounds, ns);
    return true;
}

static int port; /* where requests are sent to */

static bool run_shim(struct rounds *rounds, const char *setting, const char *what)
{
    char before[2 * PATH_MAX];
    int folder = (int)(strrchr(program, '/') - program);
    snprintf(before, sizeof before,
             "STATS_HERO_%s=hooked STATS_HERO_ESTATSD_PORT=%d "
             "LD_PRELOAD=%.*s/../libstatshero.so",
             setting, port, folder, program);
    return run(rounds, before, what);
}

static bool plain(struct rounds *rounds)
{
    return run(rounds, "", "plain");
}

static bool timer_in_request(struct rounds *rounds)
{
    return run_shim(rounds, "TIMERS", "in");
}

static bool timer_alone(struct rounds *rounds)
{
    return run_shim(rounds, "TIMERS", "out");
}

static bool request(struct rounds *rounds)
{
    return run_shim(rounds, "HOOKS", "out");
}

/* Its recording goes to a folder that is gone afterwards. */
static bool uftrace(struct rounds *rounds)
{
    return run(
        rounds,
        "sh -c 'folder=$(mktemp -d) && "
        "uftrace record --no-libcall --no-event -P \"^hooked$\" -d $folder/data \"$0\" \"$@\"; "
        "status=$?; rm -rf \"$folder\"; exit $status'",
        "out");
}

/* Where the function stands in the program's file. */
static uintptr_t offset_of(void (*function)(void))
{
    const Elf64_Phdr *segment = (const Elf64_Phdr *)getauxval(AT_PHDR);
    uintptr_t bias = 0;
    for (uintptr_t i = 0; i < getauxval(AT_PHNUM); i++)
        if (segment[i].p_type == PT_PHDR)
            bias = (uintptr_t)segment - segment[i].p_vaddr;
    uintptr_t address = (uintptr_t)function - bias;
    for (uintptr_t i = 0; i < getauxval(AT_PHNUM); i++)
        if (segment[i].p_type == PT_LOAD && address - segment[i].p_vaddr < segment[i].p_memsz)
            return address - segment[i].p_vaddr + segment[i].p_offset;
    return 0;
}

static bool tell_kernel(const char *file, const char *text)
{
    int fd = open(file, O_WRONLY | O_APPEND | O_CLOEXEC);
    bool told = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return told;
}

/* Events of a group of this process's own, for as long as the measured process runs. */
static bool uprobe(struct rounds *rounds)
{
    char text[3 * PATH_MAX], enable[200];
    int pid = getpid();
    uintptr_t offset = offset_of(hooked);
    snprintf(text, sizeof text, "p:hook%d/enter %s:%#lx\n", pid, program, offset);
    bool told = tell_kernel(TRACING "uprobe_events", text);
    snprintf(text, sizeof text, "r:hook%d/leave %s:%#lx\n", pid, program, offset);
    told = told && tell_kernel(TRACING "uprobe_events", text);
    snprintf(enable, sizeof enable, TRACING "events/hook%d/enable", pid);
    bool done = told && tell_kernel(enable, "1") && run(rounds, "", "out");
    if (told)
        tell_kernel(enable, "0");
    snprintf(text, sizeof text, "-:hook%d/enter\n", pid);
    tell_kernel(TRACING "uprobe_events", text);
    snprintf(text, sizeof text, "-:hook%d/leave\n", pid);
    tell_kernel(TRACING "uprobe_events", text);
    return done;
}

struct way {
    const char *title;
    bool (*run)(struct rounds *rounds);
    const char *otherwise; /* why it can't be measured; NULL: it must be */
    struct rounds rounds;
    bool missing;
};

static struct way ways[] = {
    {.title = "not hooked", .run = plain},
    {.title = "timer, in a request", .run = timer_in_request},
    {.title = "timer, in none", .run = timer_alone},
    {.title = "request", .run = request},
    {.title = "uftrace record -P", .run = uftrace, .otherwise = "no uftrace that can patch it"},
    {.title = "uprobe and uretprobe", .run = uprobe, .otherwise = "the kernel does not allow it"},
};

enum { WAYS = sizeof ways / sizeof ways[0], TIMER_IN_REQUEST = 1 };

static void run_all(int rounds)
{
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < WAYS; i++) {
            struct way *way = &ways[i];
            if (way->missing)
                continue;
            way->missing = !way->run(&way->rounds);
            expect(!way->missing || way->otherwise != NULL);
        }
}

static bool show(double at_most)
{
    bool over = false;
    rounds_head("CPU ns of a call over a plain one");
    for (int i = 0; i < WAYS; i++)
        if (ways[i].rounds.n > 0)
            over |=
                rounds_print(ways[i].title, &ways[i].rounds, i == TIMER_IN_REQUEST ? at_most : 0);
        else
            printf("%-40s %s\n", ways[i].title, ways[i].otherwise);
    return over;
}

/* A port whose socket takes all that is sent to it, and is never read. */
static int sink(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    expect(bind(fd, (struct sockaddr *)&address, size) == 0);
    expect(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    return ntohs(address.sin_port);
}

int main(int argc, char **argv)
{
    double at_most = 0, rounds = 9;
    const struct bench_option options[] = {
        {"--at-most", &at_most, "CPU ns of a timer in a request; 0: no bound"},
        {"--rounds", &rounds, "rounds"},
        {"--calls", &slice_calls, "calls in a slice"},
        {"--slices", &slices, "slices of a process"},
        {NULL, NULL, NULL},
    };
    if (argc == 5 && strcmp(argv[1], "measure") == 0) {
        slice_calls = atof(argv[3]);
        slices = atof(argv[4]);
        return measure(argv[2]);
    }
    bench_options(argc, argv, options);
    bench_within("--rounds", rounds, 1, ROUNDS_MOST);
    bench_within("--slices", slices, 1, ROUNDS_MOST);
    bench_within("--calls", slice_calls, 1, 1e9);
    expect(readlink("/proc/self/exe", program, sizeof program - 1) > 0);
    port = sink();
    run_all((int)rounds);
    return show(at_most);
}
