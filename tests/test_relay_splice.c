/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weir/fault.h>

#include "../lib/pipe.h"
#include "support/child.h"
#include "support/plan.h"
#include "support/proxy.h"
#include "support/scripted.h"

TestSuite(relay_splice);

/* What is a relay's own when it splices. What holds for every relay is in
 * test_relay_sockets.c, for those that splice as well. */

enum { WIDE = 256 << 10, TOTAL = 4 << 20 };

static void open_up(struct weir_fixture *f, proxy_t *p, connect_fn connect,
                    size_t ring) {
  proxy_open(f, p, connect, connect, ring, WEIR_RELAY_SPLICE);
}

static weir_relay_info_t info_of(const passage_t *p) {
  weir_relay_info_t info;
  weir_relay_info(&p->relay, &info, sizeof(info));
  return info;
}

/* All of it, to the end. */
static void pump_all(struct weir_fixture *f, proxy_t *p, size_t total) {
  size_t sent = 0, taken = 0;

  proxy_pump(f, p, total, &sent, &taken);
  passage_end(f, &p->up, 0);
  check_is(p->up.info.bytes_written, total);
  proxy_take_rest(p, &taken, total);
  peer_expect_end(&p->b);
}

/* Without what proxy_close asserts of one that splices all the time. */
static void close_mixed(struct weir_fixture *f, proxy_t *p) {
  p->up.info.bytes_spliced = p->up.info.bytes_written;
  proxy_close(f, p);
}

static void expect_pipes(const struct weir_fixture *f, unsigned out,
                         unsigned idle) {
  check_is(f->loop->pipes.n_out, out);
  check_is(f->loop->pipes.n_idle, idle);
}

/* ---- Pipes ---- */

/* Who has nothing to pass on holds none; one is enough for many. */
WEIR_TEST(relay_splice, has_a_pipe_only_while_something_is_in_it) {
  enum { RELAYS = 5 };
  proxy_t p[RELAYS];
  int i;

  for (i = 0; i < RELAYS; i++) {
    open_up(f, &p[i], i % 2 ? conn_tcp : conn_unix, WIDE);
    proxy_start(&p[i]);
  }
  for (i = 0; i < RELAYS; i++) {
    peer_send(&p[i].a, 0, SOME);
    while (p[i].up.progress < SOME)
      uv_run(&f->uv, UV_RUN_ONCE);
    peer_take(&p[i].b, 0, SOME);
    expect_pipes(f, 0, 1);
  }
  for (i = 0; i < RELAYS; i++) {
    weir_relay_stop(&p[i].up.relay);
    weir_relay_stop(&p[i].down.relay);
    passage_end(f, &p[i].up, UV_ECANCELED);
    passage_end(f, &p[i].down, UV_ECANCELED);
    check_is(p[i].up.info.splice_status, 0);
    proxy_close(f, &p[i]);
  }
}

WEIR_TEST(relay_splice, finds_a_limited_number_of_pipes) {
  weir__pipe_t *pipes[WEIR__PIPES_OUT], *more;
  int i;

  fixture_descriptors(f, WEIR__PIPES_OUT);
  for (i = 0; i < WEIR__PIPES_OUT; i++)
    check_is(weir__pipe_take(f->loop, RING, &pipes[i]), 0);
  check_is(weir__pipe_take(f->loop, RING, &more), UV_ENOBUFS);
  weir__pipe_give(f->loop, pipes[0], 0);
  expect_pipes(f, WEIR__PIPES_OUT - 1, 0);
  for (i = 1; i < WEIR__PIPES_OUT; i++)
    weir__pipe_give(f->loop, pipes[i], 1);
  expect_pipes(f, 0, WEIR__PIPES_IDLE);
}

/* Only the first splice finds nothing: who has come to the end of what there
 * was waits for more. */
