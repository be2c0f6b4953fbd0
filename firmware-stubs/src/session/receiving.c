#include "session/receiving.h"

#include "base/bytes.h"
#include "session/blocks.h"
#include "session/checking.h"
#include "session/clock.h"
#include "session/objects.h"
#include "session/say.h"
#include "session/walk.h"

static bool wants_run(const mayday_target *target) {
  const mayday_walk *walk = &target->walk;
  return !walk->is_finished && !walk->has_answer;
}

/* A block may become complete now: the first one begins the time for which they are held back at most. */
static void note_held(mayday_target *target) {
  if (mayday_blocks_complete(&target->blocks) == NULL) target->session.held_since = target->now;
}

uint8_t mayday_receiving_count(mayday_target *target, uint32_t bytes) {
  mayday_session *session = &target->session;
  uint32_t ms = bytes * 25u / 3u;
  session->later_left += mayday_least32(ms, UINT32_MAX - session->later_left);
  session->right_at = target->now;
  session->lease_end = target->now + mayday_lease_ms(&target->rtt, target->blocks.block);
  if (session->later_until > target->now) session->lease_end += session->later_until - target->now;
  return MAYDAY_OUTCOME_WORKED;
}

/* A block or run is wrong, which may be asked for again unless there were too many. */
static uint8_t count_wrong(mayday_target *target) {
  target->session.wrong++;
  return target->session.wrong < MAYDAY_WRONG_MAX ? MAYDAY_OUTCOME_WORKED : MAYDAY_OUTCOME_LOST;
}

/* The manifest is stored and the record says "receiving" before a buffer that the envelope lies in is given away. */
static bool begin_writing(mayday_target *target) {
  mayday_writer *writer = &target->writer;
  if (writer->is_begun) return true;
  const mayday_record_state *state = &target->board->record.state;
  if (!state->is_receiving || memcmp(state->receiving_digest, writer->digest, 32u) != 0)
    target->changes[target->change_at++ % MAYDAY_CHANGES_MAX] = target->now;
  return mayday_writer_begin(writer, target->envelope.bytes, target->envelope.length);
}

static uint8_t check_run(mayday_target *target) {
  mayday_session *session = &target->session;
  bool is_right = mayday_walk_take(&target->walk, &target->writer, &target->run);
  session->is_run_asked = false;
  session->is_run_taken = is_right;
  if (is_right) {
    session->is_run_named = false;
    return mayday_receiving_count(target, target->blocks.block);
  }
  mayday_object_clear(&target->run);
  return count_wrong(target);
}

