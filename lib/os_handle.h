/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__OS_HANDLE_H
#define WEIR__OS_HANDLE_H

#include <uv.h>

/* Handles of the application's whose descriptors others use: what only the
 * libuv of one system knows of its handles, and no function of its tells. */

/* 0 if libuv itself has nothing to do with the handle's connection: it neither
 * reads nor writes. UV_ENOTCONN or UV_EBUSY. */
int weir__os_handle_check(const uv_stream_t *handle);

/* Marks a handle that passes that check as owner's, which may not be NULL, in
 * fields that libuv clears when it makes the handle, and looks at only while it
 * reads. */
void weir__os_handle_mark(uv_stream_t *handle, void *owner);

/* It is the owner who closes it; and, once it is closed, nobody's any more. */
void weir__os_handle_leave(uv_stream_t *handle);
void weir__os_handle_unmark(uv_stream_t *handle);

/* Whose handle is, of any type; NULL: nobody's. */
void *weir__os_handle_owner(const uv_handle_t *handle);

/* Whether it is owner's, and open. The application may have closed it, and put
 * another in its place. */
int weir__os_handle_lends(const uv_stream_t *handle, const void *owner);

/* Whether somebody else than its owner has closed a marked handle in this turn
 * of the loop, or may have. */
int weir__os_handle_lost(const uv_loop_t *uv);

/* Calls lost with the owner of each of them; it may close others. */
void weir__os_handle_each_lost(const uv_loop_t *uv, void (*lost)(void *owner));

/* Keeps uv_walk from an idle handle that is active, or no more: an application
 * closes all that it is shown. Only where weir__settle_again is needed. */
void weir__os_handle_hide(uv_idle_t *handle, int on);

/* In a child after a fork: async can be sent again. Before 1.45 libuv's own
 * fork leaves one that was sent and not seen as it was, for ever. */
void weir__os_handle_unsend(uv_async_t *async);

#endif
