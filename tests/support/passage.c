/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "passage.h"

#include <stdlib.h>
#include <string.h>

void passage_over(weir_relay_t *relay, int status) {
  passage_t *p = relay->data;
  weir_seq_t held = weir_relay_held(relay);

  p->calls++;
  p->status = status;
  if (p->options.pool != NULL)
    p->available = weir_pool_available(p->options.pool);
  weir_relay_info(relay, &p->info, sizeof(p->info));
  p->nleft = weir_seq_size(held);
  p->left = malloc(p->nleft + 1);
  weir_seq_copy(weir_mseq_block(p->left, p->nleft), held, SIZE_MAX);
}

void passage_progress(weir_relay_t *relay, size_t n) {
  passage_t *p = relay->data;

  p->progress += n;
  if (++p->told == p->stop_at)
    weir_relay_stop(relay);
}

void passage_init(passage_t *p, size_t capacity) {
  memset(p, 0, sizeof(*p));
  p->ring = malloc(capacity);
  p->options.size = sizeof(p->options);
  p->options.ring = p->ring;
  p->options.capacity = capacity;
  p->options.progress = passage_progress;
}

void passage_start(passage_t *p, weir_stream_t *source, weir_stream_t *sink) {
  /* The memory of a relay need not be clean. */
  memset(&p->relay, 0xa5, sizeof(p->relay));
  p->relay.data = p;
  check_is(weir_relay_start(&p->relay, source, sink, &p->options, passage_over),
           0);
}

void passage_end(struct weir_fixture *f, passage_t *p, int status) {
  run_until(f, &p->calls);
  check_is(p->calls, 1);
  cr_assert(p->status == status, "the status is %s, not %s",
            p->status ? uv_err_name(p->status) : "0",
            status ? uv_err_name(status) : "0");
  check_is(p->info.bytes_read, p->info.bytes_written + p->nleft);
  check_is(p->info.bytes_written, p->progress);
  check_is(p->info.writes, p->told);
  cr_assert(pattern_holds(p->left, (size_t)p->info.bytes_written, p->nleft),
            "other bytes are held");
}

void passage_free(passage_t *p) {
  free(p->left);
  free(p->ring);
}
