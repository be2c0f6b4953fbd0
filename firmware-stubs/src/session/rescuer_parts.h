/* What the parts of the rescuer call of each other. */
#ifndef MAYDAY_SESSION_RESCUER_PARTS_H
#define MAYDAY_SESSION_RESCUER_PARTS_H

#include "mayday/rescuer.h"
#include "image/tree.h"
#include "wire/frame.h"

/* Messages that wait, in the order in which they go. */
#define MAYDAY_DUE_DONE_ACK 0x01u
#define MAYDAY_DUE_BYE 0x02u
#define MAYDAY_DUE_NONE 0x04u
#define MAYDAY_DUE_BEACON 0x08u
#define MAYDAY_DUE_OFFER 0x10u
#define MAYDAY_DUE_LATER 0x20u

#define MAYDAY_NO_OFFER 0xffu

/* The codec of a run that was not looked at yet: whether all bytes below its node are equal. */
#define MAYDAY_CODEC_UNDECIDED 0xffu

/* What is remembered of a neighbour, for a while: of a start of it, by its boot nonce, that it refused the image or is served by
 * another rescuer; of a node id, that it said it was healed. */
#define MAYDAY_REFUSED_IMAGE 1u
#define MAYDAY_STOOD_DOWN 2u
#define MAYDAY_SAID_HEALED 3u

/* rescuer.c */

/* Queues a message; drops it while mute. */
void mayday_rescuer_say(mayday_rescuer *rescuer, uint8_t due);
/* An offer or session is over, or a board was not offered anything. */
void mayday_rescuer_note_end(mayday_rescuer *rescuer, mayday_rescuer_end end, uint8_t reason);
/* Hands over a frame of `length` bytes without its CRC, for which there is room. `mendable`: 0 for COBS. */
void mayday_rescuer_hand_over(mayday_rescuer *rescuer, uint8_t *frame, size_t length, uint32_t tag, uint8_t mendable);
/* The time, which is taken over from the clock. */
mayday_time mayday_rescuer_tick(mayday_rescuer *rescuer);

/* rescuer_hearing.c */

/* Looks at the run that is unfinished: a boot log ends none until it pauses. */
void mayday_rescuer_look(mayday_rescuer *rescuer);

/* rescuer_forms.c */

#if MAYDAY_WITH_FEC
void mayday_rescuer_init_forms(mayday_rescuer *rescuer);
/* Puts the extension *forms* behind the message; returns the length with it. */
size_t mayday_rescuer_put_forms(mayday_rescuer *rescuer, mayday_frame_kind kind, size_t length);
/* The form of a message or probe: as `mendable` of mayday_rescuer_hand_over. */
uint8_t mayday_rescuer_form(mayday_rescuer *rescuer, mayday_frame_kind kind);
/* Begins a frame with its CRC in the second form, if it is to go in that; else it changed nothing. */
bool mayday_rescuer_begin_coded(mayday_rescuer *rescuer, const uint8_t *frame, size_t length, uint8_t mendable);
/* An ack was taken in. */
static inline void mayday_rescuer_note_mended(mayday_rescuer *rescuer, const mayday_frame *ack) {
  if (ack->has_mended) mayday_sender_mended(&rescuer->sender, ack->mended);
}
/* A session begins. */
void mayday_rescuer_begin_forms(mayday_rescuer *rescuer, uint16_t payload_max);
#else
static inline void mayday_rescuer_init_forms(mayday_rescuer *rescuer) {
  (void)rescuer;
}
static inline size_t mayday_rescuer_put_forms(mayday_rescuer *rescuer, mayday_frame_kind kind, size_t length) {
  (void)rescuer;
  (void)kind;
  return length;
}
static inline uint8_t mayday_rescuer_form(mayday_rescuer *rescuer, mayday_frame_kind kind) {
  (void)rescuer;
  (void)kind;
  return 0;
}
static inline bool mayday_rescuer_begin_coded(mayday_rescuer *rescuer, const uint8_t *frame, size_t length, uint8_t mendable) {
  (void)rescuer;
  (void)frame;
  (void)length;
  (void)mendable;
  return false;
}
static inline void mayday_rescuer_note_mended(mayday_rescuer *rescuer, const mayday_frame *ack) {
  (void)rescuer;
  (void)ack;
}
static inline void mayday_rescuer_begin_forms(mayday_rescuer *rescuer, uint16_t payload_max) {
  (void)rescuer;
  (void)payload_max;
}
#endif

