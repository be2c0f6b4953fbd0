/* What a target does with the second form of frames (PROTOCOL.md 2.5). A build without MAYDAY_WITH_FEC, a message link, and a target
 * whose memory has no `held` know COBS only. */
#ifndef MAYDAY_SESSION_HEARING_H
#define MAYDAY_SESSION_HEARING_H

#include "mayday/target.h"
#include "wire/frame.h"

#if MAYDAY_WITH_FEC

/* In target.c; there alone in a build without the second form. */
#define MAYDAY_OF_TARGET
/* Whether the bytes, which took `on_line` bytes in COBS, were a frame of somebody. */
bool mayday_target_take_frame(mayday_target *target, const uint8_t *bytes, size_t length, size_t on_line);
/* Takes a byte that is part of no frame of the second form, and came at `clock`. */
void mayday_target_take_byte(mayday_target *target, uint8_t byte, uint32_t clock);

/* Whether `held` has room for frames with such a payload, and for all messages, or is not given. */
bool mayday_is_held_room(const mayday_memory *memory, uint32_t payload);

/* The target starts. */
void mayday_hearing_init(mayday_target *target, const mayday_memory *memory);

/* Takes a byte that came now; false: nothing is hunted for on this line. */
bool mayday_hear(mayday_target *target, uint8_t byte);

/* Whether bytes are held, so that the line is not silent for the run in front of them. After a silence they are passed on. */
bool mayday_is_hearing(mayday_target *target);

/* When the last byte came of what is unfinished; false when nothing is. */
bool mayday_heard_last(const mayday_target *target, uint32_t *last);

/* Sends a frame with its CRC, in the form that suits its kind and the line. */
void mayday_send_frame(mayday_target *target, mayday_frame_kind kind, const uint8_t *bytes, size_t length);

/* Bytes on the line that copies of calls take on average, over those of the calls. */
uint32_t mayday_copy_bytes(const mayday_target *target);

/* A frame of somebody else came, in COBS of so many bytes or in the second form. */
void mayday_note_form(mayday_target *target, const mayday_frame *frame, size_t length);

/* A packet of the session came. Returns its bytes on the line in the second form; 0 in COBS. */
uint16_t mayday_note_packet(mayday_target *target);

/* Bytes came that are no frame; returns whether `is_text` holds: damaged packets hold text that nobody wrote. */
bool mayday_note_foreign(mayday_target *target, bool is_text, size_t length);

#else

#define MAYDAY_OF_TARGET static

static inline bool mayday_is_held_room(const mayday_memory *memory, uint32_t payload) {
  (void)memory;
  (void)payload;
  return true;
}

static inline void mayday_hearing_init(mayday_target *target, const mayday_memory *memory) {
  (void)target;
  (void)memory;
}

static inline bool mayday_hear(mayday_target *target, uint8_t byte) {
  (void)target;
  (void)byte;
  return false;
}

static inline bool mayday_is_hearing(mayday_target *target) {
  (void)target;
  return false;
}

static inline bool mayday_heard_last(const mayday_target *target, uint32_t *last) {
  *last = target->runs.last;
  return target->runs.length > 0;
}

static inline void mayday_send_frame(mayday_target *target, mayday_frame_kind kind, const uint8_t *bytes, size_t length) {
  (void)kind;
  (void)mayday_outbox_send(&target->outbox, target->port, bytes, length);
}

static inline uint32_t mayday_copy_bytes(const mayday_target *target) {
  (void)target;
  return 0;
}

static inline void mayday_note_form(mayday_target *target, const mayday_frame *frame, size_t length) {
  (void)target;
  (void)frame;
  (void)length;
}

static inline uint16_t mayday_note_packet(mayday_target *target) {
  (void)target;
  return 0;
}

static inline bool mayday_note_foreign(mayday_target *target, bool is_text, size_t length) {
  (void)target;
  (void)length;
  return is_text;
}

#endif

#endif
