/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */

/* files PORT DIRECTORY: whoever sends the name of a file and a newline gets the
 * file. docs/guide.md explains it. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <weir.h>

enum { BACKLOG = 511, RETRY_MS = 100, IDLE_MS = 60000 };
enum { BUFFERS = 8, BUFFER_SIZE = 65536 };

typedef struct client_s client_t;
struct client_s {
  weir_stream_t stream;
  weir_op_t op; /* on the stream or on the file: one at a time */
  uv_timer_t idle;
  int left; /* what has to end before the memory goes */
  int over;
  weir_buffer_t name;
  uv_file file; /* -1: not open */
  int64_t offset;
  uv_buf_t buffer; /* of the pool; NULL: none */
  client_t *next;  /* of those that wait for one */
  char storage[1024];
};

static uv_loop_t uv;
static weir_loop_t *loop;
static weir_pool_t *pool;
static client_t *waiting;
static weir_stream_t listener;
static weir_op_t accepting;
static uv_timer_t retry;
static int failing; /* said already, since the last connection */

/* ---- The end of a connection ---- */

static void read_file(client_t *c);

/* Gives back what others may be waiting for. */
static void put_away(client_t *c) {
  client_t *first = waiting;
  if (c->file >= 0 && weir_file_close(loop, NULL, c->file, NULL) != 0)
    fprintf(stderr, "a file could not be closed\n");
  c->file = -1;
  if (c->buffer.base == NULL)
    return;
  weir_pool_release(pool, &c->buffer);
  c->buffer.base = NULL;
  if (first != NULL) {
    waiting = first->next;
    read_file(first);
  }
}

/* The stream, the timer and an operation on the file each hold the client. When
 * the last of them has ended, nobody has its buffer in his hands any more. */
static void release(client_t *c) {
  if (--c->left > 0)
    return;
  put_away(c);
  free(c);
}

static void on_closed(weir_stream_t *stream) {
  release(stream->data);
}

static void on_timer_closed(uv_handle_t *timer) {
  release(timer->data);
}

static void leave_queue(client_t *c) {
  client_t **at = &waiting;
  while (*at != NULL && *at != c)
    at = &(*at)->next;
  if (*at != NULL)
    *at = c->next;
}

/* Behind anything but the peer's own end something is lost, and the peer must
 * not take what it has for all: it sees a reset. */
static void end(client_t *c, int status) {
  if (c->over)
    return;
  c->over = 1;
  leave_queue(c);
  uv_close((uv_handle_t *)&c->idle, on_timer_closed);
  if (status == UV_EOF || weir_close_reset(&c->stream, on_closed) != 0)
    weir_close(&c->stream, on_closed);
}

/* Whoever is silent for so long, or takes nothing, may be gone for good. */
static void on_idle(uv_timer_t *timer) {
  end(timer->data, UV_ETIMEDOUT);
}

/* ---- The last words ---- */

/* To close while there is something to be read would be a reset, which takes
 * away what we have said from a peer that has not read it yet. So the peer's
 * end is waited for, but no longer than the timer runs that is running. */
static void on_rest(weir_op_t *op, int status, size_t n) {
  client_t *c = op->data;
  weir_mseq_t room = weir_mseq_block(c->storage, sizeof c->storage);
  (void)n;
  if (status == 0)
    status = weir_read_some(op, &c->stream, room, on_rest);
  if (status != 0)
    end(c, status);
}

static void finish(client_t *c) {
  int r = weir_write_eof(&c->op, &c->stream, weir_seq_block(NULL, 0), on_rest);
  put_away(c);
  if (r != 0)
    end(c, r);
}

/* ---- A file ---- */

/* After an operation on a file was begun, or was not. */
static void began(client_t *c, int r) {
  if (r == 0)
    c->left++;
  else
    end(c, r);
}

static void on_sent(weir_op_t *op, int status, size_t n) {
  client_t *c = op->data;
  c->offset += (int64_t)n;
  if (status == 0)
    read_file(c);
  else
    end(c, status);
}

static void on_file_read(weir_op_t *op, int status, size_t n) {
  client_t *c = op->data;
  weir_seq_t data = weir_seq_block(c->buffer.base, n);
  if (!c->over && status == 0 && n == 0) {
    finish(c);
  } else if (!c->over) {
    if (status == 0)
      status = weir_write(op, &c->stream, data, on_sent);
    if (status == 0)
      uv_timer_start(&c->idle, on_idle, IDLE_MS, 0);
    else
      end(c, status);
  }
  release(c);
}

/* With no buffer left it is the queue's turn, and in the end the timer's. */
static void read_file(client_t *c) {
  client_t **at = &waiting;
  weir_mseq_t room;
  if (c->buffer.base == NULL && weir_pool_acquire(pool, &c->buffer) != 0) {
    while (*at != NULL)
      at = &(*at)->next;
    *at = c;
    c->next = NULL;
    return;
  }
  room = weir_mseq_block(c->buffer.base, BUFFER_SIZE);
  began(c,
        weir_file_pread(loop, &c->op, c->file, room, c->offset, on_file_read));
}

