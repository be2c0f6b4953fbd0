#include "session/hearing.h"

#if MAYDAY_WITH_FEC

#include "base/bytes.h"

/* Call with its CRC in the second form, and a call and what it says more there in COBS. */
#define CALL_CODED_BYTES 96u

/* All messages are as short as frames with such a payload. */
#define MESSAGE_PAYLOAD 64u

static bool is_bad(const mayday_target *target) {
  return mayday_forms_both(&target->forms) && mayday_forms_hears_badly(&target->forms);
}

bool mayday_is_held_room(const mayday_memory *memory, uint32_t payload) {
  const uint32_t longest = payload < MESSAGE_PAYLOAD ? MESSAGE_PAYLOAD : payload;
  return memory->held == NULL || MAYDAY_CODED_ROOM(longest) <= memory->held_size;
}

void mayday_hearing_init(mayday_target *target, const mayday_memory *memory) {
  mayday_forms_init(&target->forms, memory->held != NULL && target->line->send_frame == NULL);
  mayday_hunter_init(&target->hunter, memory->held, memory->held_size);
}

static void hunt(mayday_target *target) {
  mayday_hunter *hunter = &target->hunter;
  for (mayday_find find; (find = mayday_hunter_look(hunter)) != MAYDAY_FIND_NOTHING;) {
    if (find == MAYDAY_FIND_OTHER) {
      for (uint16_t i = 0; i < hunter->found; i++) mayday_target_take_byte(target, hunter->held[i], hunter->last);
      continue;
    }
    target->forms.now_bytes = hunter->found;
    target->forms.now_wrong = hunter->mended;
    if (!mayday_target_take_frame(target, hunter->held + MAYDAY_SYNC_LENGTH, hunter->frame, 0)) mayday_hunter_refuse(hunter);
    target->forms.now_bytes = 0;
  }
}

bool mayday_hear(mayday_target *target, uint8_t byte) {
  if (!target->forms.is_hunting) return false;
  mayday_hunter_take(&target->hunter, byte, target->clock);
  hunt(target);
  return true;
}

bool mayday_is_hearing(mayday_target *target) {
  if (target->hunter.length == 0) return false;
  if (target->clock - target->hunter.last < target->runs.silence) return true;
  mayday_hunter_close(&target->hunter);
  hunt(target);
  return false;
}

bool mayday_heard_last(const mayday_target *target, uint32_t *last) {
  *last = target->hunter.length > 0 ? target->hunter.last : target->runs.last;
  return target->hunter.length > 0 || target->runs.length > 0;
}

void mayday_send_frame(mayday_target *target, mayday_frame_kind kind, const uint8_t *bytes, size_t length) {
  mayday_form form = mayday_forms_choose(&target->forms, kind, is_bad(target));
  if (form == MAYDAY_FORM_COBS && mayday_forms_both(&target->forms) && mayday_holds_marker(bytes, length)) form = MAYDAY_FORM_CODED;
  if (form == MAYDAY_FORM_COBS) (void)mayday_outbox_send(&target->outbox, target->port, bytes, length);
  else (void)mayday_outbox_send_coded(&target->outbox, target->port, bytes, length, form == MAYDAY_FORM_BOTH);
}

uint32_t mayday_copy_bytes(const mayday_target *target) {
  if (!target->forms.is_hunting) return 0;
  return MAYDAY_FORMS_LENGTH + (is_bad(target) ? CALL_CODED_BYTES : CALL_CODED_BYTES / 2u);
}

/* Only messages that say forms have an id of their sender in front: an own one is nobody's. */
static bool is_own(const mayday_target *target, const mayday_frame *frame) {
  return frame->kind <= MAYDAY_OFFER && mayday_equal(frame->as.query.node_id, target->board->identity->node_id, MAYDAY_ID_LENGTH);
}

void mayday_note_form(mayday_target *target, const mayday_frame *frame, size_t length) {
  if (!is_own(target, frame)) mayday_forms_note(&target->forms, frame->kind, frame->forms, length);
}

uint16_t mayday_note_packet(mayday_target *target) {
  const uint16_t bytes = target->forms.now_bytes;
  if (bytes == 0) return 0;
  target->session.is_coded = true;
  target->session.mended = (uint16_t)(target->session.mended + target->forms.now_wrong);
  return bytes;
}

bool mayday_note_foreign(mayday_target *target, bool is_text, size_t length) {
  if (is_text && !target->session.is_coded) return true;
  mayday_forms_note_damaged(&target->forms, length);
  return false;
}

#endif
