#include "session/calls.h"

#include "base/apart.h"
#include "mayday/constants.h"
#include "session/hearing.h"

/* Query and distress between their delimiters, in bytes. */
#define QUERY_BYTES 25u
#define DISTRESS_BYTES 69u

static mayday_moment later(mayday_moment a, mayday_moment b) {
  return a > b ? a : b;
}

void mayday_calls_init(mayday_target *target) {
  target->calls.started = target->now;
  target->calls.call_at = target->now;
  target->calls.knock_at = MAYDAY_NO_MOMENT;
}

bool mayday_calls_are_queries(const mayday_target *target) {
  return mayday_line_ms(&target->rtt, DISTRESS_BYTES) > MAYDAY_DISTRESS_LINE_MS_MAX;
}

void mayday_calls_note_text(mayday_target *target) {
  mayday_calls *calls = &target->calls;
  if (target->now >= calls->quiet_until) calls->text_since = target->now;
  calls->quiet_until = target->now + MAYDAY_QUIET_MS;
}

mayday_moment mayday_calls_when_free(const mayday_target *target, mayday_moment at) {
  const mayday_calls *calls = &target->calls;
  mayday_moment endless = later(calls->text_since + MAYDAY_ENDLESS_AFTER_MS, calls->said_at + MAYDAY_ENDLESS_INTERVAL_MS);
  return later(at, endless < calls->quiet_until ? endless : calls->quiet_until);
}

/* What was said takes so many bytes on the line, of which it may have this share. Returns when it may be said again. */
static mayday_moment note_said(mayday_target *target, uint32_t interval, uint32_t bytes, uint32_t share_percent) {
  target->calls.said_at = target->now;
  return target->now + later(interval, mayday_line_ms(&target->rtt, bytes) * (100u / share_percent));
}

void mayday_calls_ask(mayday_target *target) {
  mayday_calls *calls = &target->calls;
  if (calls->is_answer_due) return;
  calls->is_answer_due = true;
  calls->answer_at = later(calls->answer_at, target->now);
}

bool mayday_calls_take_answer(mayday_target *target) {
  mayday_calls *calls = &target->calls;
  if (!calls->is_answer_due || target->now < calls->answer_at) return false;
  calls->is_answer_due = false;
  calls->answer_at = target->now + MAYDAY_ANSWER_INTERVAL_MS;
  return true;
}

void mayday_calls_note_lost(mayday_target *target, bool is_silence) {
  target->calls.call_at = target->now;
  if (is_silence) mayday_calls_knock(target);
  else mayday_calls_stop_knocking(target);
}

void mayday_calls_note_refused(mayday_target *target) {
  target->calls.call_at = target->now + MAYDAY_AFTER_REFUSAL_MS;
}

void mayday_calls_note_served(mayday_target *target) {
  target->calls.is_answer_due = false;
  mayday_calls_stop_knocking(target);
}

/* xorshift32: for waits only. */
static uint32_t jitter(mayday_target *target) {
  uint32_t x = target->chance;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  target->chance = x;
  return x >> 24;
}

void mayday_calls_note_called(mayday_target *target) {
  mayday_calls *calls = &target->calls;
  uint32_t since = target->now - calls->started;
  uint32_t interval = since < MAYDAY_FIRST_FOR_MS ? MAYDAY_FIRST_INTERVAL_MS : MAYDAY_INTERVAL_MS;
  if (since < MAYDAY_EARLY_FOR_MS) interval = MAYDAY_EARLY_INTERVAL_MS;
  /* Up to a tenth shorter, so that two boards do not call in step. */
  interval -= interval * jitter(target) / 2560u;
  uint32_t bytes = mayday_calls_are_queries(target) ? QUERY_BYTES : DISTRESS_BYTES + mayday_copy_bytes(target);
  calls->call_at = note_said(target, interval, bytes, MAYDAY_CALL_SHARE_PERCENT);
}

bool mayday_calls_take_call(mayday_target *target) {
  if (target->now < mayday_calls_when_free(target, target->calls.call_at)) return false;
  mayday_calls_note_called(target);
  return true;
}

mayday_moment mayday_calls_at(const mayday_target *target) {
  const mayday_calls *calls = &target->calls;
  mayday_moment call = mayday_calls_when_free(target, calls->call_at);
  return calls->is_answer_due && calls->answer_at < call ? calls->answer_at : call;
}

void mayday_calls_knock(mayday_target *target) {
  mayday_calls *calls = &target->calls;
  if (calls->knock_at != MAYDAY_NO_MOMENT || calls->is_knock_over) return;
  calls->knock_at = target->now;
  calls->knock_until = target->now + MAYDAY_KNOCKING_FOR_MS;
}

MAYDAY_APART void mayday_calls_stop_knocking(mayday_target *target) {
  target->calls.knock_at = MAYDAY_NO_MOMENT;
  target->calls.is_knock_over = false;
}

bool mayday_calls_take_knock(mayday_target *target) {
  mayday_calls *calls = &target->calls;
  if (target->now < mayday_calls_knock_at(target)) return false;
  if (target->now >= calls->knock_until) {
    calls->knock_at = MAYDAY_NO_MOMENT;
    calls->is_knock_over = true;
    return false;
  }
  calls->knock_at = note_said(target, MAYDAY_KNOCK_INTERVAL_MS, QUERY_BYTES, MAYDAY_KNOCK_SHARE_PERCENT);
  return true;
}
