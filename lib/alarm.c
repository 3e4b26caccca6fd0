/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#include "alarm.h"

#include "queue.h"

/* One timer of libuv's turns the wheel of all alarms. */

static void on_alarm(uv_timer_t *timer);

/* Has the wheel turned at that time, if it is not turned before. */
static void wind(weir_loop_t *loop, uint64_t at) {
  uv_timer_t *timer = &loop->hooks->alarm;
  uint64_t now = uv_now(loop->uv);
  if (at >= loop->wound || uv_is_closing((uv_handle_t *)timer))
    return;
  loop->wound = at;
  uv_timer_start(timer, on_alarm, at > now ? at - now : 0, 0);
}

static int waits(const weir_loop_t *loop) {
  return !weir__queue_empty(&loop->wheel.reached);
}

static void on_alarm(uv_timer_t *timer) {
  weir_loop_t *loop = timer->data;
  loop->wound = UINT64_MAX;
  weir__wheel_turn(&loop->wheel, uv_now(loop->uv));
  wind(loop, weir__wheel_next(&loop->wheel));
  if (waits(loop))
    weir__loop_wake(loop);
}

void weir__alarm_renew(weir_loop_t *loop) {
  loop->wound = UINT64_MAX;
  wind(loop, weir__wheel_next(&loop->wheel));
}

void weir__alarm_end(weir_loop_t *loop, weir_alarm_t *alarm) {
  if (weir__alarm_is_set(alarm))
    weir__wheel_take(&loop->wheel, alarm);
}

/* As long as nothing is to be reached, the wheel may be turned at once. */
void weir__alarm_at(weir_loop_t *loop, weir_alarm_t *alarm, uint64_t at) {
  uint64_t now = uv_now(loop->uv);
  weir__alarm_end(loop, alarm);
  if (now < loop->wound && now > loop->wheel.time)
    loop->wheel.time = now;
  uint64_t turn = weir__wheel_put(&loop->wheel, alarm, at);
  if (turn <= loop->wheel.time)
    weir__loop_wake(loop);
  else
    wind(loop, turn);
}

void weir__alarm_after(weir_loop_t *loop, weir_alarm_t *alarm, uint64_t ms) {
  uint64_t now = uv_now(loop->uv);
  weir__alarm_at(loop, alarm, ms < UINT64_MAX - now ? now + ms : UINT64_MAX);
}

static unsigned start(weir_loop_t *loop, unsigned most) {
  unsigned n;
  for (n = 0; n < most && waits(loop); n++) {
    weir_alarm_t *alarm = weir__wheel_look(&loop->wheel);
    if (alarm != NULL)
      alarm->ring(alarm);
  }
  if (n > 0)
    wind(loop, weir__wheel_next(&loop->wheel));
  return n;
}

static void retry(weir_loop_t *loop) {
  (void)loop;
}

const weir__source_t weir__alarm_source = {waits, start, retry};
