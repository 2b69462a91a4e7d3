/* functions: this process's own functions and its libraries'. */

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>

#include "hook/functions.h"
#include "hook/module.h"

int hook_functions_example(int x);
int hook_functions_alias(int x) __attribute__((alias("hook_functions_example")));

__attribute__((noinline)) int hook_functions_example(int x)
{
    return x * 3;
}

__attribute__((noinline)) static int hook_functions_local(int x)
{
    __asm__ volatile("");
    return x * 5;
}

struct seen {
    size_t n;
    uintptr_t address[16];
    uint64_t size[16];
    size_t pattern[16];
    bool indirect[16];
};

static void see(void *context, const struct function *function)
{
    struct seen *seen = context;
    cr_assert_lt(seen->n, 16);
    seen->address[seen->n] = function->address;
    seen->size[seen->n] = function->size;
    seen->pattern[seen->n] = function->pattern;
    seen->indirect[seen->n++] = function->is_indirect;
}

static struct seen find(const char *const *texts, size_t n)
{
    struct pattern patterns[4];
    struct seen seen = {.n = 0};
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(pattern_read(&patterns[i], bytes_of(texts[i])), 0);
    errno = 77;
    cr_assert_eq(functions_find(patterns, n, true, NULL, see, &seen), 0);
    cr_assert_eq(errno, 77);
    for (size_t i = 0; i < n; i++)
        pattern_free(&patterns[i]);
    return seen;
}

static struct seen find_one(const char *text)
{
    return find(&text, 1);
}

Test(functions, of_the_main_program)
{
    struct seen seen = find_one("hook_functions_example");
    cr_assert_eq(seen.n, 1);
    cr_assert_eq(seen.address[0], (uintptr_t)hook_functions_example);
    cr_assert_gt(seen.size[0], 0);
    seen = find_one("hook_functions_loc*");
    cr_assert_eq(seen.n, 1);
    cr_assert_eq(seen.address[0], (uintptr_t)hook_functions_local);
}

Test(functions, of_two_names_is_found_once)
{
    cr_assert_eq(find_one("hook_functions_a*").n, 1);
    struct seen seen = find_one("hook_functions_[ae]*");
    cr_assert_eq(seen.n, 0);
    const char *const both[] = {"hook_functions_alias", "hook_functions_*"};
    seen = find(both, 2);
    cr_assert_eq(seen.n, 3);
    cr_assert_eq(seen.address[0], (uintptr_t)hook_functions_example);
}

Test(functions, of_libraries)
{
    const char *const texts[] = {"getpid@libc.so.6", "getpid", "getpi?@*/libc.so*"};
    struct seen seen = find(texts, 3);
    cr_assert_eq(seen.n, 2);
    cr_assert_eq(seen.address[0], (uintptr_t)dlsym(RTLD_DEFAULT, "getpid"));
    cr_assert_eq(seen.address[1], seen.address[0]);
    cr_assert_eq(seen.pattern[1], 2);
}

Test(functions, indirect_ones_are_what_was_chosen)
{
    struct seen seen = find_one("memcpy@@GLIBC_2.14@libc.so.6");
    cr_assert_eq(seen.n, 1);
    cr_assert(seen.indirect[0]);
    cr_assert_eq(seen.address[0], (uintptr_t)dlvsym(RTLD_DEFAULT, "memcpy", "GLIBC_2.14"));
    seen = find_one("memcpy@GLIBC_2.2.5@libc.so.6");
    cr_assert_eq(seen.n, 1);
    cr_assert_eq(seen.address[0], (uintptr_t)dlvsym(RTLD_DEFAULT, "memcpy", "GLIBC_2.2.5"));
}

Test(functions, nearest_names)
{
    char names[NEAREST_MOST][FUNCTION_NAME_BYTES];
    struct pattern pattern;
    cr_assert_eq(pattern_read(&pattern, BYTES("hook_functions_exmple")), 0);
    cr_assert_geq(functions_nearest(&pattern, names), 1);
    cr_assert_str_eq(names[0], "hook_functions_example");
    pattern_free(&pattern);
    cr_assert_eq(pattern_read(&pattern, BYTES("x@no-such-library")), 0);
    cr_assert_eq(functions_nearest(&pattern, names), -ENOENT);
    pattern_free(&pattern);
}

Test(module, lists_the_program_first_and_no_kernel)
{
    struct module *modules;
    size_t n;
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    cr_assert_gt(length, 0);
    path[length] = '\0';
    cr_assert_eq(modules_list(&modules, &n), 0);
    cr_assert_geq(n, 3);
    cr_assert(modules[0].is_main);
    cr_assert_str_eq(modules[0].path, path);
    for (size_t i = 1; i < n; i++) {
        struct elf_file file;
        cr_assert_not(modules[i].is_main);
        cr_assert_eq(strstr(modules[i].path, "vdso"), NULL);
        cr_assert_eq(module_open(&modules[i], &file), 0, "%s", modules[i].path);
        elf_file_close(&file);
    }
    modules_free(modules, n);
}

Test(module, a_file_that_was_replaced_is_not_read)
{
    struct module *modules;
    size_t n;
    struct elf_file file;
    cr_assert_eq(modules_list(&modules, &n), 0);
    struct module wrong = modules[1];
    wrong.path = modules[2].path;
    wrong.bias += 0x10000; /* and what the kernel has mapped is not found there */
    cr_assert_neq(module_open(&wrong, &file), 0);
    modules_free(modules, n);
}
