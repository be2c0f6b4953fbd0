/* When a target says what nobody asked for, and answers who asks (PROTOCOL.md 2.4, 5.1, 5.2). */
#ifndef MAYDAY_SESSION_CALLS_H
#define MAYDAY_SESSION_CALLS_H

#include "mayday/target.h"

/* The link comes up: the first call is due. */
void mayday_calls_init(mayday_calls *calls, mayday_time now);

/* Whether calls are queries, as a distress takes too long on this line (5.2). */
bool mayday_calls_are_queries(const mayday_rtt *rtt);

/* Text was seen on the line. */
void mayday_calls_note_text(mayday_calls *calls, mayday_time now);

/* Somebody asked: a call, or what stands for it, goes out at once, at most five times a second. */
void mayday_calls_ask(mayday_calls *calls, mayday_time now);

/* Takes the answer that is due. */
bool mayday_calls_take_answer(mayday_calls *calls, mayday_time now);

/* What was asked is not answered. */
void mayday_calls_forget_answer(mayday_calls *calls);

/* A session was lost: the next call is due; after a silence it also knocks. */
void mayday_calls_note_lost(mayday_calls *calls, mayday_time now, bool is_silence);

/* An offer was refused, or taken. */
void mayday_calls_note_refused(mayday_calls *calls, mayday_time now);
void mayday_calls_note_served(mayday_calls *calls);

/* A call was sent. `chance`: 0 to 255, for the jitter; `line_ms`: what it takes on the line. */
void mayday_calls_note_called(mayday_calls *calls, mayday_time now, uint8_t chance, uint32_t line_ms);

/* When the next call is due. */
mayday_time mayday_calls_at(const mayday_calls *calls);

/* The session fell silent: queries go out until it is heard again. */
void mayday_calls_knock(mayday_calls *calls, mayday_time now);
void mayday_calls_stop_knocking(mayday_calls *calls);

/* Takes the query that is due. `line_ms`: what it takes on the line. */
bool mayday_calls_take_knock(mayday_calls *calls, mayday_time now, uint32_t line_ms);

/* When the next query is due. */
mayday_time mayday_calls_knock_at(const mayday_calls *calls);

#endif
