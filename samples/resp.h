/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef SAMPLES_RESP_H
#define SAMPLES_RESP_H

#include <stddef.h>

/* Requests of RESP2, the protocol of redis: an array of bulk strings,
 *
 *   *2\r\n$3\r\nGET\r\n$1\r\na\r\n
 *
 * or words on a line. They are understood while they come in, in any pieces;
 * no byte is looked at twice, and nothing is kept for what is only announced.
 */

enum {
  RESP_MAX_LINE = 64 << 10,
  RESP_MAX_WORDS = 1 << 20,
  RESP_MAX_REQUEST = 64 << 20 /* with all its words */
};

typedef struct text_s {
  char *at;
  size_t len;
} text_t;

typedef struct resp_word_s {
  size_t offset;
  size_t len;
} resp_word_t;

/* All zero at first. */
typedef struct resp_s {
  size_t count;   /* words that have come */
  size_t at;      /* bytes that are understood; in the end: of the request */
  char error[64]; /* what is wrong with it */

  /* Private. */
  char *base;
  size_t seen; /* bytes of a line that hold no end */
  size_t wanted;
  size_t bulk; /* the word that comes next, with its CRLF; 0: not known */
  size_t room;
  resp_word_t *many; /* instead of few */
  resp_word_t few[8];
} resp_t;

/* Goes on with the request that begins at base, of which len bytes have come,
 * those of before and more; they may have moved. Returns 1 when it is whole, in
 * which case it may have no words; 0 when there has to be more; UV_EINVAL when
 * it is none, with r->error; or UV_ENOMEM. */
int resp_parse(resp_t *r, char *base, size_t len);

/* Word i of a whole request: valid until base moves. */
text_t resp_word(const resp_t *r, size_t i);

/* How many bytes more than len have to come at least, if that is known. */
size_t resp_missing(const resp_t *r, size_t len);

/* Makes it ready for the next request; frees what it holds. */
void resp_reset(resp_t *r);

#endif
