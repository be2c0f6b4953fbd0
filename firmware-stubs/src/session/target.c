#include "mayday/target.h"

#include "base/apart.h"
#include "base/bytes.h"
#include "linkkey/guard.h"
#include "mayday/constants.h"
#include "session/blocks.h"
#include "session/calls.h"
#include "session/clock.h"
#include "session/hearing.h"
#include "session/receiving.h"
#include "session/say.h"
#include "session/session.h"
#include "wire/cobs.h"
#include "wire/frame.h"

static void choose_chances(mayday_target *target) {
  const uint8_t *id = target->board->identity->node_id;
  memcpy(target->boot_nonce, id, MAYDAY_NONCE_LENGTH);
  if (target->port->random != NULL) (void)target->port->random(target->port->context, target->boot_nonce, MAYDAY_NONCE_LENGTH);
  mayday_guard_start(target);
  /* Without entropy the waits differ from board to board all the same (5.6). */
  target->chance = mayday_u32(id) ^ mayday_u32(id + 4) ^ mayday_u32(target->boot_nonce + 2);
  if (target->chance == 0) target->chance = 1;
}

static uint16_t payload_within(const mayday_memory *memory, bool is_sealed) {
  uint32_t payload = is_sealed ? MAYDAY_SEALED_PAYLOAD_MAX : MAYDAY_PAYLOAD_MAX;
  while (payload > MAYDAY_PAYLOAD_MIN && (MAYDAY_FRAME_ROOM(payload) > memory->frame_size || !mayday_is_held_room(memory, payload)))
    payload -= MAYDAY_PAYLOAD_MIN;
  return (uint16_t)payload;
}

bool mayday_target_init(mayday_target *target, mayday_board *board, const mayday_line *line, const mayday_memory *memory,
                        bool is_forced) {
  memset(target, 0, sizeof *target);
  if (memory->frame_size < MAYDAY_FRAME_ROOM(MAYDAY_PAYLOAD_MIN) || !mayday_is_held_room(memory, MAYDAY_PAYLOAD_MIN)) return false;
  if (memory->blocks_size < MAYDAY_BLOCK_ROOM(MAYDAY_BLOCK_MIN)) return false;
  if (!mayday_guard_is_usable(line)) return false;
  target->board = board;
  target->port = board->port;
  target->line = line;
  target->is_forced = is_forced;
  target->asks_run = true;
  memset(target->changes, 0xff, sizeof target->changes); /* no moments */
  target->report.none = MAYDAY_NEVER_GIVEN;
  target->clock = board->port->now_ms(board->port->context);
  choose_chances(target);
  target->payload_max = payload_within(memory, mayday_guard_is_keyed(target));
  mayday_runs_init(&target->runs, memory->frame, memory->frame_size, line->baud);
  mayday_hearing_init(target, memory);
  mayday_rtt_init(&target->rtt, line->baud, line->rto_floor_ms);
  mayday_blocks_init(&target->blocks, memory->blocks, MAYDAY_BLOCK_MIN, memory->blocks_size);
  mayday_calls_init(target);
  mayday_writer_init(&target->writer, board);
  return true;
}

void mayday_target_link_up(mayday_target *target) {
  (void)mayday_target_look(target);
  target->calls.started = target->now;
  target->calls.call_at = target->now;
}

static bool is_in_session(const mayday_target *target) {
  return target->session.state != MAYDAY_SESSION_NONE;
}

static bool is_ended(const mayday_target *target) {
  return target->is_healed || target->is_stopped;
}

static void call(mayday_target *target) {
  if (target->session.state == MAYDAY_SESSION_DONE) mayday_say_status(target, false);
  else mayday_say_status(target, target->board->decision.failure != 0 || target->is_forced);
}

/* Whether the session that runs is not to be ended for somebody else: the board works, or its rescuer was heard. */
MAYDAY_APART static bool is_served(const mayday_target *target) {
  uint8_t state = target->session.state;
  if (state == MAYDAY_SESSION_NONE) return false;
  return state == MAYDAY_SESSION_CHECKING || state == MAYDAY_SESSION_COMMITTING || !mayday_session_is_silent(target);
}

