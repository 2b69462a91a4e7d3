/*
 * hooked_library SCENARIO: hooked functions of libraries, which come and go, and of libc, which
 * everybody calls, we too. The second argument is the plugin's path.
 */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "expect.h"
#include "hooked.h"

int serve(int n);
int go_back(int n);

static void (*work)(int n);
static const char *plugin_path;

HOOKED int serve(int n)
{
    work(n);
    STAYS();
    return 200;
}

static void use_plugin(int n)
{
    void *plugin = dlopen(plugin_path, RTLD_NOW | RTLD_LOCAL);
    EXPECT(plugin != NULL);
    int (*query)(int) = (int (*)(int))(uintptr_t)dlsym(plugin, "plugin_query");
    int (*chosen)(int) = (int (*)(int))(uintptr_t)dlsym(plugin, "plugin_chosen");
    int (*count)(void) = (int (*)(void))(uintptr_t)dlsym(plugin, "plugin_count");
    EXPECT(query != NULL && chosen != NULL && count != NULL);
    for (int i = 0; i < n; i++)
        EXPECT(query(i) == i + 3 && chosen(i) == i + 4);
    EXPECT(count() == n + 1 && dlclose(plugin) == 0);
}

static void plugins(void)
{
    work = use_plugin;
    for (int i = 0; i < 20; i++)
        EXPECT(serve(i) == 200);
}

/* Read by nobody who could leave the calls out. */
static const char *volatile text = "a text/with a slash";
static void *volatile block;

static void search(int n)
{
    for (int i = 0; i < n; i++)
        EXPECT(strchr(text, '/') == text + 6 && strchr(text, 'q') == NULL);
}

static void chosen(void)
{
    work = search;
    EXPECT(serve(100) == 200);
}

static void allocate(int n)
{
    for (int i = 0; i < n; i++) {
        block = malloc((size_t)i + 1);
        EXPECT(block != NULL);
        free(block);
    }
}

static void allocations(void)
{
    work = allocate;
    for (int i = 0; i < 10; i++)
        EXPECT(serve(1000) == 200);
}

/* Each is a request. */
static void allocations_alone(void)
{
    allocate(100);
}

static void copy(int n)
{
    static char from[256], to[256];
    void *(*volatile copying)(void *, const void *, size_t) = memcpy;
    for (int i = 0; i < n; i++) {
        from[i % 256] = (char)i;
        EXPECT(copying(to, from, sizeof to) == to && to[i % 256] == (char)i);
    }
}

static void copies(void)
{
    work = copy;
    for (int i = 0; i < 10; i++)
        EXPECT(serve(100) == 200);
}

static jmp_buf place;

HOOKED int go_back(int n)
{
    STAYS();
    longjmp(place, n);
}

/* What returns twice. */
static void twice(int n)
{
    volatile int again = 0;
    if (setjmp(place) == 0)
        go_back(n);
    else
        again++;
    EXPECT(again == 1);
    pid_t pid = vfork();
    if (pid == 0) {
        search(10);
        _exit(0);
    }
    search(10);
    expect_child(pid);
}

static void returns_twice(void)
{
    work = twice;
    for (int i = 1; i < 100; i++)
        EXPECT(serve(i) == 200);
}

/* What looks at who calls it finds the program. */
static void find_next(int n)
{
    EXPECT(n == 0 && dlsym(RTLD_NEXT, "recv") == dlsym(RTLD_DEFAULT, "recv"));
}

static void looks_at_caller(void)
{
    work = find_next;
    EXPECT(serve(0) == 200);
}

int main(int argc, char **argv)
{
    static const struct scenario table[] = {
        {"plugins", plugins},
        {"chosen", chosen},
        {"allocations", allocations},
        {"allocations_alone", allocations_alone},
        {"copies", copies},
        {"returns_twice", returns_twice},
        {"looks_at_caller", looks_at_caller},
    };
    plugin_path = argc > 2 ? argv[2] : NULL;
    return SCENARIO_RUN(table, argc, argv);
}
