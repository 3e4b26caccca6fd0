/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef HOST_H
#define HOST_H

#include <stddef.h>
#include <stdint.h>

/* What the tests ask the system itself, in the way that each has. */

/* The number of open descriptors of this process. */
int os_count_descriptors(void);

/* What an open file takes of the disk; skips the test where that is not told.
 */
int64_t os_disk_bytes(int fd);

/* Whether that much memory may be locked. */
int os_may_lock(size_t size);

/* Whether there may be so many descriptors from now on. */
int os_allow_descriptors(size_t count);

/* Why this test is not for the system, or NULL. */
const char *os_without(const char *suite, const char *name);

/* Whether weir_pipe_init has something to make. */
int os_has_pipes(void);

/* Whether a socket tells that its peer has gone with a reset. */
int os_tells_resets(void);

/* Whether sockets have that setting, or heed it. */
int os_has_option(int level, int name);

/* What a socket has for a buffer that was set to that many bytes. */
int os_buffer_size(int size);

/* Gives this process a network of its own, of loopback alone, if it can. */
int os_own_network(void);

#endif