/* A directory, a device or a FIFO is not for us. */
static int check_file(uv_file file) {
  uv_fs_t req;
  int r = uv_fs_fstat(&uv, &req, file, NULL);
  if (r == 0 && (req.statbuf.st_mode & S_IFMT) != S_IFREG)
    r = UV_EINVAL;
  uv_fs_req_cleanup(&req);
  return r;
}

static void on_opened(weir_op_t *op, int status, size_t n) {
  client_t *c = op->data;
  (void)n;
  if (status == 0) {
    c->file = weir_file_result(op);
    status = check_file(c->file);
  }
  if (status != 0)
    end(c, status);
  else if (!c->over)
    read_file(c);
  release(c);
}

/* ---- A request ---- */

/* A file in our directory, and not what a link points to. Without NONBLOCK,
 * opening a FIFO would wait for its other side. */
static void on_name(weir_op_t *op, int status, size_t n) {
  client_t *c = op->data;
  const int flags = UV_FS_O_RDONLY | UV_FS_O_NONBLOCK | UV_FS_O_NOFOLLOW;
  weir_seq_t bytes = weir_buffer_data(&c->name);
  char name[sizeof c->storage] = "";
  if (status == 0) {
    weir_seq_copy(weir_mseq_block(name, sizeof name), bytes, n - 1);
    if (*name == '\0' || *name == '.' || strchr(name, '/') != NULL)
      status = UV_EINVAL;
  }
  if (status != 0) {
    end(c, status);
    return;
  }
  began(c, weir_file_open(loop, op, name, flags, 0, on_opened));
}

static void serve(client_t *c) {
  int r;
  c->left = 2;
  c->over = 0;
  c->file = -1;
  c->offset = 0;
  c->buffer.base = NULL;
  c->stream.data = c;
  c->op.data = c;
  c->idle.data = c;
  uv_timer_init(&uv, &c->idle);
  weir_flat_init_fixed(&c->name, c->storage, sizeof c->storage);
  r = weir_read_until(&c->op, &c->stream, &c->name, weir_until_byte('\n'),
                      on_name);
  if (r == 0)
    uv_timer_start(&c->idle, on_idle, IDLE_MS, 0);
  else
    end(c, r);
}

/* ---- Accepting ---- */

static void on_accepted(weir_op_t *op, int status, size_t n);
static void accept_later(int status);

static void accept_next(uv_timer_t *timer) {
  client_t *c = malloc(sizeof *c);
  int r = UV_ENOMEM;
  (void)timer;
  accepting.data = c;
  if (c != NULL)
    r = weir_accept(&accepting, &listener, &c->stream, on_accepted);
  if (r != 0) {
    free(c);
    accept_later(r);
  }
}

/* No descriptors or no memory: the connection waits in the backlog, and to ask
 * at once would be to spin. */
static void accept_later(int status) {
  if (!failing)
    fprintf(stderr, "accept: %s\n", uv_strerror(status));
  failing = 1;
  uv_timer_start(&retry, accept_next, RETRY_MS, 0);
}

static void on_accepted(weir_op_t *op, int status, size_t n) {
  client_t *c = op->data;
  (void)n;
  if (status != 0) {
    free(c);
    accept_later(status);
    return;
  }
  failing = 0;
  serve(c);
  accept_next(&retry);
}

/* ---- The program ---- */

static void must(int r, const char *what) {
  if (r >= 0)
    return;
  fprintf(stderr, "%s: %s\n", what, uv_strerror(r));
  exit(1);
}

static void start(int port) {
  struct sockaddr_in addr;
  int len = sizeof addr;
  must(uv_ip4_addr("127.0.0.1", port, &addr), "address");
  must(uv_loop_init(&uv), "loop");
  must(weir_loop_attach(&uv, NULL, &loop), "attach");
  must(weir_pool_create(loop, BUFFERS, BUFFER_SIZE, &pool), "pool");
  must(uv_timer_init(&uv, &retry), "timer");
  must(weir_tcp_init(loop, &listener), "listener");
  must(weir_tcp_bind(&listener, (struct sockaddr *)&addr, 0), "bind");
  must(weir_listen(&listener, BACKLOG), "listen");
  must(weir_getsockname(&listener, (struct sockaddr *)&addr, &len), "name");
  printf("listening on 127.0.0.1:%d\n", ntohs(addr.sin_port));
  fflush(stdout);
  accept_next(&retry);
}

/* -1 if it is none. */
static int port_of(const char *word) {
  char *end;
  long port = strtol(word, &end, 10);
  return *end == '\0' && port >= 0 && port <= 65535 ? (int)port : -1;
}

int main(int argc, char **argv) {
  int port = argc == 3 ? port_of(argv[1]) : -1;
  if (port < 0) {
    fprintf(stderr, "usage: files PORT DIRECTORY\n");
    return 2;
  }
  must(uv_chdir(argv[2]), argv[2]);
  start(port);
  return uv_run(&uv, UV_RUN_DEFAULT);
}
