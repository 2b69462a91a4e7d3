#ifndef BASE_HOT_H
#define BASE_HOT_H

/* hot: marks the functions that run for every request, and the small variables that these look at.
 * The linker puts them side by side, so that they take few pages and cache lines of those that the
 * host needs for itself. */
#define HOT __attribute__((hot))

/* What such a function calls becomes part of it, but for what is marked noinline: between a host's
 * call and its return there is one frame, not six. */
#define FLAT __attribute__((flatten))

/* Sanitizers put no red zones around variables in a section with a name. */
#ifdef __SANITIZE_ADDRESS__
#define HOT_DATA
#else
#define HOT_DATA __attribute__((section("hot_data")))
#endif

#endif
