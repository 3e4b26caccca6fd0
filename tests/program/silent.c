/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "inside.h"

/* Writes of which nobody is told: what of them went is known by what comes
 * behind them. */

enum { MOST = 20000, FIRST_KEY = 1000 };

static void begun(end_t *e, size_t number, int r) {
  program_t *p = e->p;
  piece_t *piece = &e->out.pieces[number];
  int want = write_refuses(e);

  trace(p, "  silent write of %zu: %d", piece->len, r);
  if (want == UV_ENOTCONN && r != want)
    want = e->ended == END_ENDED ? UV_EPIPE : 0;
  if (want != UV_EPIPE && r == UV_EPIPE && e->ended == END_PERHAPS)
    want = r;
  must(p, r == want, "a silent write got %s, not %s", said(r), said(want));
  if (r != 0)
    return;
  piece->silent = 1;
  piece->n = e->write_status == 0 ? piece->len : 0;
  p->bytes += piece->len;
  p->begun++;
}

/* ---- Copies ---- */

void copy_do(end_t *e, random_t *dice) {
  size_t len = random_below(dice, random_below(dice, 8) ? 900 : MOST);
  uint8_t *bytes = malloc(len + 1);
  program_t *p = e->p;
  size_t piece;
  int r;

  must(p, bytes != NULL, "no memory");
  if (e->can_write && e->passed_to == NULL) {
    piece = flow_write(&e->out, len);
    flow_fill(&e->out, piece, 0, bytes, len);
    p->inside = 1;
    r = weir_write_copy(e->stream, bytes, len);
    p->inside = 0;
    begun(e, piece, r);
  }
  memset(bytes, 0xe5, len);
  free(bytes);
}

/* ---- Messages ---- */

typedef struct note_s {
  weir_message_t message;
  struct note_s *next;
  program_t *p;
  cut_t cut;
  unsigned key;
  size_t len;
  unsigned holds; /* the program's */
  int releasing;
} note_t;

static void on_released(weir_message_t *message) {
  note_t *note = message->data, **at;
  program_t *p = note->p;

  trace(p, "    message %u is released", note->key);
  must(p, !p->inside || note->releasing, "a message ended inside of a call");
  must_be(p, note->holds, 0, "a message that is held ended");
  p->progress++;
  for (at = &p->notes; *at != note; at = &(*at)->next)
    must(p, *at != NULL, "a message ended again");
  *at = note->next;
  cut_end(&note->cut, &p->retired);
  memset(note, 0xe5, sizeof(*note));
  free(note);
}

static note_t *note_new(program_t *p, random_t *dice) {
  note_t *note = calloc(1, sizeof(*note));
  flow_t bytes;

  must(p, note != NULL, "no memory");
  note->p = p;
  note->key = FIRST_KEY + p->nnotes++;
  note->len = random_below(dice, random_below(dice, 4) ? 3000 : MOST);
  note->holds = 1;
  cut_make(&note->cut, note->len, dice, random_below(dice, 4) ? NULL : p->pool);
  note->cut.uncopied = 1;
  flow_init(&bytes, note->key);
  cut_fill(&note->cut, &bytes, flow_write(&bytes, note->len));
  flow_free(&bytes);
  memset(&note->message, 0xa5, sizeof(note->message));
  note->message.data = note;
  must_be(p,
          weir_message_init(&note->message, weir_seq_from(note->cut.seq),
                            on_released),
          0, "making a message");
  note->next = p->notes;
  p->notes = note;
  return note;
}

static void note_write(note_t *note, end_t *e) {
  program_t *p = note->p;
  size_t piece;
  int r;

  if (e->stream == NULL || e->state == END_NONE || e->lost || !e->can_write ||
      e->passed_to != NULL)
    return;
  piece = flow_write_same(&e->out, note->key, note->len);
  p->inside = 1;
  r = weir_message_write(&note->message, e->stream);
  p->inside = 0;
  begun(e, piece, r);
}

static void note_release(note_t *note) {
  program_t *p = note->p;

  note->holds--;
  p->inside = note->releasing = 1;
  weir_message_release(&note->message);
  p->inside = 0;
}

void message_do(program_t *p, random_t *dice) {
  size_t which = random_below(dice, 2), n = p->nlinks * 2;
  note_t *note = p->notes;

  while (note != NULL && (note->holds == 0 || which-- > 0))
    note = note->next;
  if (note == NULL)
    note = note_new(p, dice);
  trace(p, "  message %u of %zu", note->key, note->len);
  for (size_t i = random_below(dice, n + 1); i > 0; i--) {
    size_t k = random_below(dice, n);

    note_write(note, &p->links[k / 2].ends[k % 2]);
  }
  if (random_below(dice, 4) == 0) {
    weir_message_hold(&note->message);
    note->holds++;
  }
  if (random_below(dice, 3) != 0)
    note_release(note);
}

/* Each release may free any of them. */
void message_drain(program_t *p) {
  note_t *note;

  do {
    for (note = p->notes; note != NULL && note->holds == 0; note = note->next)
      continue;
    if (note != NULL)
      note_release(note);
  } while (note != NULL);
}
