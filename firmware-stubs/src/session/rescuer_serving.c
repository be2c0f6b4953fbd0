/* The session of a rescuer (PROTOCOL.md 5.8 to 5.14, 6.2, 6.5). */
#include "session/rescuer_parts.h"

#include "base/bytes.h"

#define BUSY_BYTES_PER_MS 65u
#define AFTER(a, b) ((uint16_t)((a) - (b)) != 0 && (uint16_t)((a) - (b)) < 0x8000u)

void mayday_rescuer_begin(mayday_rescuer *rescuer, const mayday_offered *offered, const mayday_frame *accept) {
  const uint8_t *digest = rescuer->source->manifest->digest;
  mayday_rescuer_forget_session(rescuer);
  rescuer->session = *offered;
  rescuer->tag = mayday_session_tag(offered->target_nonce, offered->rescuer_nonce, offered->target_id, rescuer->self->node_id, digest);
  rescuer->heard_at = rescuer->now;
  rescuer->later_at = 0;
  rescuer->busy_until = 0;
  rescuer->busy_budget = MAYDAY_BUSY_BUDGET_MS + rescuer->source->manifest->size / BUSY_BYTES_PER_MS;
  rescuer->earning = rescuer->leaves;
  rescuer->bytes_sent = 0;
  rescuer->has_grant = rescuer->has_request = false;
  rescuer->is_past_manifest = rescuer->is_manifest_acked = false;
  rescuer->open_blocks = accept->as.accept.open_blocks != 0 ? accept->as.accept.open_blocks : 1u;
  rescuer->wanted_count = 0;
  rescuer->grant_count = rescuer->granted = 0;
  rescuer->making.is_on = false;
  rescuer->due = 0;
  /* A frame takes at most 2 s of the line (4.7). */
  uint32_t payload = mayday_least32(accept->as.accept.payload_max, MAYDAY_RESCUER_PAYLOAD);
  if (rescuer->rtt.bytes_per_s != 0) {
    uint32_t in_time = rescuer->rtt.bytes_per_s * (MAYDAY_FRAME_TIME_MAX_MS / 1000u);
    payload = mayday_least32(payload, in_time > 64u ? in_time - 32u : 32u);
  }
  /* With a link key the seal begins here: its 12 bytes are taken off the payload (14.4). */
  mayday_sender_init(&rescuer->sender, &rescuer->rtt, &rescuer->sizer, (uint16_t)payload, rescuer->now);
  mayday_rescuer_begin_forms(rescuer, (uint16_t)payload);
  rescuer->state = MAYDAY_RESCUER_SERVING;
  mayday_rescuer_send_manifest(rescuer);
  mayday_rescuer_take_asks(rescuer, accept->as.accept.asks);
}

void mayday_rescuer_forget_session(mayday_rescuer *rescuer) {
  if (rescuer->tag == 0) return;
  memmove(rescuer->past_tags + 1, rescuer->past_tags, sizeof rescuer->past_tags - sizeof rescuer->past_tags[0]);
  rescuer->past_tags[0] = rescuer->tag;
  rescuer->tag = 0;
  rescuer->due = 0;
  rescuer->state = MAYDAY_RESCUER_LISTENING;
}

void mayday_rescuer_lose(mayday_rescuer *rescuer, mayday_rescuer_end end, uint8_t reason) {
  mayday_rescuer_waste(rescuer, rescuer->bytes_sent);
  mayday_rescuer_note_end(rescuer, end, reason);
  mayday_rescuer_forget_session(rescuer);
}

void mayday_rescuer_answer_serving(mayday_rescuer *rescuer, const mayday_frame *answer) {
  const uint8_t *nonce = rescuer->session.rescuer_nonce;
  const uint8_t *target_nonce = rescuer->session.target_nonce;
  switch (answer->kind) {
    case MAYDAY_ACCEPT:
      if (mayday_equal(answer->as.accept.rescuer_nonce, nonce, MAYDAY_NONCE_LENGTH)) mayday_rescuer_send_manifest(rescuer);
      return;
    case MAYDAY_REFUSE:
      if (!mayday_equal(answer->as.refuse.rescuer_nonce, nonce, MAYDAY_NONCE_LENGTH)) return;
      mayday_rescuer_remember(rescuer, target_nonce, MAYDAY_REFUSED_IMAGE, MAYDAY_REFUSED_FOR_MS);
      mayday_rescuer_lose(rescuer, MAYDAY_END_REFUSED, answer->as.refuse.reason);
      return;
    case MAYDAY_STAND_DOWN:
      if (!mayday_equal(answer->as.stand_down.rescuer_nonce, nonce, MAYDAY_NONCE_LENGTH)) return;
      mayday_rescuer_remember(rescuer, target_nonce, MAYDAY_STOOD_DOWN, answer->as.stand_down.retry_ms);
      mayday_rescuer_lose(rescuer, MAYDAY_END_STOOD_DOWN, 0);
      return;
    case MAYDAY_BYE:
      if (!mayday_equal(answer->as.bye.rescuer_nonce, nonce, MAYDAY_NONCE_LENGTH)) return;
      mayday_rescuer_lose(rescuer, MAYDAY_END_BYE, answer->as.bye.reason);
      return;
    case MAYDAY_DEFER: /* the manifest said that the board takes it later */
      if (!mayday_equal(answer->as.defer.rescuer_nonce, nonce, MAYDAY_NONCE_LENGTH)) return;
      mayday_rescuer_remember_deferral(rescuer, target_nonce, answer->as.defer.seconds);
      mayday_rescuer_lose(rescuer, MAYDAY_END_DEFERRED, answer->as.defer.reason);
      return;
    default:
      return;
  }
}