/* Somebody waits for the session to end: it is looked at later, once. */
static void look_later(mayday_target *target) {
  mayday_session *session = &target->session;
  if (session->look_at == MAYDAY_NO_MOMENT) session->look_at = target->now + mayday_session_silence_ms(target);
}

/* Somebody is there who holds no session with this board. */
static void take_stranger(mayday_target *target) {
  bool is_calling = !is_in_session(target) || target->session.state == MAYDAY_SESSION_DONE;
  if (!is_calling && is_served(target)) {
    look_later(target);
    return;
  }
  if (!is_calling) mayday_session_lose(target, MAYDAY_LOSS_SILENCE);
  mayday_calls_ask(target);
}

/* A query or a beacon. With a link key, where it proves nothing, it ends no session: in a silent one it is answered, so that who
 * sent it can make a proven offer (14.5). */
static void take_question(mayday_target *target) {
  mayday_session *session = &target->session;
  if (!mayday_guard_is_keyed(target) || !is_in_session(target) || session->state == MAYDAY_SESSION_DONE) {
    take_stranger(target);
    return;
  }
  if (is_served(target)) return;
  mayday_calls_ask(target);
  if (mayday_calls_take_answer(target)) call(target);
  else target->calls.is_answer_due = false;
}

/* Seconds until the board may change its image again; 0: now (6.5). */
MAYDAY_APART static uint32_t wear_wait(const mayday_target *target, const uint8_t digest[8]) {
  const mayday_record_state *state = &target->board->record.state;
  bool is_begun = state->is_receiving && memcmp(state->receiving_digest, digest, MAYDAY_SHORT_DIGEST_LENGTH) == 0;
  mayday_moment oldest = target->changes[target->change_at % MAYDAY_CHANGES_MAX];
  if (is_begun || oldest == MAYDAY_NO_MOMENT) return 0;
  uint32_t age = target->now - oldest;
  return age >= MAYDAY_CHANGES_WINDOW_MS ? 0 : (MAYDAY_CHANGES_WINDOW_MS - age + 999u) / 1000u;
}

/* The proof does not fit the link key, or the lack of one (14.6): said while the board calls only. */
static void refuse_key(mayday_target *target, const mayday_frame *offer) {
  if (is_in_session(target)) return;
  target->report.refused = MAYDAY_REFUSAL_CODE_LINK_KEY;
  mayday_say_about(target, MAYDAY_REFUSE, offer, MAYDAY_REFUSAL_CODE_LINK_KEY);
}

static void take_offer(mayday_target *target, const mayday_frame *offer) {
  mayday_session *session = &target->session;
  bool is_own = is_in_session(target) && memcmp(session->rescuer_nonce, offer->as.offer.rescuer_nonce, MAYDAY_NONCE_LENGTH) == 0;
  const uint8_t *nonce = is_own ? mayday_guard_nonce(target) : target->boot_nonce;
  if (memcmp(offer->as.offer.target_nonce, nonce, MAYDAY_NONCE_LENGTH) != 0) return;
  mayday_offer_verdict verdict = mayday_guard_judge(target, offer, is_own);
  if (verdict != MAYDAY_OFFER_GOOD) {
    if (verdict == MAYDAY_OFFER_FOREIGN) refuse_key(target, offer);
    return;
  }
  if (is_own) {
    mayday_session_repeat_accept(target);
    return;
  }
  if (session->state == MAYDAY_SESSION_DONE) {
    mayday_calls_ask(target);
    return;
  }
  uint32_t wait = wear_wait(target, offer->as.offer.digest);
  bool is_taken = is_served(target);
  if (wait > 0) mayday_say_about(target, MAYDAY_DEFER, offer, wait);
  else if (is_taken) mayday_say_stand_down(target, offer, mayday_wait_ms(&target->rtt));
  bool is_claimed = mayday_guard_claim(target, offer);
  if (wait > 0) return;
  if (is_taken) {
    look_later(target);
  } else if (is_claimed) {
    if (is_in_session(target)) mayday_session_lose(target, MAYDAY_LOSS_SILENCE);
    mayday_session_begin(target, offer);
  }
}

