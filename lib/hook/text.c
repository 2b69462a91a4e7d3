#include "hook/text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "base/sys.h"

enum { JUMP_BYTES = 5, HEAD_BYTES = 2, PAGE_BYTES = 4096 };

typedef volatile uint16_t __attribute__((aligned(1), may_alias)) halfword;
typedef volatile uint64_t __attribute__((may_alias)) word;

/* jmp to itself */
static const uint8_t spin[HEAD_BYTES] = {0xeb, 0xfe};

/* Volatile: or the compiler would call memcpy. */
void text_copy(uint64_t to, const uint8_t *bytes, size_t n)
{
    volatile uint8_t *at = (volatile uint8_t *)(uintptr_t)to;
    for (size_t i = 0; i < n; i++)
        at[i] = bytes[i];
}

int text_write_past_protection(uint64_t to, const uint8_t *bytes, size_t n)
{
    int fd = sys_open("/proc/self/mem", O_WRONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    ssize_t written;
    do
        written = sys_pwrite(fd, bytes, n, to);
    while (written == -EINTR);
    sys_close(fd);
    if (written < 0)
        return (int)written;
    return (size_t)written == n ? 0 : -EIO;
}

/* Every thread of the process sees what was written before it executes more. Kernels that can't do
 * it leave that to the interrupts that changing a page's protection causes. */
static void synchronize(void)
{
    if (sys_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE) != -EPERM)
        return;
    sys_membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE);
    sys_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE);
}

static void store_word(uint64_t at, const uint8_t *jump)
{
    word *to = (word *)(uintptr_t)(at & ~(uint64_t)7);
    uint64_t value = *to;
    uint8_t *bytes = (uint8_t *)&value;
    for (size_t i = 0; i < JUMP_BYTES; i++)
        bytes[(at & 7) + i] = jump[i];
    *to = value;
}

static void store_head(uint64_t at, const uint8_t *head)
{
    *(halfword *)(uintptr_t)at = (uint16_t)(head[0] | head[1] << 8);
}

static void store_in_steps(uint64_t at, const uint8_t *jump)
{
    store_head(at, spin);
    synchronize();
    text_copy(at + HEAD_BYTES, jump + HEAD_BYTES, JUMP_BYTES - HEAD_BYTES);
    synchronize();
    store_head(at, jump);
}

/* Of a jump that could not be finished nothing is left. */
static int write_in_steps(uint64_t at, const uint8_t *jump)
{
    uint8_t old_head[HEAD_BYTES];
    text_copy((uint64_t)(uintptr_t)old_head, (const uint8_t *)(uintptr_t)at, HEAD_BYTES);
    int error = text_write_past_protection(at, spin, HEAD_BYTES);
    if (error != 0)
        return error;
    synchronize();
    error = text_write_past_protection(at + HEAD_BYTES, jump + HEAD_BYTES, JUMP_BYTES - HEAD_BYTES);
    synchronize();
    int head_error = text_write_past_protection(at, error == 0 ? jump : old_head, HEAD_BYTES);
    return error != 0 ? error : head_error;
}

static int put_jump(uint64_t at, const uint8_t *jump, int protection)
{
    uint64_t page = at & ~(uint64_t)(PAGE_BYTES - 1);
    size_t size = sys_whole_pages(at + JUMP_BYTES - page);
    int error = 0;
    if (sys_mprotect(page, size, protection | PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
        error = write_in_steps(at, jump);
    else if ((at & 7) + JUMP_BYTES <= sizeof(uint64_t))
        store_word(at, jump);
    else
        store_in_steps(at, jump);
    synchronize();
    sys_mprotect(page, size, protection);
    return error;
}

/* A signal handler of this thread that came to a jump to itself would wait for itself. */
int text_put_jump(uint64_t at, const uint8_t jump[JUMP_BYTES], int protection)
{
    uint64_t signals;
    sys_signals_block(&signals);
    int error = put_jump(at, jump, protection);
    sys_signals_restore(&signals);
    return error;
}
