#include "patchable.h"

#if __has_include("hook/prologue.h")
#include "hook/prologue.h"
#else
static int prologue_check(const uint8_t *code, size_t size, uint64_t address, const char **reason)
{
    (void)code, (void)size, (void)address;
    *reason = NULL;
    return 0;
}
#endif

const char *patchable_reason(const struct elf_file *file, const struct symbol *symbol)
{
    const char *reason = NULL;
    if (symbol->is_indirect)
        return "its implementation is chosen when the program starts; that is what is hooked";
    struct bytes code = elf_file_loaded(file, symbol->address);
    if (code.at == NULL || code.n < symbol->size)
        return "its code is not in the file";
    const uint8_t *at = (const uint8_t *)code.at;
    return prologue_check(at, symbol->size, symbol->address, &reason) == 0 ? NULL : reason;
}