static void end_busy(mayday_rescuer *rescuer) {
  if (rescuer->busy_until > rescuer->now) {
    rescuer->busy_budget += (uint32_t)(rescuer->busy_until - rescuer->now);
    rescuer->busy_until = rescuer->now;
  }
  mayday_sender_resume(&rescuer->sender, rescuer->now);
}

static void begin_busy(mayday_rescuer *rescuer, uint16_t ms) {
  mayday_time from = rescuer->busy_until > rescuer->now ? rescuer->busy_until : rescuer->now;
  mayday_time until = rescuer->now + (ms < MAYDAY_BUSY_MAX_MS ? ms : MAYDAY_BUSY_MAX_MS);
  /* One that was heard since it said so first is not stopped again. */
  bool was_heard = from > rescuer->now && !rescuer->sender.is_paused;
  if (until > from) {
    uint32_t more = mayday_least32((uint32_t)(until - from), rescuer->busy_budget);
    rescuer->busy_budget -= more;
    rescuer->busy_until = from + more;
  }
  if (!was_heard && rescuer->busy_until > rescuer->now) {
    mayday_sender_pause(&rescuer->sender, rescuer->now, rescuer->busy_until);
  }
}

static void take_grant(mayday_rescuer *rescuer, const mayday_frame *frame) {
  end_busy(rescuer);
  if (rescuer->has_grant && !AFTER(frame->as.list.sequence, rescuer->grant_sequence)) return;
  rescuer->has_grant = true;
  rescuer->grant_sequence = frame->as.list.sequence;
  rescuer->is_past_manifest = true;
  mayday_rescuer_take_grant(rescuer, frame->as.list.entries, frame->as.list.count);
}

static void take_request(mayday_rescuer *rescuer, const mayday_frame *frame) {
  end_busy(rescuer);
  if (rescuer->has_request && !AFTER(frame->as.list.sequence, rescuer->request_sequence)) return;
  rescuer->has_request = true;
  rescuer->request_sequence = frame->as.list.sequence;
  mayday_rescuer_take_request(rescuer, frame);
}

void mayday_rescuer_done(mayday_rescuer *rescuer) {
  end_busy(rescuer);
  if (!rescuer->is_manifest_acked || !mayday_rescuer_is_delivered(rescuer)) return;
  mayday_rescuer_settle(rescuer);
  mayday_rescuer_note_end(rescuer, MAYDAY_END_HEALED, 0);
  rescuer->state = MAYDAY_RESCUER_HEALED;
  mayday_rescuer_say(rescuer, MAYDAY_DUE_DONE_ACK);
}

void mayday_rescuer_serve(mayday_rescuer *rescuer, const mayday_frame *frame) {
  bool is_done = frame->kind == MAYDAY_DONE &&
                 mayday_equal(frame->as.done.digest, rescuer->source->manifest->digest, MAYDAY_SHORT_DIGEST_LENGTH);
  if (rescuer->state == MAYDAY_RESCUER_HEALED) {
    if (is_done) mayday_rescuer_say(rescuer, MAYDAY_DUE_DONE_ACK);
    return;
  }
  switch (frame->kind) {
    case MAYDAY_ACK:
      if (mayday_sender_ack(&rescuer->sender, rescuer->now, frame->as.ack.highest, frame->as.ack.delay, frame->as.ack.bitmap))
        mayday_rescuer_note_mended(rescuer, frame);
      mayday_rescuer_drop_delivered(rescuer);
      return;
    case MAYDAY_GRANT:
      take_grant(rescuer, frame);
      return;
    case MAYDAY_REQUEST:
      take_request(rescuer, frame);
      return;
    case MAYDAY_BUSY:
      begin_busy(rescuer, frame->as.pause.ms);
      return;
    case MAYDAY_DONE:
      if (is_done) mayday_rescuer_done(rescuer);
      return;
    default:
      return;
  }
}

void mayday_rescuer_tend_session(mayday_rescuer *rescuer) {
  mayday_time since = rescuer->heard_at > rescuer->busy_until ? rescuer->heard_at : rescuer->busy_until;
  if (rescuer->now >= since + MAYDAY_SILENCE_MAX_MS && rescuer->now >= since) {
    bool is_all_acked = rescuer->is_past_manifest && rescuer->wanted_count == 0 && mayday_rescuer_is_delivered(rescuer) &&
                        mayday_sender_is_idle(&rescuer->sender);
    mayday_rescuer_lose(rescuer, is_all_acked ? MAYDAY_END_NOT_HEARD : MAYDAY_END_SILENT, 0);
    return;
  }
  if (rescuer->bytes_sent > mayday_rescuer_session_limit(rescuer)) {
    mayday_rescuer_lose(rescuer, MAYDAY_END_TOO_MUCH, 0);
    return;
  }
  /* A chunk that is being made for a second: the target is told that it may take longer. */
  if (!rescuer->making.is_on || rescuer->sender.is_paused || rescuer->now < rescuer->later_at) return;
  if (rescuer->now < rescuer->making.since + MAYDAY_LATER_AFTER_MS) return;
  rescuer->later_at = rescuer->now + MAYDAY_LATER_EVERY_MS;
  mayday_rescuer_say(rescuer, MAYDAY_DUE_LATER);
}
