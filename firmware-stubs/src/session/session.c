#include "session/session.h"

#include "base/apart.h"
#include "base/bytes.h"
#include "linkkey/guard.h"
#include "session/blocks.h"
#include "session/calls.h"
#include "session/clock.h"
#include "session/hearing.h"
#include "session/objects.h"
#include "session/receiving.h"
#include "session/say.h"

/* Grant of nothing, done and beacon on the line, in bytes (5.12). */
#define DONE_BYTES 95u

void mayday_session_begin(mayday_target *target, const mayday_frame *offer) {
  mayday_session *session = &target->session;
  /* No other exponents than those of block sizes are read (5.3). */
  uint8_t open = mayday_blocks_within(target->blocks.size, UINT32_C(1) << offer->as.offer.block_log2);
  memset(session, 0, sizeof *session);
  memcpy(session->rescuer_id, offer->as.offer.rescuer_id, MAYDAY_ID_LENGTH);
  memcpy(session->rescuer_nonce, offer->as.offer.rescuer_nonce, MAYDAY_NONCE_LENGTH);
  memcpy(session->digest, offer->as.offer.digest, MAYDAY_SHORT_DIGEST_LENGTH);
  session->state = MAYDAY_SESSION_ACCEPTING;
  session->open_blocks = open == 0 ? 1u : open;
  session->later_left = MAYDAY_LATER_BUDGET_MS;
  session->heard_at = target->now;
  session->look_at = MAYDAY_NO_MOMENT;
  session->lease_end = target->now + mayday_lease_ms(&target->rtt, MAYDAY_MANIFEST_MAX);
  mayday_guard_begin(target, offer);
  target->tag = mayday_session_tag(target->boot_nonce, session->rescuer_nonce, target->board->identity->node_id,
                                   session->rescuer_id, session->digest);
  mayday_acks_init(&target->acks);
  mayday_object_init(&target->envelope, target->blocks.memory, MAYDAY_MANIFEST_MAX);
  mayday_object_init(&target->run, target->run_bytes, MAYDAY_RUN_BYTES_MAX);
  mayday_calls_note_served(target);
  target->report.sessions++;
  mayday_session_repeat_accept(target);
}

void mayday_session_repeat_accept(mayday_target *target) {
  mayday_session *session = &target->session;
  if (session->state != MAYDAY_SESSION_ACCEPTING) return;
  mayday_say_about(target, MAYDAY_ACCEPT, NULL, 0);
  session->asked_at = target->now;
  uint32_t longest = mayday_pause_ms(&target->rtt, session->longest);
  session->repeat_at = target->now + mayday_repeat_ms(&session->said, mayday_turn_ms(&target->rtt), longest);
}

static void end(mayday_target *target) {
  target->past_tags[target->past_at++ % MAYDAY_PAST_SESSIONS_MAX] = target->tag;
  target->tag = 0;
  target->session.state = MAYDAY_SESSION_NONE;
  target->session.has_work = false;
  mayday_writer_leave(&target->writer);
}

void mayday_session_lose(mayday_target *target, mayday_session_loss why) {
  end(target);
  mayday_calls_note_lost(target, why == MAYDAY_LOSS_SILENCE && !mayday_calls_are_queries(target));
}

static void refuse(mayday_target *target, uint8_t reason) {
  target->report.refused = reason;
  mayday_say_about(target, MAYDAY_REFUSE, NULL, reason);
  end(target);
  mayday_calls_note_refused(target);
}

MAYDAY_APART static void finish(mayday_target *target) {
  end(target);
  target->is_healed = true;
}

static void begin_done(mayday_target *target) {
  mayday_session *session = &target->session;
  session->state = MAYDAY_SESSION_DONE;
  session->said = 0;
  session->repeat_at = target->now;
  session->ends_at = target->now + MAYDAY_DONE_REPEATED_FOR_MS;
  session->look_at = MAYDAY_NO_MOMENT;
  /* The rescuer ignores a done before its manifest was acked (5.12). */
  if (target->acks.uncovered > 0) mayday_say_ack(target);
}

static void take_object(mayday_target *target, const mayday_frame *chunk) {
  mayday_session *session = &target->session;
  if (chunk->as.object.object_kind != MAYDAY_OBJECT_KIND_MANIFEST) {
    mayday_receiving_take_object(target, chunk);
    return;
  }
  if (session->state != MAYDAY_SESSION_ACCEPTING || chunk->as.object.total > MAYDAY_MANIFEST_MAX) return;
  /* No manifest was asked for by such a name (4.6). */
  if (chunk->as.object.level != 0 || chunk->as.object.index != 0) return;
  if (target->envelope.length == 0 && session->said == 1u) {
    mayday_receiving_sample(target, session->asked_at, chunk->as.object.length);
    /* One sample an accept, also where the buffer does not take this chunk. */
    session->said++;
  }
  session->repeat_at = target->now + mayday_pause_ms(&target->rtt, session->longest);
  if (mayday_object_take(&target->envelope, chunk)) session->state = MAYDAY_SESSION_CHECKING;
}

static void take_packet(mayday_target *target, const mayday_frame *frame) {
  mayday_session *session = &target->session;
  bool is_probe = frame->kind == MAYDAY_PROBE;
  uint16_t coded = mayday_note_packet(target);
  if (coded > session->longest) session->longest = coded;
  /* The number is the first member of all packets. */
  bool is_new = mayday_acks_take(&target->acks, frame->as.probe.packet, mayday_target_us(target), is_probe);
  if (!is_new || is_probe) return;
  uint16_t length = (uint16_t)(frame->as.data.length + (frame->kind == MAYDAY_OBJECT ? 18u : 11u));
  if (mayday_guard_is_keyed(target)) length = (uint16_t)(length + MAYDAY_SEAL_LENGTH);
  if (length > session->longest) session->longest = length;
  if (frame->kind == MAYDAY_OBJECT) take_object(target, frame);
  else if (mayday_receiving_take_data(target, frame)) mayday_acks_hurry(&target->acks, mayday_target_us(target));
}

