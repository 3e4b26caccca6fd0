/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "world.h"

/* Streams between sockets, TCP's and those of one machine. What TCP sends is on
 * its way for some time, as are its ends, resets and acknowledgements. */

enum state { FRESH, LISTENING, CONNECTING, CONNECTED };

enum { FIRST_PORT = 10000, MOST_BACKLOG = 128, SYN_TRIES = 6, BLACK_HOLE = 1 };

typedef struct socket_s {
  object_t base;
  int family;
  enum state state;
  struct socket_s *peer;

  /* What comes in. The last `transit` bytes of it are not here yet; the last
   * `held` of those the sender keeps back for more. */
  bytes_t in;
  size_t transit;
  size_t held;
  long holds;
  size_t charged; /* to the sender, who does not know that it was read */
  size_t limit;
  int fin_due;
  int fin;
  int read_shut;
  int write_shut;
  int reset; /* or never connected */
  int error;
  int closed;
  int linger;

  /* A server's. */
  struct socket_s *next;
  struct socket_s *queue[MOST_BACKLOG + 1];
  int queued;
  int backlog;
  int port;
  char path[108];
  int peer_port;
  char peer_path[108];
  int tries; /* of a connect */
} socket_t;

static socket_t *servers;
static int last_port;
static uint64_t short_until;

static socket_t *of(object_t *object) {
  return (socket_t *)object;
}

static int is_tcp(const socket_t *s) {
  return s->family != AF_UNIX;
}

static size_t visible(const socket_t *s) {
  return s->in.size - s->transit;
}

static int gone(const socket_t *s) {
  return s->peer == NULL || s->peer->closed;
}

/* ---- What it is ready for ---- */

static int has_room(const socket_t *s) {
  if (gone(s))
    return 1;
  size_t used = s->peer->charged;
  if (is_tcp(s))
    return used < s->peer->limit &&
           (s->peer->limit - used) * 3 >= s->peer->limit;
  return used * 4 <= s->peer->limit;
}

static unsigned unconnected(const socket_t *s) {
  if (s->state == LISTENING)
    return s->queued > 0 ? POLLIN : 0;
  if (s->state == CONNECTING)
    return 0;
  return POLLOUT | POLLHUP;
}

static unsigned socket_ready(const object_t *object) {
  const socket_t *s = (const socket_t *)object;
  unsigned events = s->error != 0 ? POLLERR : 0;
  int ended = s->fin || s->read_shut || s->reset;
  int shut = s->write_shut || s->reset;
  if (s->state != CONNECTED && !s->reset)
    return unconnected(s);
  if (!is_tcp(s))
    shut |= gone(s);
  if (ended)
    events |= POLLIN | POLLRDHUP;
  if (visible(s) > 0)
    events |= POLLIN;
  if (ended && shut)
    events |= POLLHUP;
  if ((is_tcp(s) && shut) || has_room(s))
    events |= POLLOUT;
  return events;
}

/* ---- On the way ---- */

static void reset_comes(object_t *object, long error) {
  socket_t *s = of(object);
  if (s->closed || s->reset)
    return;
  s->error = s->fin && error == ECONNRESET && is_tcp(s) ? EPIPE : (int)error;
  s->reset = 1;
  bytes_cut(&s->in, visible(s));
  s->transit = s->held = 0;
  object_changed(object);
}

static void send_reset(socket_t *to) {
  if (to != NULL)
    later(is_tcp(to) ? some_time() : 0, reset_comes, &to->base, ECONNRESET);
}

static void fin_comes(socket_t *s) {
  if (!s->fin_due || s->transit > 0)
    return;
  s->fin = 1;
}

/* n bytes are here, or an end if n is 0. */
static void arrives(object_t *object, long n) {
  socket_t *s = of(object);
  if (s->closed && n > 0) {
    send_reset(s->peer);
    return;
  }
  /* What was on its way is lost when the sender closes with a reset. */
  if (s->reset || (size_t)n > s->transit)
    return;
  s->transit -= (size_t)n;
  if (n == 0)
    s->fin_due = 1;
  fin_comes(s);
  object_changed(object);
}

static void sends(socket_t *to, size_t n) {
  if (n == 0)
    return;
  uint64_t delay = is_tcp(to) && happens(options()->slow) ? some_time() : 0;
  if (delay == 0 && to->transit == n && !to->closed) {
    to->transit = 0;
    object_changed(&to->base);
  } else {
    later(delay, arrives, &to->base, (long)n);
  }
}

/* What was kept back goes. */
static void push(socket_t *to) {
  size_t held = to->held;
  to->held = 0;
  sends(to, held);
}

