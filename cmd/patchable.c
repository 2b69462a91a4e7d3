#include "patchable.h"

#include "hook/prologue.h"

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