MAYDAY_APART static void say_due_ack(mayday_target *target) {
  if (target->tag != 0 && mayday_acks_is_due(&target->acks, mayday_target_us(target))) mayday_say_ack(target);
}

void mayday_session_take(mayday_target *target, const mayday_frame *frame) {
  mayday_session *session = &target->session;
  session->heard_at = target->now;
  mayday_calls_stop_knocking(target);
  if (frame->kind >= MAYDAY_OBJECT) take_packet(target, frame);
  else if (frame->kind == MAYDAY_LATER) mayday_receiving_take_later(target, frame->as.pause.ms);
  else if (frame->kind == MAYDAY_DONE_ACK && session->state == MAYDAY_SESSION_DONE &&
           memcmp(frame->as.done.digest, session->digest, MAYDAY_SHORT_DIGEST_LENGTH) == 0)
    finish(target);
  say_due_ack(target);
}

void mayday_session_take_bye(mayday_target *target) {
  if (target->session.state == MAYDAY_SESSION_DONE) finish(target);
  else mayday_session_lose(target, MAYDAY_LOSS_OTHER);
}

uint32_t mayday_session_silence_ms(const mayday_target *target) {
  return MAYDAY_SUPERSEDE_TIMEOUTS * mayday_wait_ms(&target->rtt);
}

bool mayday_session_is_silent(const mayday_target *target) {
  return target->now >= target->session.heard_at + mayday_session_silence_ms(target);
}

static void say_done(mayday_target *target) {
  mayday_session *session = &target->session;
  uint32_t rto = mayday_rto_ms(&target->rtt);
  uint32_t longest = mayday_most32(mayday_most32(rto, MAYDAY_DONE_INTERVAL_MIN_MS), 2u * mayday_line_ms(&target->rtt, DONE_BYTES));
  mayday_say_grant(target);
  mayday_say_done(target);
  /* Not with the first one: the rescuer may be another one by now, which cannot read done. */
  if (session->said > 0) mayday_say_status(target, false);
  uint32_t first = mayday_most32(rto, mayday_turn_ms(&target->rtt));
  session->repeat_at = target->now + mayday_repeat_ms(&session->said, first, longest);
}

void mayday_session_tick(mayday_target *target) {
  mayday_session *session = &target->session;
  say_due_ack(target);
  if (session->state == MAYDAY_SESSION_DONE) {
    if (target->now >= session->ends_at) finish(target);
    else if (target->now >= session->repeat_at) say_done(target);
    return;
  }
  bool is_listening = session->state == MAYDAY_SESSION_ACCEPTING || session->state == MAYDAY_SESSION_RECEIVING;
  bool is_silent = mayday_session_is_silent(target);
  bool is_lost = is_listening && target->now >= session->lease_end;
  if (target->now >= session->look_at) {
    session->look_at = MAYDAY_NO_MOMENT;
    if (is_silent) is_lost = true;
  }
  if (is_lost) {
    mayday_session_lose(target, MAYDAY_LOSS_SILENCE);
    return;
  }
  if (is_listening && is_silent) mayday_calls_knock(target);
  if (session->state == MAYDAY_SESSION_ACCEPTING && target->now >= session->repeat_at) mayday_session_repeat_accept(target);
  else if (session->state == MAYDAY_SESSION_RECEIVING && target->now >= mayday_receiving_ask_at(target))
    mayday_receiving_ask(target, true);
}

mayday_moment mayday_session_due(const mayday_target *target) {
  const mayday_session *session = &target->session;
  mayday_moment due = session->look_at;
  mayday_moment times[4] = {MAYDAY_NO_MOMENT, MAYDAY_NO_MOMENT, MAYDAY_NO_MOMENT, MAYDAY_NO_MOMENT};
  if (target->acks.is_due) {
    int32_t left = (int32_t)(target->acks.due_us - mayday_target_us(target));
    times[0] = left <= 0 ? target->now : target->now + ((uint32_t)left + 999u) / 1000u;
  }
  if (session->state == MAYDAY_SESSION_DONE) {
    times[1] = session->repeat_at;
    times[2] = session->ends_at;
  } else if (session->state == MAYDAY_SESSION_ACCEPTING || session->state == MAYDAY_SESSION_RECEIVING) {
    times[1] = session->lease_end;
    times[2] = session->state == MAYDAY_SESSION_ACCEPTING ? session->repeat_at : mayday_receiving_ask_at(target);
    times[3] = session->heard_at + mayday_session_silence_ms(target);
    if (times[3] <= target->now) times[3] = mayday_calls_knock_at(target);
  }
  for (unsigned i = 0; i < 4u; i++)
    if (times[i] < due) due = times[i];
  return due;
}

bool mayday_session_work(mayday_target *target) {
  uint8_t outcome = mayday_receiving_work(target);
  target->session.has_work = outcome != MAYDAY_OUTCOME_IDLE;
  if (outcome == MAYDAY_OUTCOME_COMPLETE) target->session.state = MAYDAY_SESSION_COMMITTING;
  else if (outcome == MAYDAY_OUTCOME_HEALED) begin_done(target);
  else if (outcome == MAYDAY_OUTCOME_LOST) mayday_session_lose(target, MAYDAY_LOSS_OTHER);
  else if (outcome > MAYDAY_OUTCOME_REFUSED) refuse(target, (uint8_t)(outcome - MAYDAY_OUTCOME_REFUSED));
  return target->session.has_work;
}
