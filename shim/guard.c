#include "guard.h"

__thread bool guard_up __attribute__((tls_model("initial-exec")));
