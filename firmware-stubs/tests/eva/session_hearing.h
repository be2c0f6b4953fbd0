/* How a session hears and says in the second form of frames. hearing.c and hunter.c of this folder follow it. */
#ifndef MAYDAY_TESTS_EVA_SESSION_HEARING_H
#define MAYDAY_TESTS_EVA_SESSION_HEARING_H

#include "any.h"

#include "session/hearing.h"

static uint8_t held_memory[MAYDAY_CODED_ROOM(64u)];

bool mayday_is_held_room(const mayday_memory *memory, uint32_t payload) {
  (void)memory;
  (void)payload;
  return any_bool();
}

void mayday_hearing_init(mayday_target *of, const mayday_memory *memory) {
  (void)of;
  (void)memory;
  make_any(held_memory, sizeof held_memory);
}

/* One byte, or one frame: more of them are more calls. */
bool mayday_hear(mayday_target *of, uint8_t byte) {
  (void)byte;
  if (any_bool()) return false;
  if (any_bool()) mayday_target_take_byte(of, any8(), any32());
  else mayday_target_take_frame(of, held_memory + MAYDAY_SYNC_LENGTH, (size_t)Frama_C_interval(1, sizeof held_memory - MAYDAY_SYNC_LENGTH), 0);
  return true;
}

bool mayday_is_hearing(mayday_target *of) {
  (void)of;
  return any_bool();
}

bool mayday_heard_last(const mayday_target *of, uint32_t *last) {
  (void)of;
  *last = any32();
  return any_bool();
}

void mayday_send_frame(mayday_target *of, mayday_frame_kind kind, const uint8_t *bytes, size_t length) {
  (void)kind;
  (void)mayday_outbox_send(&of->outbox, of->port, bytes, length);
}

uint32_t mayday_copy_bytes(const mayday_target *of) {
  (void)of;
  return (uint32_t)Frama_C_interval(0, 128);
}

void mayday_note_form(mayday_target *of, const mayday_frame *frame, size_t length) {
  (void)of;
  (void)frame;
  (void)length;
}

uint16_t mayday_note_packet(mayday_target *of) {
  of->session.is_coded = any_bool();
  of->session.mended = (uint16_t)Frama_C_interval(0, UINT16_MAX);
  return (uint16_t)Frama_C_interval(0, 2376);
}

bool mayday_note_foreign(mayday_target *of, bool is_text, size_t length) {
  (void)of;
  (void)is_text;
  (void)length;
  return any_bool();
}

/* Of link/forms.c. */
size_t mayday_forms_put(const mayday_forms *forms, mayday_frame_kind kind, uint8_t *bytes, size_t length) {
  (void)forms;
  (void)kind;
  if (any_bool()) return length;
  //@ assert \valid(bytes + (length .. length + MAYDAY_FORMS_LENGTH - 1));
  make_any(bytes + length, MAYDAY_FORMS_LENGTH);
  return length + MAYDAY_FORMS_LENGTH;
}

#endif
