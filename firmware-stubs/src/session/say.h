/* What a target sends (PROTOCOL.md 5). A message that finds no room is dropped: its owner repeats it. */
#ifndef MAYDAY_SESSION_SAY_H
#define MAYDAY_SESSION_SAY_H

#include "mayday/target.h"
#include "wire/frame.h"

void mayday_say_query(mayday_target *target);
/* Distress, of a board that calls; else a beacon. */
void mayday_say_status(mayday_target *target, bool is_call);
/* Accept, refuse, bye, defer: of an offer, or of the session if `offer` is NULL. `value`: the reason of a refuse or bye; the seconds
 * of a defer, whose reason is always wear. */
void mayday_say_about(mayday_target *target, mayday_frame_kind kind, const mayday_frame *offer, uint32_t value);
void mayday_say_stand_down(mayday_target *target, const mayday_frame *offer, uint32_t retry_ms);
/* In a session. */
void mayday_say_ack(mayday_target *target);
void mayday_say_request(mayday_target *target, uint8_t level, uint32_t index);
void mayday_say_grant(mayday_target *target);
void mayday_say_busy(mayday_target *target);
void mayday_say_done(mayday_target *target);

#endif
