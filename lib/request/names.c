#include "request/names.h"

struct names names;

int names_begin(uint32_t most)
{
    int error = label_table_begin(&names.labels, most);
    if (error == 0)
        error = label_table_begin(&names.actions, most);
    names.timers.dots = true;
    return error < 0 ? error : label_table_begin(&names.timers, most);
}
