/* What a rescuer hears (PROTOCOL.md 2.2 to 2.5, 3.2, 6.2). */
#include "session/rescuer_parts.h"

#include "base/bytes.h"
#include "wire/carried_call.h"
#include "wire/cobs.h"

static void hear_query(mayday_rescuer *rescuer) {
  rescuer->is_asked = true;
  mayday_rescuer_offer_again(rescuer);
}

static void hear_beacon(mayday_rescuer *rescuer, const mayday_frame *frame) {
  bool is_call = frame->kind == MAYDAY_DISTRESS || (frame->as.beacon.flags & MAYDAY_BEACON_FLAG_WANTS_UPDATE) != 0;
  if (rescuer->state == MAYDAY_RESCUER_SERVING) {
    bool is_of_session = mayday_equal(frame->as.beacon.node_id, rescuer->session.target_id, MAYDAY_ID_LENGTH);
    /* With a link key a beacon proves nothing, and ends nothing (14.5). */
    if (is_of_session && frame->kind == MAYDAY_BEACON && (frame->as.beacon.flags & MAYDAY_BEACON_FLAG_INSTALLED) != 0 &&
        mayday_equal(frame->as.beacon.installed, rescuer->source->manifest->digest, MAYDAY_SHORT_DIGEST_LENGTH)) {
      mayday_rescuer_done(rescuer);
      return;
    }
    if (!is_call || (!is_of_session && rescuer->now - rescuer->heard_at <= MAYDAY_STRANGER_AFTER_MS)) return;
    mayday_rescuer_lose(rescuer, MAYDAY_END_SILENT, 0);
  }
  if (is_call) mayday_rescuer_call(rescuer, frame);
}

static void hear(mayday_rescuer *rescuer, const mayday_frame *frame) {
  if (rescuer->state == MAYDAY_RESCUER_STOPPED) return;
  switch (frame->kind) {
    case MAYDAY_QUERY:
      hear_query(rescuer);
      return;
    case MAYDAY_BEACON:
    case MAYDAY_DISTRESS:
      hear_beacon(rescuer, frame);
      return;
    case MAYDAY_ACCEPT:
    case MAYDAY_REFUSE:
    case MAYDAY_BYE:
    case MAYDAY_DEFER:
    case MAYDAY_STAND_DOWN:
      if (rescuer->state == MAYDAY_RESCUER_SERVING) mayday_rescuer_answer_serving(rescuer, frame);
      else mayday_rescuer_answer(rescuer, frame);
      return;
    default:
      if (rescuer->tag != 0) mayday_rescuer_serve(rescuer, frame);
      return;
  }
}

/* An own frame that is heard back (3.2). */
static bool is_echo(const mayday_rescuer *rescuer, const mayday_frame *frame) {
  const uint8_t *sender = NULL;
  switch (frame->kind) {
    case MAYDAY_QUERY:
      sender = frame->as.query.node_id;
      break;
    case MAYDAY_BEACON:
    case MAYDAY_DISTRESS:
      sender = frame->as.beacon.node_id;
      break;
    case MAYDAY_OFFER:
      sender = frame->as.offer.rescuer_id;
      break;
    case MAYDAY_NONE:
      sender = frame->as.none.rescuer_id;
      break;
    default:
      return frame->kind >= MAYDAY_LATER;
  }
  return mayday_equal(sender, rescuer->self->node_id, MAYDAY_ID_LENGTH);
}

static bool is_of_past_session(const mayday_rescuer *rescuer, const uint8_t *bytes, size_t length) {
  for (unsigned i = 0; i < MAYDAY_PAST_SESSIONS_MAX; i++) {
    if (rescuer->past_tags[i] != 0 && mayday_frame_has_crc(bytes, length, rescuer->past_tags[i])) return true;
  }
  return false;
}

