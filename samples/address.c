/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

static void resolve(const char *host, const char *port,
                    struct sockaddr_storage *addr) {
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  uv_loop_t uv;
  uv_getaddrinfo_t request;
  int rc = uv_loop_init(&uv);
  if (rc == 0) {
    rc = uv_getaddrinfo(&uv, &request, NULL, host, port, &hints);
    uv_loop_close(&uv);
  }
  if (rc != 0)
    fail(host, rc);
  memcpy(addr, request.addrinfo->ai_addr, request.addrinfo->ai_addrlen);
  uv_freeaddrinfo(request.addrinfo);
}

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
  resolve(host, colon + 1, addr);
}

static int has_ipv6(void) {
  uv_loop_t uv;
  uv_tcp_t tcp;
  if (uv_loop_init(&uv) != 0)
    return 0;
  int rc = uv_tcp_init_ex(&uv, &tcp, AF_INET6);
  if (rc == 0)
    uv_close((uv_handle_t *)&tcp, NULL);
  uv_run(&uv, UV_RUN_DEFAULT);
  uv_loop_close(&uv);
  return rc == 0;
}

void parse_listen_address(const char *option, const char *text,
                          struct sockaddr_storage *addr) {
  char every[32];
  if (text != NULL && strncmp(text, "*:", 2) == 0) {
    /* A socket of IPv6 takes connections of IPv4, too. */
    snprintf(every, sizeof every, "%s%s", has_ipv6() ? "[::]" : "0.0.0.0",
             text + 1);
    text = every;
  }
  parse_address(option, text, addr);
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

address_text_t peer_text(const weir_stream_t *stream) {
  struct sockaddr_storage addr;
  int len = sizeof addr;
  if (weir_getpeername(stream, (struct sockaddr *)&addr, &len) == 0)
    return address_text(&addr);
  return (address_text_t){"a peer that left"};
}

void print_listening(const struct sockaddr_storage *addr) {
  printf("listening on %s\n", address_text(addr).text);
  fflush(stdout);
}