static void held_too_long(object_t *object, long mark) {
  socket_t *s = of(object);
  if (s->held > 0 && !s->closed && !s->reset && mark == s->holds)
    machine_fail("TCP has kept %zu bytes back for 200 ms", s->held);
}

static void sends_fin(socket_t *to) {
  push(to);
  if (is_tcp(to)) {
    later(some_time(), arrives, &to->base, 0);
    return;
  }
  to->fin = 1;
  object_changed(&to->base);
}

/* The sender of what s has read knows that there is room. */
static void acknowledged(object_t *object, long n) {
  socket_t *s = of(object);
  s->charged -= (size_t)n;
  if (s->peer != NULL)
    object_changed(&s->peer->base);
}

/* ---- Transfers ---- */

static int taken_error(socket_t *s, int otherwise) {
  int error = s->error != 0 ? s->error : otherwise;
  s->error = 0;
  return -error;
}

static ssize_t nothing_to_read(socket_t *s) {
  if (s->error != 0)
    return taken_error(s, 0);
  if (s->fin || s->read_shut || s->reset)
    return 0;
  if (s->state != CONNECTED)
    return is_tcp(s) || s->state == FRESH ? (is_tcp(s) ? -ENOTCONN : -EINVAL)
                                          : -EINVAL;
  return -EAGAIN;
}

static ssize_t socket_read(object_t *object, const struct iovec *v, int n,
                           int64_t offset, int flags) {
  socket_t *s = of(object);
  size_t wanted = vector_size(v, n);
  (void)flags;
  if (offset >= 0)
    return -ESPIPE;
  if (visible(s) == 0) {
    ssize_t r = nothing_to_read(s);
    if (r != -EAGAIN)
      object_moved(object);
    return r;
  }
  size_t most = wanted < visible(s) ? wanted : visible(s);
  size_t got = bytes_take(&s->in, v, n, some_of(most));
  object_moved(object);
  later(is_tcp(s) && happens(options()->slow) ? some_time() : 0, acknowledged,
        object, (long)got);
  return (ssize_t)got;
}

static ssize_t cannot_write(socket_t *s) {
  if (s->write_shut || s->reset)
    return is_tcp(s) ? taken_error(s, EPIPE) : -EPIPE;
  if (s->state == CONNECTING)
    return -EAGAIN;
  if (s->state != CONNECTED)
    return is_tcp(s) ? -EPIPE : -ENOTCONN;
  if (gone(s) || s->peer->read_shut)
    return is_tcp(s) ? 0 : -EPIPE;
  return 0;
}

/* That lasts a while. */
static int is_short_of_memory(void) {
  if (machine_now() < short_until)
    return 1;
  if (!happens(options()->no_buffers))
    return 0;
  short_until = machine_now() + chance_of(3000) * NS_PER_US;
  return 1;
}

static ssize_t socket_write(object_t *object, const struct iovec *v, int n,
                            int64_t offset, int flags) {
  socket_t *s = of(object);
  size_t wanted = vector_size(v, n);
  if (offset >= 0)
    return -ESPIPE;
  ssize_t r = cannot_write(s);
  if (r != 0) {
    if (r != -EAGAIN)
      object_moved(object);
    return r;
  }
  if (is_tcp(s) && gone(s)) {
    object_moved(object);
    later(some_time(), reset_comes, object, ECONNRESET);
    return (ssize_t)wanted;
  }
  socket_t *to = s->peer;
  if (wanted == 0)
    return 0;
  if (to->charged >= to->limit)
    return -EAGAIN;
  if (is_short_of_memory())
    return -ENOBUFS;
  size_t room = to->limit - to->charged;
  size_t size = some_of(wanted < room ? wanted : room);
  bytes_put(&to->in, v, n, size);
  to->transit += size;
  to->charged += size;
  object_moved(object);
  to->held += size;
  if (flags & MSG_MORE && is_tcp(s) && size == wanted &&
      to->held * 2 <= to->limit)
    later(200000000, held_too_long, &to->base, ++to->holds);
  else
    push(to);
  return (ssize_t)size;
}

/* ---- The end ---- */

static void leave_servers(socket_t *s) {
  socket_t **at = &servers;
  while (*at != NULL && *at != s)
    at = &(*at)->next;
  if (*at != NULL)
    *at = s->next;
}

static void refuse_queue(socket_t *s) {
  for (int i = 0; i < s->queued; i++) {
    object_use(&s->queue[i]->base);
    s->queue[i]->linger = 1;
    object_unuse(&s->queue[i]->base);
  }
  s->queued = 0;
}