WEIR_TEST(relay_splice, asks_for_nothing_in_vain) {
  enum { MESSAGES = 20 };
  weir_fault_t *fault = fault_begin_empty(f);
  proxy_t p;
  size_t i;

  open_up(f, &p, conn_unix, WIDE);
  proxy_start_up(&p);
  run_some_turns(f);
  for (i = 0; i < MESSAGES; i++) {
    peer_send(&p.a, i * 100, 100);
    while (p.up.progress < (i + 1) * 100)
      uv_run(&f->uv, UV_RUN_ONCE);
    peer_take(&p.b, i * 100, 100);
    run_some_turns(f);
  }
  check_is(weir_fault_count(fault, WEIR_FAULT_RECV).asked, MESSAGES + 1);
  weir_relay_stop(&p.up.relay);
  passage_end(f, &p.up, UV_ECANCELED);
  proxy_close(f, &p);
  weir_fault_end(fault);
}

/* ---- Under faults ---- */

typedef struct broken_s {
  proxy_t p;
  weir_fault_t *fault;
} broken_t;

/* A relay that was started, and from now on that happens. */
static void break_up(struct weir_fixture *f, broken_t *b, connect_fn connect,
                     size_t ring, weir_fault_rule_t rule) {
  weir_fault_options_t options = {.rules = &rule, .nrules = 1};

  open_up(f, &b->p, connect, ring);
  if (rule.fd == 'a')
    check_is(weir_fileno(&b->p.a.stream, &rule.fd), 0);
  else if (rule.fd == 'b')
    check_is(weir_fileno(&b->p.b.stream, &rule.fd), 0);
  check_is(weir_fault_begin(&options, &b->fault), 0);
  proxy_start_up(&b->p);
}

static void break_close(struct weir_fixture *f, broken_t *b) {
  weir_fault_end(b->fault);
  close_mixed(f, &b->p);
}

static const int refusals[] = {UV_EINVAL, UV_ENOSYS, UV_EPERM, UV_ENOTSUP,
                               UV_ENOMEM};
enum { REFUSALS = sizeof(refusals) / sizeof(refusals[0]) };

/* At any time, by the source or the sink. */
static void check_refusal(struct weir_fixture *f, connect_fn connect, int end,
                          unsigned what, size_t nth, int error) {
  weir_fault_rule_t rule = {
      .what = what, .fd = end, .nth = nth, .error = error};
  broken_t b;

  break_up(f, &b, connect, 30000, rule);
  pump_all(f, &b.p, 300000);
  check_is(b.p.up.info.splice_status, error);
  cr_assert(b.p.up.info.bytes_spliced < 300000);
  /* The first may find nothing yet. */
  cr_assert(b.p.up.info.bytes_spliced > 0 || nth < 3);
  cr_assert(b.p.up.info.bytes_spliced == 0 || nth > 1);
  expect_pipes(f, 0, 1);
  break_close(f, &b);
}

WEIR_TEST(relay_splice, goes_on_without_when_it_is_refused) {
  size_t nth;

  for (nth = 1; nth < 6; nth++) {
    int error = refusals[nth % REFUSALS];
    check_refusal(f, conn_tcp, 'a', WEIR_FAULT_RECV, nth, error);
    check_refusal(f, conn_tcp, 'b', WEIR_FAULT_SEND, nth, error);
    check_refusal(f, conn_slow, 'a', WEIR_FAULT_RECV, nth * nth, error);
    check_refusal(f, conn_slow, 'b', WEIR_FAULT_SEND, nth * nth, error);
  }
}

/* No pipe at first: it goes on trying. */
static void check_no_pipe(struct weir_fixture *f, int error, size_t times) {
  weir_fault_rule_t rule = {
      .what = WEIR_FAULT_CREATE, .times = times, .error = error};
  broken_t b;

  break_up(f, &b, conn_tcp, 30000, rule);
  pump_all(f, &b.p, TOTAL);
  if (times == WEIR_FAULT_ALWAYS) {
    check_is(b.p.up.info.splice_status, error);
    check_is(b.p.up.info.bytes_spliced, 0);
  } else {
    check_is(b.p.up.info.splice_status, 0);
    cr_assert(b.p.up.info.bytes_spliced > 0);
    cr_assert(b.p.up.info.bytes_spliced < TOTAL);
  }
  break_close(f, &b);
}

