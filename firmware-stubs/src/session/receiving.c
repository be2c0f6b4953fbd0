#include "session/receiving.h"

#include "base/bytes.h"
#include "session/blocks.h"
#include "session/clock.h"
#include "session/objects.h"
#include "session/say.h"
#include "session/walk.h"

/* Comparing this many bytes of flash, or more, is announced with busy: it may take seconds. */
#define LONG_COMPARE_BYTES UINT32_C(0x100000)

static mayday_outcome goes_on(bool did_work) {
  mayday_outcome outcome = {MAYDAY_OUTCOME_GOES_ON, 0, did_work};
  return outcome;
}

static mayday_outcome refused(uint8_t reason) {
  mayday_outcome outcome = {MAYDAY_OUTCOME_REFUSED, reason, true};
  return outcome;
}

static mayday_outcome lost(void) {
  mayday_outcome outcome = {MAYDAY_OUTCOME_LOST, 0, true};
  return outcome;
}

/* Own work took until now: the limits of the session stood still (6). */
static void excuse_work(mayday_target *target) {
  mayday_time began = target->now;
  mayday_time took = mayday_target_look(target) - began;
  target->session.heard_at += took;
  target->session.asked_at += took;
  target->session.run_asked_at += took;
  target->session.lease_end += took;
}

/* A right run, or a block in flash. */
static void renew_lease(mayday_target *target) {
  mayday_session *session = &target->session;
  uint32_t block = UINT32_C(1) << target->manifest.block_log2;
  session->right_at = target->now;
  session->lease_end = target->now + mayday_lease_ms(&target->rtt, block);
  if (session->later_until > target->now) session->lease_end += session->later_until - target->now;
}

/* What a block takes at 1200 baud is added to the time for which *later* may hold the lease (6.5). */
static void earn(mayday_target *target, uint32_t bytes) {
  uint32_t ms = bytes * 25u / 3u;
  target->session.later_left = target->session.later_left > UINT32_MAX - ms ? UINT32_MAX : target->session.later_left + ms;
}

static bool was_wrong(mayday_target *target) {
  target->session.wrong++;
  return target->session.wrong < MAYDAY_WRONG_MAX;
}

/* The record will say "receiving" of another image: at most eight times an hour (6.5). */
static void note_change(mayday_target *target) {
  if (target->change_count == MAYDAY_CHANGES_MAX) {
    memmove(target->changes, target->changes + 1, sizeof target->changes - sizeof target->changes[0]);
    target->change_count--;
  }
  target->changes[target->change_count++] = (uint32_t)(target->now / 1000u);
}

/* The manifest is stored and the record says "receiving" before a buffer that the envelope lies in is given away. */
static bool begin_writing(mayday_target *target) {
  mayday_writer *writer = &target->writer;
  if (writer->is_begun) return true;
  const mayday_record_state *state = &target->board->record.state;
  if (!state->is_receiving || !mayday_equal(state->receiving_digest, writer->digest, 32u)) note_change(target);
  return mayday_writer_begin(writer, target->envelope.bytes, target->envelope.length);
}

static mayday_outcome check_manifest(mayday_target *target) {
  mayday_session *session = &target->session;
  uint32_t room = target->memory.blocks_size, largest = MAYDAY_BLOCK_MAX;
  while (largest > MAYDAY_BLOCK_MIN && MAYDAY_BLOCK_ROOM(largest) > room) largest /= 2u;
  uint8_t reason = mayday_board_judge(target->board, target->envelope.bytes, target->envelope.length, session->digest, largest,
                                      &target->manifest);
  if (reason != 0) {
    excuse_work(target);
    return refused(reason);
  }
  uint32_t block = UINT32_C(1) << target->manifest.block_log2;
  if (target->manifest.size >= LONG_COMPARE_BYTES) mayday_say_busy(target);
  mayday_writer_open(&target->writer, &target->manifest);
  mayday_blocks_init(&target->blocks, target->memory.blocks, block, mayday_blocks_within(room, block));
  mayday_walk_begin(&target->walk, &target->writer, target->manifest.root);
  excuse_work(target);
  session->state = MAYDAY_SESSION_RECEIVING;
  session->asked_at = target->now;
  session->run_asked_at = target->now;
  session->is_asked_once = false;
  /* The accept asked for the root's run: it is asked for again only if it stays away, or busy stopped it (5.4). */
  bool is_root_wanted = target->walk.depth > 0 && mayday_walk_wanted(&target->walk)->level > 0;
  session->is_run_asked = target->asks_run && is_root_wanted && target->manifest.size < LONG_COMPARE_BYTES;
  session->is_run_named = session->is_run_asked;
  if (is_root_wanted && (target->run.level != mayday_walk_wanted(&target->walk)->level)) mayday_object_clear(&target->run);
  renew_lease(target);
  return goes_on(true);
}