static void socket_close(object_t *object) {
  socket_t *s = of(object);
  s->closed = 1;
  leave_servers(s);
  refuse_queue(s);
  if (s->state != CONNECTED || s->peer == NULL)
    return;
  if (visible(s) > 0 || (s->linger && is_tcp(s))) {
    bytes_cut(&s->peer->in, visible(s->peer));
    s->peer->transit = s->peer->held = 0;
    if (is_tcp(s))
      send_reset(s->peer);
    else
      reset_comes(&s->peer->base, ECONNRESET);
  } else if (!s->write_shut && !s->reset) {
    sends_fin(s->peer);
  } else {
    object_changed(&s->peer->base);
  }
}

static void socket_free(object_t *object) {
  socket_t *s = of(object);
  if (s->peer != NULL)
    s->peer->peer = NULL;
  bytes_free(&s->in);
}

const kind_t socket_kind = {.name = "socket",
                            .type = S_IFSOCK,
                            .ready = socket_ready,
                            .read = socket_read,
                            .write = socket_write,
                            .close = socket_close,
                            .free = socket_free};

int socket_shutdown(object_t *object, int how) {
  socket_t *s = of(object);
  if (s->state != CONNECTED && !s->reset)
    return -ENOTCONN;
  if (s->reset && is_tcp(s))
    return -ENOTCONN;
  if (how != SHUT_WR)
    s->read_shut = 1;
  if (how != SHUT_RD && !s->write_shut) {
    s->write_shut = 1;
    if (s->peer != NULL && !s->peer->closed)
      sends_fin(s->peer);
  }
  object_changed(object);
  return 0;
}

/* ---- Making ---- */

static socket_t *make(int family) {
  socket_t *s = object_new(&socket_kind, sizeof(*s));
  s->family = family;
  s->limit = options()->buffer > 0 ? options()->buffer : 65536;
  return s;
}

int socket_new(int family) {
  return fd_new(&make(family)->base);
}

/* The names stay when the other is gone. */
static void join_one(socket_t *s, socket_t *peer) {
  s->peer = peer;
  s->state = CONNECTED;
  s->peer_port = peer->port;
  strcpy(s->peer_path, peer->path);
}

static void join(socket_t *a, socket_t *b) {
  join_one(a, b);
  join_one(b, a);
}

int socket_pair(int family, size_t limit, int fds[2]) {
  socket_t *a = make(family);
  socket_t *b = make(family);
  if (is_tcp(a))
    b->port = FIRST_PORT + ++last_port;
  join(a, b);
  if (limit > 0)
    a->limit = b->limit = limit;
  fds[0] = fd_new(&a->base);
  fds[1] = fd_new(&b->base);
  return 0;
}

static int port_of(const struct sockaddr *addr) {
  struct sockaddr_in in;
  memcpy(&in, addr, sizeof(in));
  return ntohs(in.sin_port); /* in both families in the same place */
}

static socket_t *server_named(const struct sockaddr *addr) {
  socket_t *s = servers;
  for (; s != NULL; s = s->next)
    if (addr->sa_family == AF_UNIX
            ? s->family == AF_UNIX &&
                  strcmp(s->path,
                         ((const struct sockaddr_un *)addr)->sun_path) == 0
            : is_tcp(s) && s->port == port_of(addr))
      return s;
  return NULL;
}

int socket_bind(object_t *object, const struct sockaddr *addr) {
  socket_t *s = of(object);
  if (s->port != 0 || s->path[0] != '\0')
    return -EINVAL;
  if (addr->sa_family != s->family)
    return is_tcp(s) ? -EAFNOSUPPORT : -EINVAL;
  if (server_named(addr) != NULL)
    return -EADDRINUSE;
  if (!is_tcp(s))
    strcpy(s->path, ((const struct sockaddr_un *)addr)->sun_path);
  else
    s->port = port_of(addr) != 0 ? port_of(addr) : FIRST_PORT + ++last_port;
  return 0;
}

int socket_listen(object_t *object, int backlog) {
  socket_t *s = of(object);
  if (s->state == CONNECTED || s->state == CONNECTING)
    return -EINVAL;
  if (s->port == 0 && is_tcp(s))
    s->port = FIRST_PORT + ++last_port;
  s->backlog = backlog < MOST_BACKLOG ? backlog : MOST_BACKLOG;
  if (s->state == LISTENING)
    return 0;
  s->state = LISTENING;
  s->next = servers;
  servers = s;
  return 0;
}

static int is_full(const socket_t *server) {
  return server->queued > server->backlog;
}

