/* When a target says what nobody asked for, and answers who asks (PROTOCOL.md 2.4, 5.1, 5.2). */
#ifndef MAYDAY_SESSION_CALLS_H
#define MAYDAY_SESSION_CALLS_H

#include "mayday/target.h"

/* The link comes up: the first call is due. */
void mayday_calls_init(mayday_target *target);

/* Whether calls are queries, as a distress takes too long on this line (5.2). */
bool mayday_calls_are_queries(const mayday_target *target);

/* Text was seen on the line. */
void mayday_calls_note_text(mayday_target *target);

/* Somebody asked: a call, or what stands for it, goes out at once, at most five times a second. */
void mayday_calls_ask(mayday_target *target);

/* Takes the answer that is due. */
bool mayday_calls_take_answer(mayday_target *target);

/* A session was lost: the next call is due; after a silence it also knocks. */
void mayday_calls_note_lost(mayday_target *target, bool is_silence);

/* An offer was refused, or taken. */
void mayday_calls_note_refused(mayday_target *target);
void mayday_calls_note_served(mayday_target *target);

/* A call was sent, by time or as an answer: when the next one is due. */
void mayday_calls_note_called(mayday_target *target);

/* Takes the call that is due. */
bool mayday_calls_take_call(mayday_target *target);

/* When the next call, or answer, is due. */
mayday_moment mayday_calls_at(const mayday_target *target);

/* The session fell silent: queries go out until it is heard again. */
void mayday_calls_knock(mayday_target *target);
void mayday_calls_stop_knocking(mayday_target *target);

/* Takes the query that is due. */
bool mayday_calls_take_knock(mayday_target *target);

/* The same moment, or a later one if nothing may be said unasked then: after a pause in the text, or now and then in text without
 * end (2.4). */
mayday_moment mayday_calls_when_free(const mayday_target *target, mayday_moment at);

/* When the next query is due. */
static inline mayday_moment mayday_calls_knock_at(const mayday_target *target) {
  return mayday_calls_when_free(target, target->calls.knock_at);
}

#endif
