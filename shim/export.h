#ifndef SHIM_EXPORT_H
#define SHIM_EXPORT_H

/* export: marks a definition as one that stands before libc's; exports.map lists them all. */
#define EXPORT __attribute__((visibility("default")))

#endif