static void enqueue(socket_t *server, socket_t *client) {
  socket_t *end = make(server->family);
  end->port = server->port;
  strcpy(end->path, server->path);
  join(client, end);
  server->queue[server->queued++] = end;
  object_changed(&server->base);
}

int socket_accept(object_t *object, int flags) {
  socket_t *s = of(object);
  if (s->state != LISTENING)
    return -EINVAL;
  if (!fds_left())
    return -EMFILE;
  if (s->queued == 0)
    return -EAGAIN;
  socket_t *end = s->queue[0];
  memmove(s->queue, s->queue + 1, (size_t)--s->queued * sizeof(s->queue[0]));
  end->base.nonblocking = (flags & SOCK_NONBLOCK) != 0;
  object_moved(object);
  return fd_new(&end->base);
}

int socket_queued(const object_t *object) {
  const socket_t *s = (const socket_t *)object;
  return is_tcp(s) ? s->queued : 0;
}

/* ---- Connecting ---- */

static void connect_fails(socket_t *s, int error) {
  s->state = FRESH;
  s->reset = 1;
  s->error = error;
  object_changed(&s->base);
}

static void syn_comes(object_t *object, long port) {
  socket_t *s = of(object);
  struct sockaddr_in addr = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port)};
  socket_t *server = server_named((struct sockaddr *)&addr);
  if (s->closed)
    return;
  if (port == BLACK_HOLE || (server != NULL && is_full(server))) {
    if (++s->tries > SYN_TRIES)
      connect_fails(s, ETIMEDOUT);
    else
      later(1000000000, syn_comes, object, port);
  } else if (server == NULL) {
    connect_fails(s, ECONNREFUSED);
  } else {
    enqueue(server, s);
    object_changed(object);
  }
}

static int connect_local(socket_t *s, const struct sockaddr *addr) {
  socket_t *server = server_named(addr);
  if (s->state == CONNECTED)
    return -EISCONN;
  if (server == NULL)
    return -ENOENT;
  if (is_full(server))
    return -EAGAIN;
  enqueue(server, s);
  return 0;
}

int socket_connect(object_t *object, const struct sockaddr *addr) {
  socket_t *s = of(object);
  if (s->state == LISTENING)
    return is_tcp(s) ? -EISCONN : -EINVAL;
  if (!is_tcp(s))
    return connect_local(s, addr);
  if (s->error != 0)
    return taken_error(s, 0);
  if (s->state == CONNECTED)
    return s->tries < 0 ? -EISCONN : (s->tries = -1, 0);
  if (s->state == CONNECTING)
    return -EALREADY;
  s->state = CONNECTING;
  if (s->port == 0)
    s->port = FIRST_PORT + ++last_port;
  s->tries = 0;
  s->reset = 0;
  later(some_time(), syn_comes, object, port_of(addr));
  return -EINPROGRESS;
}

/* ---- Facts ---- */

int socket_error(object_t *object) {
  return -taken_error(of(object), 0);
}

void socket_linger(object_t *object) {
  of(object)->linger = 1;
}

void socket_push(object_t *object) {
  socket_t *s = of(object);
  if (s->peer != NULL)
    push(s->peer);
}

int socket_family(const object_t *object) {
  return ((const socket_t *)object)->family;
}

size_t socket_held(const object_t *object) {
  return ((const socket_t *)object)->in.size;
}

static socklen_t name_local(const char *path, struct sockaddr_storage *name) {
  struct sockaddr_un *un = (struct sockaddr_un *)name;
  if (path[0] == '\0')
    return sizeof(sa_family_t);
  strcpy(un->sun_path, path);
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
}

static socklen_t name_net(int port, struct sockaddr_storage *name) {
  struct sockaddr_in *in = (struct sockaddr_in *)name;
  in->sin_port = htons((uint16_t)port);
  if (name->ss_family != AF_INET)
    return sizeof(struct sockaddr_in6);
  in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return sizeof(struct sockaddr_in);
}

int socket_name(object_t *object, int peer, struct sockaddr *addr,
                socklen_t *len) {
  const socket_t *s = of(object);
  struct sockaddr_storage name = {.ss_family = (sa_family_t)s->family};
  if (peer && (s->state != CONNECTED || (is_tcp(s) && s->reset)))
    return -ENOTCONN;
  socklen_t full = is_tcp(s) ? name_net(peer ? s->peer_port : s->port, &name)
                             : name_local(peer ? s->peer_path : s->path, &name);
  memcpy(addr, &name, *len < full ? *len : full);
  *len = full;
  return 0;
}

void sockets_reset(void) {
  servers = NULL;
  last_port = 0;
  short_until = 0;
}