static mayday_outcome check_run(mayday_target *target) {
  mayday_session *session = &target->session;
  bool is_right = mayday_walk_take(&target->walk, &target->writer, &target->run);
  session->is_run_asked = false;
  if (is_right) {
    session->is_run_taken = true;
    session->is_run_named = false;
    earn(target, UINT32_C(1) << target->manifest.block_log2);
    renew_lease(target);
    return goes_on(true);
  }
  mayday_object_clear(&target->run);
  return was_wrong(target) ? goes_on(true) : lost();
}

/* A write that takes longer than this says that the next one is announced (5.11). */
static uint32_t long_write_ms(const mayday_target *target) {
  uint32_t ms = mayday_line_ms(&target->rtt, target->blocks.block);
  ms = ms > MAYDAY_BUSY_AFTER_MS ? MAYDAY_BUSY_AFTER_MS : ms * MAYDAY_LONG_LINE_TIMES;
  if (ms < MAYDAY_LONG_MIN_MS) return MAYDAY_LONG_MIN_MS;
  return mayday_least32(ms, MAYDAY_BUSY_AFTER_MS);
}

/* The unit of a block is complete when nothing of it is wanted any more. */
static void close_unit(mayday_target *target, uint32_t block) {
  uint32_t first, end;
  mayday_writer_unit(&target->writer, block, &first, &end);
  if (!target->walk.is_finished && target->walk.cursor < end) return;
  if (mayday_blocks_any(&target->blocks, MAYDAY_BLOCK_OPEN, first, end)) return;
  if (mayday_blocks_any(&target->blocks, MAYDAY_BLOCK_COMPLETE, first, end)) return;
  mayday_writer_unit_done(&target->writer, block);
}

static mayday_outcome write_block(mayday_target *target, mayday_open_block *block) {
  mayday_session *session = &target->session;
  uint32_t number = block->number, length = mayday_block_length(&target->writer.shape, number);
  if (session->is_slow_writer && !target->line->is_deaf_while_writing) mayday_say_busy(target);
  mayday_time began = target->now;
  mayday_write outcome =
      mayday_writer_write(&target->writer, number, block->hash, mayday_block_bytes(&target->blocks, block));
  excuse_work(target);
  if (outcome == MAYDAY_FAILED) return refused(MAYDAY_REFUSAL_CODE_FLASH);
  if (outcome == MAYDAY_MISMATCH) {
    bool may_go_on = mayday_block_again(&target->blocks, block, length);
    return was_wrong(target) && may_go_on ? goes_on(true) : lost();
  }
  session->is_slow_writer = target->now - began > long_write_ms(target);
  mayday_block_free(&target->blocks, block);
  close_unit(target, number);
  target->report.blocks_written++;
  earn(target, length);
  renew_lease(target);
  return goes_on(true);
}

/* Puts a block whose bytes are known here into flash: uniform ones, and those of the other slot. */
static mayday_outcome write_known(mayday_target *target, mayday_open_block *buffer, uint32_t number) {
  uint8_t *bytes = mayday_block_bytes(&target->blocks, buffer);
  mayday_write outcome = mayday_writer_write(&target->writer, number, buffer->hash, bytes);
  excuse_work(target);
  /* What was compared a moment ago reads otherwise now. */
  if (outcome != MAYDAY_WRITTEN) return refused(MAYDAY_REFUSAL_CODE_FLASH);
  mayday_walk_pass(&target->walk, number);
  close_unit(target, number);
  target->report.blocks_written++;
  renew_lease(target);
  return goes_on(true);
}