/* rescuer_budget.c */

void mayday_rescuer_remember(mayday_rescuer *rescuer, const uint8_t name[8], uint8_t what, uint32_t ms);
/* A target takes the image later: this start of it is not offered it before, for a minute at most (5.15). */
void mayday_rescuer_remember_deferral(mayday_rescuer *rescuer, const uint8_t target_nonce[8], uint32_t seconds);
bool mayday_rescuer_remembers(const mayday_rescuer *rescuer, const uint8_t name[8], uint8_t what);
/* What was sent healed nobody. */
void mayday_rescuer_waste(mayday_rescuer *rescuer, uint32_t bytes);
bool mayday_rescuer_has_budget(mayday_rescuer *rescuer);
/* The target of the session says that it is healed. */
void mayday_rescuer_settle(mayday_rescuer *rescuer);
/* Bytes that one session may send at most. */
uint32_t mayday_rescuer_session_limit(const mayday_rescuer *rescuer);

/* rescuer_handshake.c */

/* A distress, or a beacon that wants an update. */
void mayday_rescuer_call(mayday_rescuer *rescuer, const mayday_frame *beacon);
/* Accept, refuse, stand-down, bye or defer, without a session. */
void mayday_rescuer_answer(mayday_rescuer *rescuer, const mayday_frame *answer);
/* Repeats and ends offers. */
void mayday_rescuer_tend_offers(mayday_rescuer *rescuer);
/* A query came: the offer that is out is sent again. */
void mayday_rescuer_offer_again(mayday_rescuer *rescuer);

/* rescuer_serving.c */

void mayday_rescuer_begin(mayday_rescuer *rescuer, const mayday_offered *offered, const mayday_frame *accept);
/* Accept, refuse, stand-down, bye or defer while a session runs. */
void mayday_rescuer_answer_serving(mayday_rescuer *rescuer, const mayday_frame *answer);
/* A frame of the session. */
void mayday_rescuer_serve(mayday_rescuer *rescuer, const mayday_frame *frame);
/* The target has the image, if that can be true yet. */
void mayday_rescuer_done(mayday_rescuer *rescuer);
void mayday_rescuer_lose(mayday_rescuer *rescuer, mayday_rescuer_end end, uint8_t reason);
/* The session is over, and its frames are those of a past one. */
void mayday_rescuer_forget_session(mayday_rescuer *rescuer);
/* Silence, limits, later. */
void mayday_rescuer_tend_session(mayday_rescuer *rescuer);

/* rescuer_wants.c */

/* Takes in what an accept asks for, a request, a grant; what no longer is wanted is dropped. */
void mayday_rescuer_take_asks(mayday_rescuer *rescuer, uint8_t asks);
void mayday_rescuer_take_request(mayday_rescuer *rescuer, const mayday_frame *request);
void mayday_rescuer_take_grant(mayday_rescuer *rescuer, const uint8_t *entries, uint8_t count);
void mayday_rescuer_send_manifest(mayday_rescuer *rescuer);
/* Gives places to runs and blocks that wait. Returns whether none waits any more; false also when a read failed. */
bool mayday_rescuer_fill(mayday_rescuer *rescuer);
/* What was acked in full leaves its place. */
void mayday_rescuer_drop_delivered(mayday_rescuer *rescuer);
/* Whether nothing is granted of which a byte was not acked. */
bool mayday_rescuer_is_delivered(const mayday_rescuer *rescuer);

/* rescuer_making.c */

mayday_shape mayday_rescuer_shape(const mayday_rescuer *rescuer);
/* Whether all bytes of a block are equal to `value`, or, `is_first`, to each other; then `value` is written. */
bool mayday_rescuer_is_uniform(mayday_rescuer *rescuer, uint32_t block, bool is_first, uint8_t *value);
/* Hands over the next packet, or works on it. */
void mayday_rescuer_make_packet(mayday_rescuer *rescuer);

#endif
