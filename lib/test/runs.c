/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <weir/test.h>

/* A test body run over all the ways to cut a sequence, or to fail. */

enum { MOST_RUNS = 100000 };

/* What is cut, and who gets it: one of the two bodies. */
typedef struct cut_s {
  weir_seq_t seq;
  weir_mseq_t mseq;
  weir_test_seq_body seq_body;
  weir_test_mseq_body mseq_body;
  void *arg;
} cut_t;

/* One run: cut before the byte `first` and, for three parts, `second`. */
static int run(const cut_t *c, unsigned nparts, size_t first, size_t second) {
  size_t middle = nparts == 2 ? SIZE_MAX : second - first;
  if (c->mseq_body != NULL) {
    weir_mseq_t parts[3];
    parts[0] = weir_mseq_prefix(c->mseq, first);
    parts[1] = weir_mseq_slice(c->mseq, first, middle);
    parts[2] = weir_mseq_slice(c->mseq, second, SIZE_MAX);
    return c->mseq_body(c->arg, weir_mseq_concat(parts, nparts));
  }
  weir_seq_t parts[3];
  parts[0] = weir_seq_prefix(c->seq, first);
  parts[1] = weir_seq_slice(c->seq, first, middle);
  parts[2] = weir_seq_slice(c->seq, second, SIZE_MAX);
  return c->seq_body(c->arg, weir_seq_concat(parts, nparts));
}

static int splits2(const cut_t *c, size_t size) {
  int r = 0;
  for (size_t first = 0; r == 0 && first <= size; first++)
    r = run(c, 2, first, first);
  return r;
}

static int splits3(const cut_t *c, size_t size) {
  int r = 0;
  for (size_t first = 0; r == 0 && first <= size; first++)
    for (size_t second = first; r == 0 && second <= size; second++)
      r = run(c, 3, first, second);
  return r;
}

int weir_test_splits2(weir_seq_t seq, weir_test_seq_body body, void *arg) {
  cut_t c = {.seq = seq, .seq_body = body, .arg = arg};
  return body == NULL ? UV_EINVAL : splits2(&c, weir_seq_size(seq));
}

int weir_test_splits3(weir_seq_t seq, weir_test_seq_body body, void *arg) {
  cut_t c = {.seq = seq, .seq_body = body, .arg = arg};
  return body == NULL ? UV_EINVAL : splits3(&c, weir_seq_size(seq));
}

int weir_test_msplits2(weir_mseq_t mseq, weir_test_mseq_body body, void *arg) {
  cut_t c = {.mseq = mseq, .mseq_body = body, .arg = arg};
  return body == NULL ? UV_EINVAL : splits2(&c, weir_mseq_size(mseq));
}

int weir_test_msplits3(weir_mseq_t mseq, weir_test_mseq_body body, void *arg) {
  cut_t c = {.mseq = mseq, .mseq_body = body, .arg = arg};
  return body == NULL ? UV_EINVAL : splits3(&c, weir_mseq_size(mseq));
}

int weir_test_each_failure(weir_test_failure_body body, void *arg,
                           size_t *runs) {
  size_t n = 0;
  int reached = 1;
  int r = body == NULL ? UV_EINVAL : 0;
  while (r == 0 && reached && n < MOST_RUNS) {
    reached = 0;
    r = body(arg, ++n, &reached);
  }
  if (runs != NULL)
    *runs = n;
  return r == 0 && reached ? UV_E2BIG : r;
}
