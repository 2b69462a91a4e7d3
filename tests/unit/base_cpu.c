#include "base/cpu.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* The kernel's word for it, among the flags of the first processor. */
static bool kernel_says(const char *flag)
{
    static char line[65536];
    bool said = false, found = false;
    FILE *file = fopen("/proc/cpuinfo", "r");
    cr_assert_not_null(file);
    while (!found && fgets(line, sizeof line, file) != NULL)
        found = strncmp(line, "flags", 5) == 0;
    for (char *word = strtok(line, " \t\n"); found && word != NULL; word = strtok(NULL, " \t\n"))
        said |= strcmp(word, flag) == 0;
    fclose(file);
    return said;
}

Test(cpu, avx2_is_what_the_kernel_says)
{
    cr_assert_eq(cpu_has_avx2(), kernel_says("avx2"));
}