WEIR_TEST(relay_splice, copies_while_no_pipe_is_to_be_had) {
  check_no_pipe(f, UV_EMFILE, WEIR_FAULT_ALWAYS);
  check_no_pipe(f, UV_ENFILE, 1);
}

WEIR_TEST(relay_splice, asks_for_no_more_pipes_where_there_are_none) {
  weir_fault_rule_t rule = {.what = WEIR_FAULT_CREATE,
                            .times = WEIR_FAULT_ALWAYS,
                            .error = UV_ENOSYS};
  broken_t b;

  break_up(f, &b, conn_tcp, 30000, rule);
  pump_all(f, &b.p, 300000);
  check_is(b.p.up.info.splice_status, UV_ENOSYS);
  check_is(weir_fault_count(b.fault, WEIR_FAULT_CREATE).asked, 1);
  break_close(f, &b);
}

/* There are two pipes for all. Those that have none copy, and splice when they
 * have one. */
WEIR_TEST(relay_splice, many_share_few_pipes) {
  enum { RELAYS = 8, EACH = 1 << 20 };
  weir_fault_rule_t rule = {.what = WEIR_FAULT_CREATE,
                            .nth = 3,
                            .times = WEIR_FAULT_ALWAYS,
                            .error = UV_EMFILE};
  weir_fault_options_t options = {.rules = &rule, .nrules = 1};
  size_t sent[RELAYS] = {0}, taken[RELAYS] = {0};
  uint64_t spliced = 0, most = 0;
  weir_fault_t *fault;
  proxy_t p[RELAYS];
  int i, left = RELAYS;

  for (i = 0; i < RELAYS; i++)
    open_up(f, &p[i], conn_slow, 30000);
  check_is(weir_fault_begin(&options, &fault), 0);
  for (i = 0; i < RELAYS; i++)
    proxy_start_up(&p[i]);
  while (left > 0) {
    for (i = 0, left = 0; i < RELAYS; i++) {
      if (sent[i] < EACH) {
        offer_pattern(p[i].a.peer, &sent[i], EACH);
        if (sent[i] == EACH)
          check_is(shutdown(p[i].a.peer, SHUT_WR), 0);
      }
      cr_assert(take_pattern(p[i].b.peer, &taken[i]));
      left += taken[i] < EACH || p[i].up.calls == 0;
    }
    if (f->loop->pipes.n_out > most)
      most = f->loop->pipes.n_out;
    run_turn(f);
  }
  weir_fault_end(fault);
  for (i = 0; i < RELAYS; i++) {
    passage_end(f, &p[i].up, 0);
    spliced += p[i].up.info.bytes_spliced;
    close_mixed(f, &p[i]);
  }
  cr_assert(spliced > 0 && spliced < (uint64_t)RELAYS * EACH);
  check_is(most, 2);
  expect_pipes(f, 0, 2);
}

/* A pipe may not be as large as asked for: so many sizes are too large, each
 * half of the one before. */
static void check_size(struct weir_fixture *f, size_t refused, size_t asked,
                       size_t size) {
  weir_fault_rule_t rule = {
      .what = WEIR_FAULT_CONTROL, .times = refused, .error = UV_EPERM};
  weir_fault_options_t options = {.rules = &rule, .nrules = 1};
  weir_fault_t *fault;
  weir__pipe_t *pipe;
  char page[4096] = "";
  size_t room = 0;

  check_is(weir_fault_begin(&options, &fault), 0);
  check_is(weir__pipe_take(f->loop, 1 << 20, &pipe), 0);
  check_is(weir_fault_count(fault, WEIR_FAULT_CONTROL).asked, asked);
  weir__pipe_give(f->loop, pipe, 1);
  check_is(weir__pipe_take(f->loop, 1 << 20, &pipe), 0);
  check_is(weir_fault_count(fault, WEIR_FAULT_CONTROL).asked, asked);
  weir_fault_end(fault);
  while (write(pipe->in, page, sizeof(page)) > 0)
    room += sizeof(page);
  check_is(room, size);
  weir__pipe_give(f->loop, pipe, 0);
}