static void take_announcement(mayday_target *target, const mayday_frame *frame) {
  mayday_session *session = &target->session;
  if (frame->kind == MAYDAY_BYE) {
    if (is_in_session(target) && memcmp(frame->as.bye.rescuer_nonce, session->rescuer_nonce, MAYDAY_NONCE_LENGTH) == 0 &&
        mayday_guard_believes(target, frame))
      mayday_session_take_bye(target);
    return;
  }
  /* The first field of the others that count is who sends them: nothing is taken from itself, heard back. */
  if (memcmp(frame->as.query.node_id, target->board->identity->node_id, MAYDAY_ID_LENGTH) == 0) return;
  /* Two boards that call do not answer each other without end. One that is served may hand on what it receives. */
  const mayday_frame_kind kind = frame->kind;
  bool is_left = kind == MAYDAY_BEACON ? (frame->as.beacon.flags & MAYDAY_BEACON_FLAG_WANTS_UPDATE) != 0
                                       : kind == MAYDAY_DISTRESS && (frame->as.beacon.flags & MAYDAY_BEACON_FLAG_SERVED) == 0;
  /* The first kinds are query, beacon and distress. */
  if (kind <= MAYDAY_DISTRESS && !is_left) {
    take_question(target);
  } else if (frame->kind == MAYDAY_OFFER) {
    take_offer(target, frame);
  } else if (frame->kind == MAYDAY_NONE &&
             memcmp(frame->as.none.target_nonce, target->boot_nonce, MAYDAY_NONCE_LENGTH) == 0) {
    target->report.none = frame->as.none.reason;
  }
}

/* A frame of a session that is over: its rescuer still serves it. */
static bool is_stale(const mayday_target *target, const uint8_t *frame, size_t length) {
  if ((frame[0] & 15u) == MAYDAY_FRAME_CLASS_ANNOUNCE) return false;
  for (unsigned i = 0; i < MAYDAY_PAST_SESSIONS_MAX; i++)
    if (target->past_tags[i] != 0 && mayday_frame_has_crc(frame, length, target->past_tags[i])) return true;
  return false;
}

MAYDAY_OF_TARGET bool mayday_target_take_frame(mayday_target *target, const uint8_t *bytes, size_t length, size_t on_line) {
  mayday_frame frame;
  mayday_fault fault = mayday_guard_parse(target, bytes, length, &frame);
  bool is_session = length > 0 && (bytes[0] & 15u) != MAYDAY_FRAME_CLASS_ANNOUNCE;
  if (fault == MAYDAY_FAULT_NONE) {
    target->report.frames_in++;
    if (!is_session || frame.kind >= MAYDAY_LATER) mayday_note_form(target, &frame, on_line);
    /* Session frames that only a target sends are its own, heard back. */
    if (is_session && frame.kind >= MAYDAY_LATER) mayday_session_take(target, &frame);
    else if (!is_session) take_announcement(target, &frame);
    return true;
  }
  if (fault == MAYDAY_FAULT_UNKNOWN && is_session) target->session.heard_at = target->now;
  if (fault != MAYDAY_FAULT_TOO_SHORT && fault != MAYDAY_FAULT_BAD_CRC) return true;
  if (fault != MAYDAY_FAULT_BAD_CRC || !is_stale(target, bytes, length)) return false;
  if (!is_in_session(target)) mayday_calls_ask(target);
  return true;
}

/* Judges a run that ended (2.2). */
static void take_run(mayday_target *target, bool is_delimited) {
  uint8_t *run = target->runs.run;
  size_t length = target->runs.length;
  if (length > 0) {
    /* Text is told before COBS is undone in place. */
    bool is_text = mayday_run_is_text(run, length, is_delimited);
    size_t frame = mayday_cobs_decode(run, length);
    if (!mayday_target_take_frame(target, run, frame, length)) {
      target->report.frames_bad++;
      if (mayday_note_foreign(target, is_text, length)) mayday_calls_note_text(target);
    }
  }
  mayday_runs_clear(&target->runs);
}

