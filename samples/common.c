/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "common.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *program = "sample";
static uv_signal_t signals[2];
static int nsignals;
static void (*stop_function)(void);

/* ---- Messages ---- */

void complain(const char *what, int error) {
  fprintf(stderr, "%s: %s: %s\n", program, what, uv_strerror(error));
}

void fail(const char *what, int error) {
  complain(what, error);
  exit(1);
}

void quit(const char *what, const char *why) {
  fprintf(stderr, "%s: %s: %s\n", program, what, why);
  exit(1);
}

static _Noreturn void misuse(const char *what, const char *word) {
  fprintf(stderr, "%s: %s: %s (try --help)\n", program, word, what);
  exit(2);
}

/* ---- The command line ---- */

static const option_t *find_option(const option_t *options, const char *name) {
  for (; options->name != NULL; options++)
    if (strcmp(options->name, name) == 0)
      return options;
  misuse("unknown option", name);
}

void parse_options(int argc, char **argv, const char *help,
                   const option_t *options, int nwords) {
  const char *slash = strrchr(argv[0], '/');
  int found = 0;
  program = slash != NULL ? slash + 1 : argv[0];
  if (strncmp(program, "lt-", 3) == 0) /* libtool's name for it */
    program += 3;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--help") == 0) {
      fputs(help, stdout);
      exit(0);
    }
    if (argv[i][0] != '-') {
      if (found == nwords)
        misuse("unexpected argument", argv[i]);
      argv[++found] = argv[i];
      continue;
    }
    const option_t *option = find_option(options, argv[i]);
    if (option->flag != NULL)
      *option->flag = 1;
    else if (i + 1 < argc)
      *option->word = argv[++i];
    else
      misuse("needs a value", argv[i]);
  }
  if (found < nwords)
    misuse("missing argument", found == 0 ? "no argument" : argv[found]);
}

size_t parse_bytes(const char *option, const char *text) {
  char *end;
  unsigned shift = 0;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (*end == 'K')
    shift = 10;
  else if (*end == 'M')
    shift = 20;
  else if (*end == 'G')
    shift = 30;
  if (text[0] < '0' || text[0] > '9' || errno != 0 || value == 0 ||
      end[shift != 0] != '\0' || value > (SIZE_MAX / 8) >> shift)
    misuse("not a number of bytes", option);
  return (size_t)value << shift;
}

/* ---- Addresses ---- */

void parse_address(const char *option, const char *text,
                   struct sockaddr_storage *addr) {
  char host[256];
  const char *colon = text != NULL ? strrchr(text, ':') : NULL;
  size_t port_len = colon != NULL ? strspn(colon + 1, "0123456789") : 0;
  size_t len = colon != NULL ? (size_t)(colon - text) : 0;
  if (port_len == 0 || port_len > 5 || colon[1 + port_len] != '\0' ||
      atoi(colon + 1) > 65535 || len == 0 || len >= sizeof host)
    misuse("needs HOST:PORT", option);
  if (text[0] == '[' && colon[-1] == ']') {
    text++;
    len -= 2;
  }
  memcpy(host, text, len);
  host[len] = '\0';

  struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  uv_loop_t uv;
  uv_getaddrinfo_t request;
  int rc = uv_loop_init(&uv);
  if (rc == 0) {
    rc = uv_getaddrinfo(&uv, &request, NULL, host, colon + 1, &hints);
    uv_loop_close(&uv);
  }
  if (rc != 0)
    fail(host, rc);
  memcpy(addr, request.addrinfo->ai_addr, request.addrinfo->ai_addrlen);
  uv_freeaddrinfo(request.addrinfo);
}

