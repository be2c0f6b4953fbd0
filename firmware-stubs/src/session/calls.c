#include "session/calls.h"

#include "mayday/constants.h"

/* A distress between its delimiters, in bytes. */
#define DISTRESS_BYTES 69u

static mayday_time later(mayday_time a, mayday_time b) {
  return a > b ? a : b;
}

void mayday_calls_init(mayday_calls *calls, mayday_time now) {
  calls->started = now;
  calls->call_at = now;
  calls->answer_at = 0;
  calls->knock_at = MAYDAY_NEVER;
  calls->knock_until = 0;
  calls->quiet_until = 0;
  calls->text_since = 0;
  calls->said_at = 0;
  calls->is_answer_due = false;
  calls->is_knock_over = false;
}

bool mayday_calls_are_queries(const mayday_rtt *rtt) {
  return mayday_line_ms(rtt, DISTRESS_BYTES) > MAYDAY_DISTRESS_LINE_MS_MAX;
}

void mayday_calls_note_text(mayday_calls *calls, mayday_time now) {
  if (now >= calls->quiet_until) calls->text_since = now;
  calls->quiet_until = now + MAYDAY_QUIET_MS;
}

/* When something may be said unasked: after a pause in the text, or now and then in text without end. */
static mayday_time free_at(const mayday_calls *calls) {
  mayday_time endless = later(calls->text_since + MAYDAY_ENDLESS_AFTER_MS, calls->said_at + MAYDAY_ENDLESS_INTERVAL_MS);
  return endless < calls->quiet_until ? endless : calls->quiet_until;
}

void mayday_calls_ask(mayday_calls *calls, mayday_time now) {
  if (calls->is_answer_due) return;
  calls->is_answer_due = true;
  calls->answer_at = later(calls->answer_at, now);
}

bool mayday_calls_take_answer(mayday_calls *calls, mayday_time now) {
  if (!calls->is_answer_due || now < calls->answer_at) return false;
  calls->is_answer_due = false;
  calls->answer_at = now + MAYDAY_ANSWER_INTERVAL_MS;
  return true;
}

void mayday_calls_forget_answer(mayday_calls *calls) {
  calls->is_answer_due = false;
}

void mayday_calls_note_lost(mayday_calls *calls, mayday_time now, bool is_silence) {
  calls->call_at = now;
  if (is_silence) mayday_calls_knock(calls, now);
  else mayday_calls_stop_knocking(calls);
}

void mayday_calls_note_refused(mayday_calls *calls, mayday_time now) {
  calls->call_at = now + MAYDAY_AFTER_REFUSAL_MS;
}

void mayday_calls_note_served(mayday_calls *calls) {
  calls->is_answer_due = false;
  mayday_calls_stop_knocking(calls);
}

void mayday_calls_note_called(mayday_calls *calls, mayday_time now, uint8_t chance, uint32_t line_ms) {
  uint32_t interval = now - calls->started < MAYDAY_FIRST_FOR_MS ? MAYDAY_FIRST_INTERVAL_MS : MAYDAY_INTERVAL_MS;
  /* Up to a tenth shorter, so that two boards do not call in step. */
  interval -= interval * chance / 2560u;
  uint32_t share = line_ms * (100u / MAYDAY_CALL_SHARE_PERCENT);
  calls->call_at = now + (interval > share ? interval : share);
  calls->said_at = now;
}

mayday_time mayday_calls_at(const mayday_calls *calls) {
  mayday_time call = later(calls->call_at, free_at(calls));
  return calls->is_answer_due && calls->answer_at < call ? calls->answer_at : call;
}

void mayday_calls_knock(mayday_calls *calls, mayday_time now) {
  if (calls->knock_at != MAYDAY_NEVER || calls->is_knock_over) return;
  calls->knock_at = now;
  calls->knock_until = now + MAYDAY_KNOCKING_FOR_MS;
}

void mayday_calls_stop_knocking(mayday_calls *calls) {
  calls->knock_at = MAYDAY_NEVER;
  calls->is_knock_over = false;
}

bool mayday_calls_take_knock(mayday_calls *calls, mayday_time now, uint32_t line_ms) {
  if (now < mayday_calls_knock_at(calls)) return false;
  if (now >= calls->knock_until) {
    calls->knock_at = MAYDAY_NEVER;
    calls->is_knock_over = true;
    return false;
  }
  uint32_t share = line_ms * (100u / MAYDAY_KNOCK_SHARE_PERCENT);
  calls->knock_at = now + (share > MAYDAY_KNOCK_INTERVAL_MS ? share : MAYDAY_KNOCK_INTERVAL_MS);
  calls->said_at = now;
  return true;
}

mayday_time mayday_calls_knock_at(const mayday_calls *calls) {
  return calls->knock_at == MAYDAY_NEVER ? MAYDAY_NEVER : later(calls->knock_at, free_at(calls));
}