/* Returns whether the bytes, which took `on_line` bytes in COBS, are a frame. With a link key the seal is taken off before they are read (14.4). */
static bool take_frame(mayday_rescuer *rescuer, uint8_t *bytes, size_t length, size_t on_line) {
  mayday_frame frame;
  mayday_fault fault = mayday_frame_parse(bytes, length, rescuer->tag, &frame);
  if (fault == MAYDAY_FAULT_TOO_SHORT) return false;
  bool is_of_session = (bytes[0] & 0xfu) != MAYDAY_FRAME_CLASS_ANNOUNCE;
  if (fault == MAYDAY_FAULT_BAD_CRC) {
    if (!is_of_session || !is_of_past_session(rescuer, bytes, length)) return false;
    mayday_mute_frame(&rescuer->mute, rescuer->now);
    return true;
  }
  if (fault == MAYDAY_FAULT_NONE && frame.kind == MAYDAY_QUERY) (void)mayday_carried_call(bytes, length, &frame);
  if (fault == MAYDAY_FAULT_NONE && is_echo(rescuer, &frame)) {
    mayday_mute_foreign(&rescuer->mute, rescuer->now, false);
    return true;
  }
  mayday_mute_frame(&rescuer->mute, rescuer->now);
  if (is_of_session && fault != MAYDAY_FAULT_MALFORMED) rescuer->heard_at = rescuer->now;
#if MAYDAY_WITH_FEC
  if (fault == MAYDAY_FAULT_NONE) mayday_forms_note(&rescuer->forms, frame.kind, frame.forms, on_line);
#else
  (void)on_line;
#endif
  if (fault == MAYDAY_FAULT_NONE) hear(rescuer, &frame);
  return true;
}

static void take_run(mayday_rescuer *rescuer, bool is_delimited) {
  size_t length = rescuer->runs.length;
  rescuer->run_seen = 0;
  if (length == 0) return;
  bool is_text = mayday_run_is_text(rescuer->run, length, is_delimited);
  size_t frame = mayday_cobs_decode(rescuer->run, length);
  if (frame == 0 || !take_frame(rescuer, rescuer->run, frame, length)) {
    mayday_mute_foreign(&rescuer->mute, rescuer->now, is_text);
#if MAYDAY_WITH_FEC
    if (!is_text) mayday_forms_note_damaged(&rescuer->forms, length);
#endif
  }
  mayday_runs_clear(&rescuer->runs);
}

/* A byte that is part of no frame of the second form, and came at `clock`. */
static void take_byte(mayday_rescuer *rescuer, uint8_t byte, uint32_t clock) {
  mayday_run_end end = mayday_runs_take(&rescuer->runs, byte, clock);
  if (end != MAYDAY_RUN_OPEN) take_run(rescuer, end == MAYDAY_RUN_DELIMITED);
}

#if MAYDAY_WITH_FEC
static void hunt(mayday_rescuer *rescuer) {
  mayday_hunter *hunter = &rescuer->hunter;
  for (mayday_find find; (find = mayday_hunter_look(hunter)) != MAYDAY_FIND_NOTHING;) {
    if (find == MAYDAY_FIND_OTHER) {
      for (uint16_t i = 0; i < hunter->found; i++) take_byte(rescuer, hunter->held[i], hunter->last);
      continue;
    }
    rescuer->forms.now_bytes = hunter->found;
    rescuer->forms.now_wrong = hunter->mended;
    if (!take_frame(rescuer, hunter->held + MAYDAY_SYNC_LENGTH, hunter->frame, 0)) mayday_hunter_refuse(hunter);
    rescuer->forms.now_bytes = 0;
  }
}
#endif

/* Ends what the line left unfinished when it fell silent. */
static void end_silent(mayday_rescuer *rescuer) {
  const uint32_t clock = (uint32_t)rescuer->now;
#if MAYDAY_WITH_FEC
  if (rescuer->hunter.length > 0) {
    /* While bytes are held the line is not silent for the run in front of them. */
    if (clock - rescuer->hunter.last < rescuer->runs.silence) return;
    mayday_hunter_close(&rescuer->hunter);
    hunt(rescuer);
  }
#endif
  if (mayday_runs_is_over(&rescuer->runs, clock)) take_run(rescuer, false);
}

void mayday_rescuer_byte(mayday_rescuer *rescuer, uint8_t byte) {
  mayday_time now = mayday_rescuer_tick(rescuer);
  end_silent(rescuer);
  mayday_mute_byte(&rescuer->mute, now);
#if MAYDAY_WITH_FEC
  if (rescuer->forms.is_hunting) {
    mayday_hunter_take(&rescuer->hunter, byte, (uint32_t)now);
    hunt(rescuer);
    return;
  }
#endif
  take_byte(rescuer, byte, (uint32_t)now);
}

void mayday_rescuer_frame(mayday_rescuer *rescuer, uint8_t *frame, size_t length) {
  mayday_mute_byte(&rescuer->mute, mayday_rescuer_tick(rescuer));
  (void)take_frame(rescuer, frame, length, length);
}

void mayday_rescuer_look(mayday_rescuer *rescuer) {
  end_silent(rescuer);
  if (rescuer->runs.length == rescuer->run_seen) return;
  rescuer->run_seen = rescuer->runs.length;
  mayday_mute_foreign(&rescuer->mute, rescuer->now, mayday_run_is_text(rescuer->run, rescuer->runs.length, false));
}