WEIR_TEST(relay_splice, takes_a_smaller_pipe) {
  proxy_t p;

  check_size(f, 2, 3, 256 << 10);
  check_size(f, WEIR_FAULT_ALWAYS, 4, 64 << 10);
  open_up(f, &p, conn_tcp, 1 << 20);
  proxy_start_up(&p);
  pump_all(f, &p, TOTAL);
  proxy_close(f, &p);
}

/* A descriptor that cannot be had not to wait is not spliced. */
WEIR_TEST(relay_splice, does_not_splice_what_may_block) {
  weir_fault_rule_t rule = {.what = WEIR_FAULT_CONTROL, .error = UV_EIO};
  broken_t b;

  break_up(f, &b, conn_tcp, RING, rule);
  pump_all(f, &b.p, SOME);
  check_is(b.p.up.info.splice_status, UV_EIO);
  check_is(b.p.up.info.bytes_spliced, 0);
  expect_pipes(f, 0, 0);
  break_close(f, &b);
}

/* ---- Errors ---- */

/* All that came before is delivered. */
WEIR_TEST(relay_splice, delivers_what_came_before_an_error_of_the_source) {
  size_t nth;

  for (nth = 1; nth < 8; nth++) {
    weir_fault_rule_t rule = {
        .what = WEIR_FAULT_RECV, .fd = 'a', .nth = nth, .error = UV_ETIMEDOUT};
    size_t sent = 0, taken = 0;
    broken_t b;

    break_up(f, &b, conn_slow, RING, rule);
    proxy_pump(f, &b.p, TOTAL, &sent, &taken);
    passage_end(f, &b.p.up, UV_ETIMEDOUT);
    check_is(b.p.up.info.read_status, UV_ETIMEDOUT);
    check_is(b.p.up.info.write_status, 0);
    check_is(b.p.up.nleft, 0);
    proxy_take_rest(&b.p, &taken, b.p.up.info.bytes_written);
    weir_fault_end(b.fault);
    proxy_close(f, &b.p);
  }
}

/* What a sink that fails did not take lies in the ring, and the source goes on
 * behind it. */
WEIR_TEST(relay_splice, keeps_what_a_sink_that_fails_did_not_take) {
  size_t nth;

  for (nth = 1; nth < 8; nth++) {
    weir_fault_rule_t rule = {
        .what = WEIR_FAULT_SEND, .fd = 'b', .nth = nth, .error = UV_EPIPE};
    struct request next = {.calls = 0};
    size_t sent = 0, taken = 0;
    char bytes[100];
    broken_t b;

    break_up(f, &b, conn_slow, RING, rule);
    proxy_pump(f, &b.p, TOTAL, &sent, &taken);
    passage_end(f, &b.p.up, UV_EPIPE);
    check_is(b.p.up.info.write_status, UV_EPIPE);
    check_is(b.p.up.info.read_status, 0);
    cr_assert(b.p.up.nleft > 0);
    proxy_take_rest(&b.p, &taken, b.p.up.info.bytes_written);
    check_is(weir_read(&next.op, &b.p.a.stream,
                       weir_mseq_block(bytes, sizeof(bytes)), weir_all(),
                       on_done),
             0);
    finish(f, &next, 0, sizeof(bytes));
    cr_assert(
        pattern_holds(bytes, (size_t)b.p.up.info.bytes_read, sizeof(bytes)));
    expect_pipes(f, 0, 1);
    weir_fault_end(b.fault);
    proxy_close(f, &b.p);
  }
}

/* The peer of a UNIX socket is gone, which raises SIGPIPE where it is not kept
 * away. */
