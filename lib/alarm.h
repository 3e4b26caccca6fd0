/* SPDX-FileCopyrightText: 2026 The weir authors
 * SPDX-License-Identifier: MIT
 */
#ifndef WEIR__ALARM_H
#define WEIR__ALARM_H

#include "loop.h"

/* Something is due at a time. Its function is one of the starts of a turn. */

/* Sets an alarm, or sets it anew: after ms milliseconds; at a time of
 * uv_now. */
void weir__alarm_after(weir_loop_t *loop, weir_alarm_t *alarm, uint64_t ms);
void weir__alarm_at(weir_loop_t *loop, weir_alarm_t *alarm, uint64_t at);

/* The timer that turns the wheel is another one from now on. */
void weir__alarm_renew(weir_loop_t *loop);

/* Ends one, if it is set. */
void weir__alarm_end(weir_loop_t *loop, weir_alarm_t *alarm);

#endif
