#ifndef BASE_SECCOMP_H
#define BASE_SECCOMP_H

/*
 * seccomp: what a filter that a process is about to put on itself makes of a system call. Reads the
 * program that the kernel will run (seccomp(2)); makes no call itself. Any thread.
 */

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

/* What the filter returns for the call `number` whose arguments are all 0: SECCOMP_RET_ALLOW and
 * the like; SECCOMP_RET_KILL_PROCESS for a filter that the kernel would refuse. */
uint32_t seccomp_verdict(const struct sock_fprog *filter, uint32_t number);

/* Some call of ours, made by a thread under the filter, would bring a signal or wait for somebody
 * else. Calls that merely fail are no harm. */
bool seccomp_harms(const struct sock_fprog *filter);

#endif
