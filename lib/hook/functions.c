#include "hook/functions.h"

#include <errno.h>
#include <stdlib.h>

#include "hook/debug_file.h"
#include "hook/dynamic.h"
#include "hook/module.h"
#include "hook/search.h"

/* A module's files, open. */
struct files {
    struct elf_file file, debug;
    bool has_debug;
};

static const struct elf_file *debug_of(const struct files *files)
{
    return files->has_debug ? &files->debug : NULL;
}

/* The debug file has nothing to add where the file was not stripped. */
static int open_files(const struct module *module, struct files *files)
{
    Elf64_Shdr section;
    int rc = module_open(module, &files->file);
    files->has_debug =
        rc == 0 && !elf_file_find_section(&files->file, SHT_SYMTAB, NULL, &section) &&
        debug_file_open(&files->debug, &files->file, module->path, DEBUG_FILE_ROOT) == 0;
    return rc;
}

static void close_files(struct files *files)
{
    if (files->has_debug)
        elf_file_close(&files->debug);
    elf_file_close(&files->file);
}

static const char *soname_of(const struct elf_file *file)
{
    struct dynamic dynamic;
    return dynamic_read(file, &dynamic) ? dynamic_string(&dynamic, DT_SONAME, 0) : NULL;
}

/* Which patterns mean the module; whether any does. */
static bool mark_wanted(const struct pattern *patterns, size_t n, const struct module *module,
                        bool *wanted)
{
    struct elf_file file;
    bool any = false, opened = module_open(module, &file) == 0;
    const char *soname = opened ? soname_of(&file) : NULL;
    for (size_t i = 0; i < n; i++) {
        wanted[i] = pattern_takes_module(&patterns[i], module->path, soname, module->is_main);
        any = any || wanted[i];
    }
    if (opened)
        elf_file_close(&file);
    return any && opened;
}

#ifdef __x86_64__

static uintptr_t resolve(uintptr_t resolver)
{
    return ((uintptr_t(*)(void))resolver)();
}

#else

/* Resolvers take arguments here that the loader alone knows. */
static uintptr_t resolve(uintptr_t resolver)
{
    (void)resolver;
    return 0;
}

#endif

/* Puts what they choose in the place of the resolvers, and leaves out what can't be told. */
static void resolve_all(const struct module *module, const struct files *files, bool relocated,
                        struct matches *matches)
{
    size_t kept = 0;
    for (size_t i = 0; i < matches->n; i++) {
        struct match match = matches->at[i];
        if (match.symbol.is_indirect) {
            uintptr_t address = relocated ? resolve(module->bias + match.symbol.address) : 0;
            if (address == 0 && relocated)
                continue;
            match.symbol.address = address - module->bias;
            match.symbol.size = search_size(&files->file, debug_of(files), match.symbol.address);
        }
        matches->at[kept++] = match;
    }
    matches->n = kept;
    search_join(matches, 0);
}

static void show_all(const struct module *module, const struct matches *matches,
                     function_found *found, void *context)
{
    for (size_t i = 0; i < matches->n; i++) {
        const struct symbol *symbol = &matches->at[i].symbol;
        found(context, &(struct function){matches->at[i].pattern, symbol->name, symbol->version,
                                          module->path, module->bias + symbol->address,
                                          symbol->size, symbol->is_indirect});
    }
}

static int find_in_module(const struct module *module, const struct pattern *patterns,
                          const bool *wanted, size_t n, bool relocated, function_found *found,
                          void *context)
{
    struct files files;
    struct matches matches = {.at = NULL};
    if (open_files(module, &files) != 0)
        return 0;
    int rc = search_file(&files.file, debug_of(&files), patterns, wanted, n, &matches);
    resolve_all(module, &files, relocated, &matches);
    show_all(module, &matches, found, context);
    free(matches.at);
    close_files(&files);
    return rc;
}

static int find_in_modules(const struct module *modules, size_t count,
                           const struct pattern *patterns, size_t n, bool relocated,
                           function_module *look, function_found *found, void *context)
{
    int rc = 0;
    bool *wanted = calloc(n > 0 ? n : 1, sizeof *wanted);
    if (wanted == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count && rc == 0; i++)
        if ((look == NULL || look(context, &modules[i])) &&
            mark_wanted(patterns, n, &modules[i], wanted))
            rc = find_in_module(&modules[i], patterns, wanted, n, relocated, found, context);
    free(wanted);
    return rc;
}

int functions_find(const struct pattern *patterns, size_t n, bool relocated, function_module *look,
                   function_found *found, void *context)
{
    const int saved = errno;
    struct module *modules;
    size_t count;
    int rc = modules_list(&modules, &count);
    if (rc == 0) {
        rc = find_in_modules(modules, count, patterns, n, relocated, look, found, context);
        modules_free(modules, count);
    }
    errno = saved;
    return rc;
}

/* Cut if it is too long. */
static void write_name(struct bytes symbol, char name[FUNCTION_NAME_BYTES])
{
    char text[DEMANGLED_BYTES];
    size_t n = demangle(symbol, true, text);
    struct bytes shown = n > 0 ? (struct bytes){text, n} : symbol;
    n = shown.n < FUNCTION_NAME_BYTES ? shown.n : FUNCTION_NAME_BYTES - 1;
    memcpy(name, shown.at, n);
    name[n] = '\0';
}

static int offer_modules(const struct module *modules, size_t count, const struct pattern *pattern,
                         struct files *files, struct nearest *nearest)
{
    int opened = 0;
    bool wanted;
    for (size_t i = 0; i < count; i++) {
        if (!mark_wanted(pattern, 1, &modules[i], &wanted) ||
            open_files(&modules[i], &files[opened]) != 0)
            continue;
        search_nearest(&files[opened].file, debug_of(&files[opened]), nearest);
        opened++;
    }
    return opened;
}

static int nearest_in_modules(const struct module *modules, size_t count,
                              const struct pattern *pattern,
                              char names[NEAREST_MOST][FUNCTION_NAME_BYTES])
{
    struct nearest nearest;
    struct files *files = calloc(count > 0 ? count : 1, sizeof *files);
    if (files == NULL)
        return -ENOMEM;
    nearest_begin(&nearest, pattern);
    int opened = offer_modules(modules, count, pattern, files, &nearest);
    for (unsigned i = 0; i < nearest.n; i++)
        write_name(nearest.name[i], names[i]);
    for (int i = 0; i < opened; i++)
        close_files(&files[i]);
    free(files);
    return opened == 0 ? -ENOENT : (int)nearest.n;
}

int functions_nearest(const struct pattern *pattern, char names[NEAREST_MOST][FUNCTION_NAME_BYTES])
{
    const int saved = errno;
    struct module *modules;
    size_t count;
    int rc = modules_list(&modules, &count);
    if (rc == 0) {
        rc = nearest_in_modules(modules, count, pattern, names);
        modules_free(modules, count);
    }
    errno = saved;
    return rc;
}