address_text_t address_text(const struct sockaddr_storage *addr) {
  address_text_t out;
  char host[INET6_ADDRSTRLEN] = "?";
  const struct sockaddr_in *in4 = (const struct sockaddr_in *)addr;
  const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)addr;
  int six = addr->ss_family == AF_INET6;
  if (six)
    uv_ip6_name(in6, host, sizeof host);
  else
    uv_ip4_name(in4, host, sizeof host);
  snprintf(out.text, sizeof out.text, six ? "[%s]:%d" : "%s:%d", host,
           ntohs(six ? in6->sin6_port : in4->sin_port));
  return out;
}

void print_listening(const struct sockaddr_storage *addr) {
  printf("listening on %s\n", address_text(addr).text);
  fflush(stdout);
}

void listen_plain(uv_loop_t *uv, uv_tcp_t *listener,
                  const struct sockaddr_storage *addr, uv_connection_cb cb) {
  struct sockaddr_storage bound;
  int len = sizeof bound;
  int rc = uv_tcp_init(uv, listener);
#ifdef SIGPIPE
  signal(SIGPIPE, SIG_IGN); /* uv_write raises it; weir does not */
#endif
  if (rc == 0)
    rc = uv_tcp_bind(listener, (const struct sockaddr *)addr, 0);
  if (rc == 0)
    rc = uv_listen((uv_stream_t *)listener, 511, cb);
  if (rc == 0)
    rc = uv_tcp_getsockname(listener, (struct sockaddr *)&bound, &len);
  if (rc != 0)
    fail(address_text(addr).text, rc);
  print_listening(&bound);
}

/* ---- The loop ---- */

weir_loop_t *open_loop(uv_loop_t *uv) {
  char why[200];
  weir_loop_options_t options = {.why = why, .why_size = sizeof why};
  weir_loop_t *weir;
  int rc = uv_loop_init(uv);
  if (rc != 0)
    fail("cannot make a loop", rc);
  if (weir_loop_attach(uv, &options, &weir) != 0)
    quit("cannot make a loop", why);
  return weir;
}

static void on_signal(uv_signal_t *signal, int number) {
  (void)signal;
  (void)number;
  void (*stop)(void) = stop_function;
  stop_function = NULL;
  if (stop != NULL)
    stop();
}

void on_stop_signal(uv_loop_t *uv, void (*stop)(void)) {
  static const int numbers[2] = {SIGINT, SIGTERM};
  stop_function = stop;
  for (; nsignals < 2; nsignals++) {
    uv_signal_init(uv, &signals[nsignals]);
    uv_signal_start(&signals[nsignals], on_signal, numbers[nsignals]);
    uv_unref((uv_handle_t *)&signals[nsignals]);
  }
}

void close_loop(uv_loop_t *uv, weir_loop_t *weir) {
  while (nsignals > 0)
    uv_close((uv_handle_t *)&signals[--nsignals], NULL);
  int rc = weir != NULL ? weir_loop_detach(weir, NULL) : 0;
  if (rc == 0) {
    uv_run(uv, UV_RUN_DEFAULT);
    rc = uv_loop_close(uv);
  }
  if (rc != 0)
    fail("something was left open", rc);
}

void print_backend(const weir_loop_t *weir) {
  const char *why;
  if (weir_loop_fallback_reason(weir, &why) != 0)
    printf("backend libuv: %s\n", why);
  else if (weir_loop_wait(weir, &why) == WEIR_WAIT_RING)
    printf("backend io_uring, ring wait: %s\n", why);
  else
    printf("backend io_uring, libuv wait: %s\n", why);
}

void print_stats(const weir_loop_t *weir) {
  weir_loop_stats_t s;
  weir_loop_stats(weir, &s, sizeof s);
  print_backend(weir);
  printf("reads %" PRIu64 ", writes %" PRIu64 ", short writes %" PRIu64
         ", with fixed buffers %" PRIu64 "\n",
         s.reads, s.writes, s.short_writes, s.fixed_ops);
  printf("system calls %" PRIu64 ", submitted %" PRIu64 ", completed %" PRIu64
         ", turns %" PRIu64 ", allocations %" PRIu64 "\n",
         s.syscalls, s.sqes, s.cqes, s.turns, s.allocations);
}
