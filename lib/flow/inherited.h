#ifndef FLOW_INHERITED_H
#define FLOW_INHERITED_H

/*
 * inherited: connections that somebody else accepted and started the program with: inetd and its
 * like as standard input, output and error, systemd as the fds that LISTEN_FDS counts from 3 on
 * (sd_listen_fds(3)). They are followed as given ones are (flow_given). Listening sockets among
 * them need nothing: what is accepted there is seen.
 */

/* Once, after flow_begin. A process that nobody gave any pays a system call for each of its
 * standard fds. */
void inherited_begin(char *const *environment);

#endif
