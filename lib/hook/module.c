#include "hook/module.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/sys.h"

struct listing {
    struct module *at;
    size_t n, room;
    bool began;
};

static const char own_exe[] = "/proc/self/exe";

static bool is_kernels(const struct dl_phdr_info *info)
{
    uintptr_t kernels = getauxval(AT_SYSINFO_EHDR);
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        if (info->dlpi_phdr[i].p_type == PT_LOAD && kernels >= begin &&
            kernels < begin + info->dlpi_phdr[i].p_memsz)
            return true;
    }
    return false;
}

static bool is_ours(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strncmp(slash != NULL ? slash + 1 : path, "libstatshero", 12) == 0;
}

static char *main_path(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink(own_exe, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    return strdup(n > 0 ? path : own_exe);
}

static int list_one(struct dl_phdr_info *info, size_t size, void *context)
{
    struct listing *list = context;
    const bool is_main = !list->began; /* the loader tells it first */
    (void)size;
    list->began = true;
    if (!is_main && (is_kernels(info) || is_ours(info->dlpi_name)))
        return 0;
    if (list->n == list->room) {
        size_t room = list->room > 0 ? 2 * list->room : 32;
        struct module *at = reallocarray(list->at, room, sizeof *at);
        if (at == NULL)
            return -ENOMEM;
        list->at = at;
        list->room = room;
    }
    char *path = is_main ? main_path() : strdup(info->dlpi_name);
    if (path == NULL)
        return -ENOMEM;
    list->at[list->n++] =
        (struct module){path, info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum, is_main};
    return 0;
}

int modules_list(struct module **modules, size_t *n)
{
    struct listing list = {.at = NULL};
    int rc = dl_iterate_phdr(list_one, &list);
    if (rc != 0) {
        modules_free(list.at, list.n);
        return rc;
    }
    *modules = list.at;
    *n = list.n;
    return 0;
}

void modules_free(struct module *modules, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(modules[i].path);
    free(modules);
}

/* Whether `n` bytes at `address`, as the file has it, are loaded and readable. */
static bool is_readable(const struct module *module, uint64_t address, uint64_t n)
{
    for (size_t i = 0; i < module->n; i++) {
        const ElfW(Phdr) *segment = &module->segments[i];
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_R) &&
            address >= segment->p_vaddr && n <= segment->p_filesz &&
            address - segment->p_vaddr <= segment->p_filesz - n)
            return true;
    }
    return false;
}

/* The notes, of which the build id is one, tell two builds with the same layout apart. */
static bool has_note(const struct module *module, const struct elf_file *file,
                     const ElfW(Phdr) * note)
{
    if (!is_readable(module, note->p_vaddr, note->p_filesz))
        return true;
    struct bytes its = elf_file_range(file, note->p_offset, note->p_filesz);
    const char *ours = (const char *)(module->bias + note->p_vaddr);
    return its.at != NULL && memcmp(its.at, ours, its.n) == 0;
}

static bool is_file_of(const struct module *module, const struct elf_file *file)
{
    Elf64_Phdr segment;
    if (file->segments != module->n)
        return false;
    for (size_t i = 0; i < module->n; i++)
        if (!elf_file_segment(file, i, &segment) ||
            memcmp(&segment, &module->segments[i], sizeof segment) != 0 ||
            (segment.p_type == PT_NOTE && !has_note(module, file, &module->segments[i])))
            return false;
    return true;
}

/* The kernel's own link to the file of the module's first pages. */
static bool mapped_path(const struct module *module, char *path, size_t size)
{
    for (size_t i = 0; i < module->n; i++) {
        const ElfW(Phdr) *segment = &module->segments[i];
        if (segment->p_type != PT_LOAD)
            continue;
        uintptr_t begin = module->bias + (segment->p_vaddr & ~(uintptr_t)4095);
        uintptr_t end = module->bias + sys_whole_pages(segment->p_vaddr + segment->p_filesz);
        snprintf(path, size, "/proc/self/map_files/%lx-%lx", begin, end);
        return true;
    }
    return false;
}

static int open_if_its(const struct module *module, struct elf_file *file, const char *path)
{
    int rc = elf_file_open(file, path);
    if (rc != 0 || is_file_of(module, file))
        return rc;
    elf_file_close(file);
    return -ESTALE;
}

int module_open(const struct module *module, struct elf_file *file)
{
    char path[64];
    int rc = open_if_its(module, file, module->is_main ? own_exe : module->path);
    if (rc == 0 || !mapped_path(module, path, sizeof path))
        return rc;
    return open_if_its(module, file, path) == 0 ? 0 : rc;
}