WEIR_TEST(relay_splice, raises_no_signal) {
  proxy_t p;

  open_up(f, &p, conn_unix, RING);
  proxy_start_up(&p);
  close_peer(&p.b);
  peer_send(&p.a, 0, 100);
  passage_end(f, &p.up, UV_EPIPE);
  check_is(p.up.info.bytes_read, 100);
  check_is(p.up.nleft, 100);
  check_is(count_sigpipe(), 0);
  proxy_close(f, &p);
}

/* ---- Stopping ---- */

WEIR_TEST(relay_splice, gives_back_what_is_in_the_pipe_when_it_is_stopped) {
  struct request rest = {.calls = 0};
  size_t sent, taken = 0;
  proxy_t p;

  open_up(f, &p, conn_slow, RING);
  proxy_start_up(&p);
  sent = proxy_fill(f, &p);
  expect_pipes(f, 1, 0);
  check_is(weir_seq_size(weir_relay_held(&p.up.relay)),
           info_of(&p.up).bytes_read - info_of(&p.up).bytes_written);
  weir_relay_stop(&p.up.relay);
  passage_end(f, &p.up, UV_ECANCELED);
  cr_assert(p.up.nleft > 0);
  expect_pipes(f, 0, 1);
  check_is(weir_write(&rest.op, &p.b.stream,
                      weir_seq_block(p.up.left, p.up.nleft), on_done),
           0);
  while (rest.calls == 0) {
    cr_assert(take_pattern(p.b.peer, &taken));
    run_turn(f);
  }
  proxy_take_rest(&p, &taken, p.up.info.bytes_read);
  cr_assert(taken < sent);
  proxy_close(f, &p);
}

/* A pipe that does not give its bytes back is not used again. */
WEIR_TEST(relay_splice, loses_a_pipe_that_cannot_be_read) {
  weir_fault_rule_t rule = {.what = WEIR_FAULT_RECV, .error = UV_EIO};
  weir_fault_options_t options = {.rules = &rule, .nrules = 1};
  weir_fault_t *fault;
  proxy_t p;

  open_up(f, &p, conn_slow, RING);
  proxy_start_up(&p);
  proxy_fill(f, &p);
  rule.fd = p.up.relay.splice.pipe->out;
  check_is(weir_fault_begin(&options, &fault), 0);
  weir_relay_stop(&p.up.relay);
  run_until(f, &p.up.calls);
  weir_fault_end(fault);
  check_is(p.up.status, UV_ECANCELED);
  check_is(p.up.nleft, 0);
  cr_assert(p.up.info.bytes_read > p.up.info.bytes_written);
  expect_pipes(f, 0, 0);
  proxy_close(f, &p);
}

/* ---- Deadlines ---- */

enum { SOON = 5 };

WEIR_TEST(relay_splice, has_the_deadlines_of_its_streams) {
  weir_deadline_t reading = {0}, writing = {0};
  proxy_t p;

  open_up(f, &p, conn_tcp, RING);
  proxy_start_up(&p);
  peer_send(&p.a, 0, SOME);
  while (p.up.progress < SOME)
    uv_run(&f->uv, UV_RUN_ONCE);
  check_is(weir_deadline_read(&reading, &p.a.stream, SOON), 0);
  passage_end(f, &p.up, UV_ETIMEDOUT);
  check_is(p.up.info.read_status, UV_ETIMEDOUT);
  check_is(p.up.info.bytes_written, SOME);
  weir_deadline_stop(&reading);
  proxy_close(f, &p);

  open_up(f, &p, conn_slow, RING);
  proxy_start_up(&p);
  proxy_fill(f, &p);
  check_is(weir_deadline_write(&writing, &p.b.stream, SOON), 0);
  passage_end(f, &p.up, UV_ETIMEDOUT);
  check_is(p.up.info.write_status, UV_ETIMEDOUT);
  cr_assert(p.up.nleft > 0);
  expect_pipes(f, 0, 1);
  weir_deadline_stop(&writing);
  proxy_close(f, &p);
}