static mayday_outcome want(mayday_target *target, uint32_t number, const uint8_t hash[32], bool is_fill) {
  if (!begin_writing(target)) return refused(MAYDAY_REFUSAL_CODE_FLASH);
  mayday_open_block *buffer = mayday_blocks_free(&target->blocks, number, false);
  if (buffer == NULL) return goes_on(false);
  uint8_t *bytes = mayday_block_bytes(&target->blocks, buffer);
  memcpy(buffer->hash, hash, sizeof buffer->hash);
  if (is_fill) {
    memset(bytes, target->walk.uniform, (size_t)mayday_block_length(&target->writer.shape, number));
    return write_known(target, buffer, number);
  }
  if (mayday_writer_copy(&target->writer, number, hash, bytes)) return write_known(target, buffer, number);
  if (mayday_blocks_free(&target->blocks, number, true) == NULL) return goes_on(false);
  mayday_block_open(&target->blocks, buffer, number, mayday_block_length(&target->writer.shape, number));
  mayday_walk_pass(&target->walk, number);
  return goes_on(true);
}

/* Looks for what is wanted next, as far as there are buffers. */
static mayday_outcome walk_on(mayday_target *target) {
  uint8_t hash[32];
  uint32_t number = 0;
  bool has_room = mayday_blocks_free(&target->blocks, UINT32_MAX, false) != NULL;
  if (!has_room && !target->walk.is_finished) return goes_on(false);
  mayday_walk_next next = mayday_walk_advance(&target->walk, &target->writer, target->run_bytes, &number, hash);
  switch (next) {
    case MAYDAY_WALK_GOES_ON:
      excuse_work(target);
      return goes_on(true);
    case MAYDAY_WALK_WANTS_RUN:
      if (target->session.is_run_taken) {
        target->session.is_run_taken = false;
        mayday_object_clear(&target->run);
      }
      return goes_on(false);
    case MAYDAY_WALK_BLOCK:
    case MAYDAY_WALK_FILL:
      return want(target, number, hash, next == MAYDAY_WALK_FILL);
    case MAYDAY_WALK_FINISHED:
      break;
  }
  if (mayday_blocks_any(&target->blocks, MAYDAY_BLOCK_OPEN, 0, UINT32_MAX)) return goes_on(false);
  mayday_outcome complete = {MAYDAY_OUTCOME_COMPLETE, 0, true};
  return complete;
}

static bool wants_run(const mayday_target *target) {
  const mayday_walk *walk = &target->walk;
  return !walk->is_finished && walk->depth > 0 && !walk->has_run && !walk->is_uniform;
}

/* A target that hears nothing while it writes waits until nothing more is on its way (5.9). */
static bool may_write(mayday_target *target) {
  mayday_session *session = &target->session;
  if (!target->line->is_deaf_while_writing || session->is_writing) return true;
  bool is_awaiting = mayday_blocks_any(&target->blocks, MAYDAY_BLOCK_OPEN, 0, UINT32_MAX) || (wants_run(target) && session->is_run_asked);
  uint32_t held = MAYDAY_HELD_LINE_TIMES * mayday_line_ms(&target->rtt, target->blocks.block);
  if (held < MAYDAY_HELD_MAX_MS) held = MAYDAY_HELD_MAX_MS;
  if (is_awaiting && target->now < session->heard_at + mayday_wait_ms(&target->rtt) && target->now < session->held_since + held)
    return false;
  session->is_writing = true;
  mayday_say_busy(target);
  return true;
}

static mayday_outcome commit(mayday_target *target) {
  mayday_say_busy(target);
  mayday_writer *writer = &target->writer;
  uint8_t failure = mayday_writer_commit(writer, writer->is_begun ? NULL : target->envelope.bytes, target->envelope.length);
  excuse_work(target);
  mayday_outcome outcome = {MAYDAY_OUTCOME_HEALED, 0, true};
  return failure == 0 ? outcome : lost();
}