MAYDAY_OF_TARGET void mayday_target_take_byte(mayday_target *target, uint8_t byte, uint32_t clock) {
  mayday_run_end end = mayday_runs_take(&target->runs, byte, clock);
  if (end != MAYDAY_RUN_OPEN) take_run(target, end == MAYDAY_RUN_DELIMITED);
}

static void end_silent(mayday_target *target) {
  if (!mayday_is_hearing(target) && mayday_runs_is_over(&target->runs, target->clock)) take_run(target, false);
}

void mayday_target_byte(mayday_target *target, uint8_t byte) {
  mayday_target_look(target);
  if (is_ended(target)) return;
  end_silent(target);
  if (!mayday_hear(target, byte)) mayday_target_take_byte(target, byte, target->clock);
}

void mayday_target_frame(mayday_target *target, uint8_t *frame, size_t length) {
  mayday_target_look(target);
  if (!is_ended(target) && !mayday_target_take_frame(target, frame, length, length)) target->report.frames_bad++;
}

static void tick(mayday_target *target) {
  if (is_in_session(target)) mayday_session_tick(target);
  bool may_answer = !is_in_session(target) || target->session.state == MAYDAY_SESSION_DONE;
  if (may_answer && mayday_calls_take_answer(target)) {
    mayday_calls_note_called(target);
    call(target);
  }
  if (!is_in_session(target) && !is_ended(target) && mayday_calls_take_call(target)) {
    if (mayday_calls_are_queries(target)) mayday_say_query(target);
    else call(target);
  }
  if (mayday_calls_take_knock(target)) mayday_say_query(target);
}

static mayday_target_state state_of(const mayday_target *target) {
  if (target->is_healed) return MAYDAY_TARGET_HEALED;
  if (target->is_stopped) return MAYDAY_TARGET_STOPPED;
  return is_in_session(target) ? MAYDAY_TARGET_SERVED : MAYDAY_TARGET_CALLING;
}

mayday_target_state mayday_target_poll(mayday_target *target) {
  mayday_target_look(target);
  mayday_outbox_drain(&target->outbox, target->port);
  if (is_ended(target)) return state_of(target);
  end_silent(target);
  tick(target);
  if (is_in_session(target) && !mayday_session_work(target) && target->session.state == MAYDAY_SESSION_RECEIVING)
    mayday_receiving_ask(target, false);
  mayday_outbox_drain(&target->outbox, target->port);
  return state_of(target);
}

static bool has_work(const mayday_target *target) {
  const mayday_session *session = &target->session;
  return session->state == MAYDAY_SESSION_CHECKING || session->state == MAYDAY_SESSION_COMMITTING || session->has_work;
}

uint32_t mayday_target_idle_ms(const mayday_target *target) {
  if (target->outbox.length > 0 || has_work(target)) return 0;
  if (is_ended(target)) return UINT32_MAX;
  mayday_moment due = is_in_session(target) ? mayday_session_due(target) : mayday_calls_at(target);
  due = mayday_least32(due, mayday_calls_knock_at(target));
  if (target->calls.is_answer_due) due = mayday_least32(due, target->calls.answer_at);
  uint32_t left = due <= target->now ? 0 : mayday_least32(due - target->now, UINT32_MAX - 1u);
  uint32_t last;
  if (!mayday_heard_last(target, &last)) return left;
  uint32_t silent = target->clock - last;
  return silent >= target->runs.silence ? 0 : mayday_least32(left, target->runs.silence - silent);
}

void mayday_target_stop(mayday_target *target) {
  if (is_ended(target)) return;
  if (is_in_session(target)) {
    mayday_say_about(target, MAYDAY_BYE, NULL, MAYDAY_BYE_REASON_STOPPED);
    mayday_writer_leave(&target->writer);
    target->session.state = MAYDAY_SESSION_NONE;
  }
  target->is_stopped = true;
}

bool mayday_target_is_quiet(const mayday_target *target) {
  return target->outbox.length == 0;
}
