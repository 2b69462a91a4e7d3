#ifndef UNIT_MACHINE_H
#define UNIT_MACHINE_H

/* machine: functions as the bytes of their instructions, in memory where they can run. */

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>

#include "hook/prologue.h"

/* What a function is made of. */
#define CODE(bytes) ((struct code){(const uint8_t *)(bytes), sizeof(bytes) - 1})

struct code {
    const uint8_t *at;
    size_t n;
};

enum { MACHINE_BYTES = 1 << 16 };

/* Fresh memory, full of int3. */
static inline uint8_t *machine(void)
{
    void *at = mmap(NULL, MACHINE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(at, MAP_FAILED);
    return memset(at, 0xcc, MACHINE_BYTES);
}

static inline uint8_t *machine_put(uint8_t *at, struct code code)
{
    return memcpy(at, code.at, code.n);
}

/* No more changes. */
static inline void machine_seal(uint8_t *machine)
{
    cr_assert_eq(mprotect(machine, MACHINE_BYTES, PROT_READ | PROT_EXEC), 0);
}

typedef uint64_t machine_function(uint64_t, uint64_t);

static inline uint64_t machine_run(const void *at, uint64_t a, uint64_t b)
{
    return ((machine_function *)(uintptr_t)at)(a, b);
}

#endif
