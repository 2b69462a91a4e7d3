#include "base/bare_thread.h"

#include <dlfcn.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/sys.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

/*
 * Its memory, upwards: a page that nobody may touch, the stack, room for thread-local variables,
 * which lie below the thread pointer, and what libc keeps of a thread above it: one page that has
 * to hold the pointer itself, and the secrets with which libc's functions protect frames and
 * pointers.
 */
enum { PAGE_BYTES = 4096, TCB_BYTES = PAGE_BYTES, TCB_HEAD_BYTES = 64 };

static size_t tls_bytes;
static bool possible;

/* Where libc's own functions are: where it says its version. */
struct range {
    uintptr_t from, to;
};

static int take_libc(struct dl_phdr_info *info, size_t size, void *range_)
{
    struct range *range = range_;
    uintptr_t function = (uintptr_t)gnu_get_libc_version;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_LOAD && function - from < segment->p_memsz) {
            *range = (struct range){from, from + segment->p_memsz};
            return 1;
        }
    }
    return 0;
}

#define NEEDED(function) ((uintptr_t)(function)-libc.from < libc.to - libc.from)

/* Of these, what runs there may call no other than libc's own: who interposes one may have
 * thread-local variables that are made when a thread first needs them, and libc makes them. */
static bool all_are_libcs(void)
{
    struct range libc = {0, 0};
    dl_iterate_phdr(take_libc, &libc);
    return NEEDED(clock_gettime) && NEEDED(memchr) && NEEDED(memcmp) && NEEDED(memcpy) &&
           NEEDED(memmove) && NEEDED(memrchr) && NEEDED(memset) && NEEDED(strchr) &&
           NEEDED(strcmp) && NEEDED(strlen) && NEEDED(strncmp) && NEEDED(strrchr);
}

/* glibc takes them out of a thread's stack; what it needs for them only this function of its own
 * tells (Java and Rust ask it too). */
void bare_thread_measure(void)
{
    size_t (*least)(const pthread_attr_t *);
    pthread_attr_t attributes;
    *(void **)&least = dlsym(RTLD_DEFAULT, "__pthread_get_minstack");
    if (least == NULL || pthread_attr_init(&attributes) != 0)
        return;
    tls_bytes = sys_whole_pages(least(&attributes));
    pthread_attr_destroy(&attributes);
    possible = all_are_libcs();
}

size_t bare_thread_variables(void)
{
    return tls_bytes != 0 ? tls_bytes : 1024 * 1024;
}

void bare_thread_forget(struct bare_thread *thread)
{
    char *memory = thread->memory;
    thread->memory = NULL; /* first: a child that is forked in between must not free it again */
    if (memory != NULL)
        sys_pages_free(memory, thread->bytes);
    atomic_store(&thread->tid, 0);
}

#if defined(__x86_64__) && !defined(SANITIZED)

/* The head of a thread's block, as the ABI and glibc have it: the pointer to itself twice, and of
 * this thread's the secrets. */
static void make_head(void *at)
{
    uintptr_t *head = at, self;
    __asm__("movq %%fs:0, %0" : "=r"(self));
    memcpy(head, (const void *)self, TCB_HEAD_BYTES);
    head[0] = head[2] = (uintptr_t)at;
    head[1] = head[3] = 0; /* libraries' own blocks; several threads */
}

static void lay_out(struct bare_thread *thread)
{
    thread->memory = sys_pages(thread->bytes);
    if (thread->memory != NULL)
        sys_pages_close(thread->memory, PAGE_BYTES);
}

/* As the kernel gave it: an ended thread's memory is taken again, which is half of the cost. */
static void clear_variables(char *stack_end)
{
    memset(stack_end, 0, tls_bytes + TCB_BYTES);
}

int bare_thread_start(struct bare_thread *thread, void (*run)(void), size_t stack_bytes)
{
    if (!possible)
        return -ENOSYS;
    if (atomic_load(&thread->tid) != 0)
        return -EBUSY;
    stack_bytes = sys_whole_pages(stack_bytes);
    size_t bytes = PAGE_BYTES + stack_bytes + tls_bytes + TCB_BYTES;
    bool again = thread->memory != NULL && thread->bytes == bytes;
    if (!again) {
        bare_thread_forget(thread);
        thread->bytes = bytes;
        lay_out(thread);
    }
    if (thread->memory == NULL)
        return -ENOMEM;
    char *stack_end = thread->memory + PAGE_BYTES + stack_bytes;
    if (again)
        clear_variables(stack_end);
    make_head(stack_end + tls_bytes);
    return sys_thread_start(run, stack_end, stack_end + tls_bytes, (uint32_t *)&thread->tid);
}

#else

int bare_thread_start(struct bare_thread *thread, void (*run)(void), size_t stack_bytes)
{
    (void)thread, (void)run, (void)stack_bytes;
    return -ENOSYS;
}

#endif