mayday_outcome mayday_receiving_work(mayday_target *target) {
  mayday_session *session = &target->session;
  if (session->state == MAYDAY_SESSION_CHECKING) return check_manifest(target);
  if (session->state == MAYDAY_SESSION_COMMITTING) return commit(target);
  if (session->state != MAYDAY_SESSION_RECEIVING) return goes_on(false);
  mayday_open_block *complete = mayday_blocks_complete(&target->blocks);
  if (complete == NULL) session->is_writing = false;
  else if (may_write(target)) return write_block(target, complete);
  if (wants_run(target) && target->run.is_complete && !session->is_run_taken) return check_run(target);
  return walk_on(target);
}

void mayday_receiving_take_object(mayday_target *target, const mayday_frame *chunk) {
  mayday_session *session = &target->session;
  uint8_t kind = chunk->as.object.object_kind;
  if (kind != MAYDAY_OBJECT_KIND_RUN && kind != MAYDAY_OBJECT_KIND_UNIFORM) return;
  if (session->state == MAYDAY_SESSION_RECEIVING) {
    if (!wants_run(target) || session->is_run_taken) return;
    const mayday_step *wanted = mayday_walk_wanted(&target->walk);
    if (chunk->as.object.level != wanted->level || chunk->as.object.index != wanted->index) return;
    if (target->run.length == 0 && session->is_asked_once && session->later_until <= session->run_asked_at) {
      uint32_t line = mayday_line_ms(&target->rtt, chunk->as.object.length);
      mayday_time took = target->now - session->run_asked_at;
      mayday_rtt_sample(&target->rtt, took > line ? (uint32_t)(took - line) : 0);
    }
    session->is_asked_once = false;
  } else if (chunk->as.object.index != 0 || chunk->as.object.level == 0) {
    /* Before the manifest is accepted only the root's run is expected, whose level it says. */
    return;
  }
  (void)mayday_object_take(&target->run, chunk);
}

bool mayday_receiving_take_data(mayday_target *target, const mayday_frame *chunk) {
  if (target->session.state != MAYDAY_SESSION_RECEIVING) return false;
  bool was_held = mayday_blocks_complete(&target->blocks) != NULL;
  if (mayday_blocks_take(&target->blocks, &target->writer.shape, chunk) == NULL) return false;
  if (!was_held) target->session.held_since = target->now;
  return true;
}

void mayday_receiving_take_later(mayday_target *target, uint16_t ms) {
  mayday_session *session = &target->session;
  if (session->state != MAYDAY_SESSION_RECEIVING) return;
  mayday_time until = target->now + ms;
  if (until > session->right_at + MAYDAY_LATER_MAX_MS) until = session->right_at + MAYDAY_LATER_MAX_MS;
  mayday_time from = session->later_until > target->now ? session->later_until : target->now;
  if (until <= from) return;
  uint32_t added = (uint32_t)(until - from);
  if (added > session->later_left) added = session->later_left;
  session->later_left -= added;
  session->lease_end += added;
  session->later_until = from + added;
}

void mayday_receiving_ask(mayday_target *target, bool is_again) {
  mayday_session *session = &target->session;
  if (session->is_writing) return;
  bool asks_run = wants_run(target) && !target->run.is_complete && (is_again || !session->is_run_asked);
  bool grants = target->blocks.is_changed || is_again;
  if (asks_run) {
    const mayday_step *wanted = mayday_walk_wanted(&target->walk);
    mayday_say_request(target, wanted->level, wanted->index);
    session->is_run_asked = true;
    session->is_asked_once = !session->is_run_named;
    session->is_run_named = true;
    session->run_asked_at = target->now;
  }
  if (grants) mayday_say_grant(target);
  if (!asks_run && !grants) return;
  session->asked_at = target->now;
}

mayday_time mayday_receiving_ask_at(const mayday_target *target) {
  const mayday_session *session = &target->session;
  mayday_time last = session->heard_at > session->asked_at ? session->heard_at : session->asked_at;
  mayday_time silent = last + mayday_pause_ms(&target->rtt, session->longest);
  if (!wants_run(target)) return silent;
  mayday_time unanswered = session->run_asked_at + mayday_wait_ms(&target->rtt);
  return unanswered < silent ? unanswered : silent;
}
