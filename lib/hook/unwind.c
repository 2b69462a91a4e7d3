/* unwind: what unwinders call for a landing's frame (hook/entry_x86_64.S). */

#include <unwind.h>

#include "hook/calls.h"

_Unwind_Reason_Code hook_personality(int version, _Unwind_Action actions,
                                     _Unwind_Exception_Class kind, struct _Unwind_Exception *thrown,
                                     struct _Unwind_Context *context);

/* Nothing is caught here; where the stack is really left, the call is over. */
_Unwind_Reason_Code hook_personality(int version, _Unwind_Action actions,
                                     _Unwind_Exception_Class kind, struct _Unwind_Exception *thrown,
                                     struct _Unwind_Context *context)
{
    (void)version, (void)kind, (void)thrown;
    if ((actions & _UA_CLEANUP_PHASE) != 0) {
        uintptr_t at = _Unwind_GetIP(context) - (uintptr_t)hook_landing_code;
        calls_unwound((uint32_t)(at / 16), (actions & _UA_FORCE_UNWIND) != 0);
    }
    return _URC_CONTINUE_UNWIND;
}
