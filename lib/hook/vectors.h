#ifndef HOOK_VECTORS_H
#define HOOK_VECTORS_H

/* vectors: how the assembler code keeps the registers that general code may change: which of
 * XSAVE's components, and the bytes that they take (Intel SDM 13.4). */

#include <stdint.h>

extern uint32_t entry_vectors_mask;  /* 0: there is no XSAVE, FXSAVE keeps them all */
extern uint64_t entry_vectors_bytes; /* on the stack */

/* Once, before the first function is patched. */
void vectors_begin(void);

#endif