/* ---- Other ways ---- */

WEIR_TEST(relay_splice, splices_as_soon_as_there_is_a_sink) {
  proxy_t p;

  open_up(f, &p, conn_tcp, RING);
  passage_start(&p.up, &p.a.stream, NULL);
  peer_send(&p.a, 0, SOME);
  run_some_turns(f);
  check_is(info_of(&p.up).splice_status, UV_ENOTCONN);
  check_is(weir_relay_set_sink(&p.up.relay, &p.b.stream), 0);
  check_is(info_of(&p.up).splice_status, 0);
  while (p.up.progress < SOME)
    uv_run(&f->uv, UV_RUN_ONCE);
  peer_send(&p.a, SOME, SOME);
  check_is(shutdown(p.a.peer, SHUT_WR), 0);
  passage_end(f, &p.up, 0);
  peer_take(&p.b, 0, 2 * SOME);
  cr_assert(p.up.info.bytes_spliced >= SOME);
  cr_assert(p.up.info.bytes_spliced < 2 * SOME);
  close_mixed(f, &p);
}

WEIR_TEST(relay_splice, splices_without_topping_up) {
  proxy_t p;

  open_up(f, &p, conn_slow, 30000);
  p.up.options.flags |= WEIR_RELAY_NO_TOPUP;
  proxy_start_up(&p);
  pump_all(f, &p, 1 << 20);
  cr_assert(p.up.info.short_writes > 0);
  proxy_close(f, &p);
}

/* Bytes of a kind of the program's own are in memory anyway. */
WEIR_TEST(relay_splice, copies_what_is_no_descriptor) {
  weir_test_options_t in = {.input = "bytes", .input_size = 5};
  struct scripted source;
  struct conn c;
  passage_t p;

  scripted_open(f, &source, &in);
  conn_tcp(f, &c);
  passage_init(&p, RING);
  p.options.flags = WEIR_RELAY_SPLICE;
  p.progress = 0;
  p.relay.data = &p;
  passage_start(&p, &source.stream, &c.stream);
  run_until(f, &p.calls);
  check_is(p.status, 0);
  check_is(p.info.bytes_written, 5);
  check_is(p.info.bytes_spliced, 0);
  check_is(p.info.splice_status, UV_ENOTSUP);
  scripted_close(f, &source);
  conn_close(f, &c);
  passage_free(&p);
}

/* Both ways at once, and to the last byte. */
WEIR_TEST(relay_splice, passes_on_much_both_ways) {
  enum { EACH = 16 << 20 };
  size_t sent[2] = {0}, taken[2] = {0};
  proxy_t p;
  int i;

  open_up(f, &p, conn_tcp, WIDE);
  proxy_start(&p);
  while (taken[0] < EACH || taken[1] < EACH || !p.up.calls || !p.down.calls) {
    const int from[] = {p.a.peer, p.b.peer}, to[] = {p.b.peer, p.a.peer};
    for (i = 0; i < 2; i++) {
      if (sent[i] < EACH) {
        offer_pattern(from[i], &sent[i], EACH);
        if (sent[i] == EACH)
          check_is(shutdown(from[i], SHUT_WR), 0);
      }
      cr_assert(take_pattern(to[i], &taken[i]));
    }
    run_turn(f);
  }
  passage_end(f, &p.up, 0);
  passage_end(f, &p.down, 0);
  check_is(p.up.info.bytes_written, EACH);
  check_is(p.down.info.bytes_written, EACH);
  proxy_close(f, &p);
}

/* ---- Sockets that might block ---- */

typedef struct made_s {
  weir_stream_t listener;
  weir_stream_t server;
  struct conn client;
} made_t;

