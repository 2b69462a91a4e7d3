#include "flow/passing.h"

__thread int passing_fd __attribute__((tls_model("initial-exec"))) = PASSING_NONE;