/* A write that takes longer than this says that the next one is announced (5.11). */
static uint32_t long_write_ms(const mayday_target *target) {
  uint32_t ms = mayday_least32(mayday_line_ms(&target->rtt, target->blocks.block), MAYDAY_BUSY_AFTER_MS);
  ms = mayday_least32(ms * MAYDAY_LONG_LINE_TIMES, MAYDAY_BUSY_AFTER_MS);
  return ms < MAYDAY_LONG_MIN_MS ? MAYDAY_LONG_MIN_MS : ms;
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

static uint8_t write_block(mayday_target *target, mayday_open_block *block) {
  mayday_session *session = &target->session;
  uint32_t number = block->number, length = mayday_block_length(&target->writer.shape, number);
  if (session->is_slow_writer && !target->line->is_deaf_while_writing) mayday_say_busy(target);
  uint8_t *bytes = mayday_block_bytes(&target->blocks, block);
  mayday_write outcome = mayday_writer_write(&target->writer, number, mayday_block_hash(&target->blocks, bytes), bytes);
  uint32_t took = mayday_excuse_work(target);
  if (outcome == MAYDAY_FAILED) return mayday_refused(MAYDAY_REFUSAL_CODE_FLASH);
  if (outcome == MAYDAY_MISMATCH) {
    bool may_go_on = mayday_block_again(&target->blocks, block, length);
    uint8_t counted = count_wrong(target);
    return may_go_on ? counted : MAYDAY_OUTCOME_LOST;
  }
  session->is_slow_writer = took > long_write_ms(target);
  mayday_block_free(block);
  close_unit(target, number);
  target->report.blocks_written++;
  return mayday_receiving_count(target, length);
}

/* Opens a block; one whose bytes are known here is complete at once: a uniform one, or one of the other slot. */
static uint8_t want(mayday_target *target, mayday_open_block *block, uint8_t *bytes, bool is_fill) {
  uint32_t length = mayday_block_length(&target->writer.shape, block->number);
  if (!begin_writing(target)) return mayday_refused(MAYDAY_REFUSAL_CODE_FLASH);
  if (!mayday_blocks_may_open(&target->blocks, block->number)) return MAYDAY_OUTCOME_IDLE;
  if (is_fill) memset(bytes, target->walk.uniform, (size_t)length);
  bool is_known = is_fill || mayday_writer_copy(&target->writer, block->number, mayday_block_hash(&target->blocks, bytes), bytes);
  note_held(target);
  mayday_block_open(&target->blocks, block, length, is_known);
  mayday_walk_pass(&target->walk, block->number);
  return MAYDAY_OUTCOME_WORKED;
}

/* Looks for what is wanted next, as far as there are buffers. */
static uint8_t walk_on(mayday_target *target) {
  mayday_open_block *block = mayday_blocks_free(&target->blocks);
  if (target->walk.is_finished) return mayday_blocks_await(&target->blocks) ? MAYDAY_OUTCOME_IDLE : MAYDAY_OUTCOME_COMPLETE;
  if (block == NULL) return MAYDAY_OUTCOME_IDLE;
  uint8_t *bytes = mayday_block_bytes(&target->blocks, block), *hash = mayday_block_hash(&target->blocks, bytes);
  mayday_walk_next next = mayday_walk_advance(&target->walk, &target->writer, target->run_bytes, &block->number, hash);
  switch (next) {
    case MAYDAY_WALK_GOES_ON:
      mayday_excuse_work(target);
      return MAYDAY_OUTCOME_WORKED;
    case MAYDAY_WALK_WANTS_RUN:
      if (target->session.is_run_taken) mayday_object_clear(&target->run);
      target->session.is_run_taken = false;
      return MAYDAY_OUTCOME_IDLE;
    default:
      return want(target, block, bytes, next == MAYDAY_WALK_FILL);
  }
}

/* A target that hears nothing while it writes waits until nothing more is on its way (5.9). */
static bool may_write(mayday_target *target) {
  mayday_session *session = &target->session;
  if (!target->line->is_deaf_while_writing || session->is_writing) return true;
  bool is_awaiting = mayday_blocks_await(&target->blocks) || (session->is_run_asked && wants_run(target));
  uint32_t held = MAYDAY_HELD_LINE_TIMES * mayday_line_ms(&target->rtt, target->blocks.block);
  if (held < MAYDAY_HELD_MAX_MS) held = MAYDAY_HELD_MAX_MS;
  if (is_awaiting && target->now < session->heard_at + mayday_wait_ms(&target->rtt) && target->now < session->held_since + held)
    return false;
  session->is_writing = true;
  mayday_say_busy(target);
  return true;
}

static uint8_t commit(mayday_target *target) {
  mayday_say_busy(target);
  mayday_writer *writer = &target->writer;
  uint8_t failure = mayday_writer_commit(writer, writer->is_begun ? NULL : target->envelope.bytes, target->envelope.length);
  mayday_excuse_work(target);
  return failure == 0 ? MAYDAY_OUTCOME_HEALED : MAYDAY_OUTCOME_LOST;
}

uint8_t mayday_receiving_work(mayday_target *target) {
  mayday_session *session = &target->session;
  if (session->state == MAYDAY_SESSION_CHECKING) return mayday_manifest_check(target);
  if (session->state == MAYDAY_SESSION_COMMITTING) return commit(target);
  if (session->state != MAYDAY_SESSION_RECEIVING) return MAYDAY_OUTCOME_IDLE;
  mayday_open_block *complete = mayday_blocks_complete(&target->blocks);
  if (complete == NULL) session->is_writing = false;
  else if (may_write(target)) return write_block(target, complete);
  if (mayday_object_is_complete(&target->run) && !session->is_run_taken && wants_run(target)) return check_run(target);
  return walk_on(target);
}

/* What came first of an answer gives a sample of the round trip. */
void mayday_receiving_sample(mayday_target *target, mayday_moment asked_at, uint16_t bytes) {
  uint32_t line = mayday_line_ms(&target->rtt, bytes);
  uint32_t took = target->now - asked_at;
  mayday_rtt_sample(&target->rtt, took > line ? took - line : 0);
}

void mayday_receiving_take_object(mayday_target *target, const mayday_frame *chunk) {
  mayday_session *session = &target->session;
  uint8_t kind = chunk->as.object.object_kind;
  if (kind != MAYDAY_OBJECT_KIND_RUN && kind != MAYDAY_OBJECT_KIND_UNIFORM) return;
  if (session->state == MAYDAY_SESSION_RECEIVING) {
    if (!wants_run(target) || session->is_run_taken) return;
    const mayday_step *wanted = mayday_walk_wanted(&target->walk);
    if (chunk->as.object.level != wanted->level || chunk->as.object.index != wanted->index) return;
    /* Behind blocks an answer waits in the rescuer's queue (4.4). */
    bool is_sample = session->is_asked_once && !mayday_blocks_await(&target->blocks);
    if (target->run.length == 0 && is_sample && session->later_until <= session->run_asked_at)
      mayday_receiving_sample(target, session->run_asked_at, chunk->as.object.length);
    session->is_asked_once = false;
  } else if (chunk->as.object.index != 0 || chunk->as.object.level == 0) {
    /* Before the manifest is accepted only the root's run is expected, whose level it says. */
    return;
  }
  (void)mayday_object_take(&target->run, chunk);
}

bool mayday_receiving_take_data(mayday_target *target, const mayday_frame *chunk) {
  if (target->session.state != MAYDAY_SESSION_RECEIVING) return false;
  note_held(target);
  return mayday_blocks_take(&target->blocks, &target->writer.shape, chunk);
}

void mayday_receiving_take_later(mayday_target *target, uint16_t ms) {
  mayday_session *session = &target->session;
  if (session->state != MAYDAY_SESSION_RECEIVING) return;
  mayday_moment until = target->now + ms;
  if (until > session->right_at + MAYDAY_LATER_MAX_MS) until = session->right_at + MAYDAY_LATER_MAX_MS;
  mayday_moment from = session->later_until > target->now ? session->later_until : target->now;
  if (until <= from) return;
  uint32_t added = until - from;
  if (added > session->later_left) added = session->later_left;
  session->later_left -= added;
  session->lease_end += added;
  session->later_until = from + added;
}

void mayday_receiving_ask(mayday_target *target, bool is_again) {
  mayday_session *session = &target->session;
  if (session->is_writing) return;
  bool asks_run = wants_run(target) && !mayday_object_is_complete(&target->run) && (is_again || !session->is_run_asked);
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

mayday_moment mayday_receiving_ask_at(const mayday_target *target) {
  const mayday_session *session = &target->session;
  mayday_moment last = session->heard_at > session->asked_at ? session->heard_at : session->asked_at;
  mayday_moment silent = last + mayday_pause_ms(&target->rtt, session->longest);
  if (!wants_run(target)) return silent;
  mayday_moment unanswered = session->run_asked_at + mayday_wait_ms(&target->rtt);
  return unanswered < silent ? unanswered : silent;
}
