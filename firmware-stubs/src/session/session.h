/* One session of a target, from the accept to the end of saying done (PROTOCOL.md 6.1). */
#ifndef MAYDAY_SESSION_SESSION_H
#define MAYDAY_SESSION_SESSION_H

#include "mayday/target.h"
#include "wire/frame.h"

/* Takes the offer: sends the accept. */
void mayday_session_begin(mayday_target *target, const mayday_frame *offer);

/* The running offer came again. */
void mayday_session_repeat_accept(mayday_target *target);

/* A frame of the session: object, probe, data, later, done-ack. */
void mayday_session_take(mayday_target *target, const mayday_frame *frame);

/* The rescuer left. */
void mayday_session_take_bye(mayday_target *target);

/* Does what is due by time. */
void mayday_session_tick(mayday_target *target);

/* Does one piece of work; false when there is none. */
bool mayday_session_work(mayday_target *target);

/* When mayday_session_tick has something to do. */
mayday_moment mayday_session_due(const mayday_target *target);

/* How long a rescuer may not be heard before another one takes over: three waits (6). */
uint32_t mayday_session_silence_ms(const mayday_target *target);

/* Whether it was not heard for so long. */
bool mayday_session_is_silent(const mayday_target *target);

/* Why a session ends before the board is healed. */
typedef enum mayday_session_loss {
  MAYDAY_LOSS_SILENCE, /* lease, or another rescuer takes over */
  MAYDAY_LOSS_OTHER    /* bye, too much that was wrong, an image that does not boot */
} mayday_session_loss;

/* Back to calling. */
void mayday_session_lose(mayday_target *target, mayday_session_loss why);

#endif
