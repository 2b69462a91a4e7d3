/* starved SCENARIO: a process ends while its sender's thread is given no processor. Another process
 * stops that thread, and holds it to the end. */
#include <dirent.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

#include "loopback.h"

/* The thread's name and state: "(name) S". It sleeps nowhere but where it waits for more. */
static bool sleeps(const char *task, const char *name_and_state)
{
    char path[300], text[256] = "";
    snprintf(path, sizeof path, "/proc/self/task/%s/stat", task);
    FILE *file = fopen(path, "r");
    bool same = file != NULL && fgets(text, sizeof text, file) != NULL &&
                strstr(text, name_and_state) != NULL;
    if (file != NULL)
        fclose(file);
    return same;
}

static pid_t sender(void)
{
    pid_t tid = 0;
    while (tid == 0) {
        DIR *tasks = opendir("/proc/self/task");
        for (struct dirent *task; tid == 0 && (task = readdir(tasks)) != NULL;)
            if (sleeps(task->d_name, "(stats-hero) S"))
                tid = atoi(task->d_name);
        closedir(tasks);
    }
    return tid;
}

static void hold(pid_t tid, int told)
{
    int status;
    EXPECT(ptrace(PTRACE_SEIZE, tid, NULL, NULL) == 0);
    EXPECT(ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) == 0);
    EXPECT(waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status));
    EXPECT(write(told, "", 1) == 1);
    while (waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status))
        ;
    _exit(0);
}

/* Five requests, of which nothing is sent: the sender sleeps till more have come, and stays so. */
static void serve_and_starve(void)
{
    int told[2];
    char c;
    serve("/starved", 5);
    pid_t tid = sender();
    EXPECT(pipe(told) == 0);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY); /* not every kernel has it */
    pid_t holder = fork();
    if (holder == 0)
        hold(tid, told[1]);
    EXPECT(holder > 0 && read(told[0], &c, 1) == 1);
}

static void ends(void)
{
    serve_and_starve();
    exit(0);
}

static void ends_at_once(void)
{
    serve_and_starve();
    _exit(0);
}

static void becomes_another(void)
{
    char *arguments[] = {"true", NULL};
    serve_and_starve();
    execv("/bin/true", arguments);
}

/* What the sender still has to do, it does as soon as it can. */
static void becomes_no_other(void)
{
    serve_and_starve();
    have_sent();
    exchanges(pair_make(), "/later", 5);
    have_sent();
    _exit(0);
}

static void end_in_handler(int number)
{
    (void)number;
    _exit(0);
}

/* Handlers' stacks are small. */
static void ends_in_a_handler(void)
{
    struct sigaction action = {.sa_handler = end_in_handler, .sa_flags = SA_ONSTACK};
    char *memory = mmap(NULL, 12288, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(memory != MAP_FAILED && mprotect(memory + 4096, 8192, PROT_READ | PROT_WRITE) == 0);
    stack_t stack = {.ss_sp = memory + 4096, .ss_size = 8192};
    EXPECT(sigaltstack(&stack, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
    serve_and_starve();
    raise(SIGUSR1);
}

int main(int argc, char **argv)
{
    static const struct scenario table[] = {
        {"ends", ends},
        {"ends_at_once", ends_at_once},
        {"becomes_another", becomes_another},
        {"becomes_no_other", becomes_no_other},
        {"ends_in_a_handler", ends_in_a_handler},
    };
    return SCENARIO_RUN(table, argc, argv);
}