/* A listener and both ends are weir's: no descriptor was given to it. */
static void make_pair(struct weir_fixture *f, made_t *m) {
  struct request accepting = {.calls = 0}, connecting = {.calls = 0};
  struct sockaddr_storage addr;
  int len = sizeof(addr);

  check_is(uv_ip4_addr("127.0.0.1", 0, (struct sockaddr_in *)&addr), 0);
  check_is(weir_tcp_init(f->loop, &m->listener), 0);
  check_is(weir_tcp_bind(&m->listener, (struct sockaddr *)&addr, 0), 0);
  check_is(weir_listen(&m->listener, 1), 0);
  check_is(weir_getsockname(&m->listener, (struct sockaddr *)&addr, &len), 0);
  check_is(weir_accept(&accepting.op, &m->listener, &m->server, on_done), 0);
  check_is(weir_tcp_init(f->loop, &m->client.stream), 0);
  check_is(weir_tcp_connect(&connecting.op, &m->client.stream,
                            (struct sockaddr *)&addr, on_done),
           0);
  finish(f, &accepting, 0, 0);
  finish(f, &connecting, 0, 0);
}

/* With nothing to be read, and with nothing to be written any more. */
WEIR_TEST(relay_splice, waits_for_nothing) {
  char *bytes = malloc(SLOW_BYTES);
  struct request r = {.calls = 0};
  made_t m[2];
  int small = 4096;
  passage_t p;
  int i;

  for (i = 0; i < 2; i++)
    make_pair(f, &m[i]);
  check_is(weir_send_buffer_size(&m[1].client.stream, &small), 0);
  passage_init(&p, WIDE);
  p.options.flags = WEIR_RELAY_SPLICE;
  passage_start(&p, &m[0].server, &m[1].client.stream);
  run_some_turns(f);
  pattern_fill(bytes, 0, SLOW_BYTES);
  check_is(weir_write(&r.op, &m[0].client.stream,
                      weir_seq_block(bytes, SLOW_BYTES), on_done),
           0);
  while (p.progress == 0)
    run_turn(f);
  for (i = 0; i < 100; i++)
    run_turn(f);
  weir_relay_stop(&p.relay);
  passage_end(f, &p, UV_ECANCELED);
  check_is(p.info.bytes_spliced, p.info.bytes_written);
  for (i = 0; i < 2; i++) {
    check_is(weir_close(&m[i].listener, NULL), 0);
    check_is(weir_close(&m[i].server, NULL), 0);
    check_is(weir_close(&m[i].client.stream, NULL), 0);
  }
  run_out(f);
  passage_free(&p);
  free(bytes);
}

/* ---- A child ---- */

static void child_has_none(struct weir_fixture *f, void *arg) {
  proxy_t *p = arg;

  must(uv_loop_fork(&f->uv) == 0);
  must(weir_loop_fork(f->loop) == 0);
  while (p->up.calls == 0)
    must(uv_run(&f->uv, UV_RUN_ONCE) != 0 || p->up.calls != 0);
  must(p->up.status == UV_ECANCELED);
  must(p->up.nleft == 0);
  must(f->loop->pipes.n_out == 0 && f->loop->pipes.n_idle == 0);
  must(weir_close(&p->a.stream, NULL) == 0);
  must(weir_close(&p->b.stream, NULL) == 0);
  must(uv_run(&f->uv, UV_RUN_DEFAULT) == 0);
  must_leave(f);
}

/* What is in a pipe is the parent's, who loses nothing. */
WEIR_TEST(relay_splice, leaves_its_pipe_to_the_parent) {
  size_t sent, taken = 0;
  weir__pipe_t *idle;
  proxy_t p;

  open_up(f, &p, conn_slow, RING);
  proxy_start_up(&p);
  sent = proxy_fill(f, &p);
  check_is(weir__pipe_take(f->loop, RING, &idle), 0);
  weir__pipe_give(f->loop, idle, 1);
  expect_pipes(f, 1, 1);
  child_run(child_has_none, f, &p);
  check_is(shutdown(p.a.peer, SHUT_WR), 0);
  while (taken < sent) {
    cr_assert(take_pattern(p.b.peer, &taken));
    run_turn(f);
  }
  passage_end(f, &p.up, 0);
  check_is(taken, sent);
  proxy_close(f, &p);
}
