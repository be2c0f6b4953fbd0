/* What a session uses of its board: it gives and does anything. board.c of this folder follows it. */
#ifndef MAYDAY_TESTS_EVA_SESSION_BOARD_H
#define MAYDAY_TESTS_EVA_SESSION_BOARD_H

#include "any_writer.h"
#include "frames.h"

#include "mayday/target.h"

#define PAYLOAD 512u
#define BLOCK 1024u

static uint8_t frame_memory[MAYDAY_FRAME_ROOM(PAYLOAD)], blocks[MAYDAY_BLOCK_ROOM(BLOCK) * 2u];
static mayday_board board;
static mayday_target target;

/* All of a board that a session looks at. */
static void any_board(void) {
  mayday_record_state *state = &board.record.state;
  board.decision.failure = any8();
  board.decision.is_trial = any_bool();
  board.is_installed = any_bool();
  make_any(&board.order, sizeof board.order);
  make_any(board.installed, sizeof board.installed);
  make_any(board.hardware_id, sizeof board.hardware_id);
  state->is_receiving = any_bool();
  make_any(state->receiving_digest, sizeof state->receiving_digest);
}

uint32_t mayday_board_floor(const mayday_board *of) {
  (void)of;
  return any32();
}

uint8_t mayday_board_judge(mayday_board *of, uint8_t *envelope, size_t length, const uint8_t offered[8], uint32_t block_max,
                           mayday_manifest *out) {
  (void)of;
  (void)block_max;
  //@ assert \valid(envelope + (0 .. length - 1)) && \valid_read(offered + (0 .. 7));
  make_any(envelope, length);
  (void)offered;
  any_manifest(out);
  any_board();
  return Frama_C_unsigned_char_interval(0, 14);
}

void mayday_writer_init(mayday_writer *writer, mayday_board *of) {
  memset(writer, 0, sizeof *writer);
  writer->board = of;
}

void mayday_writer_open(mayday_writer *writer, const mayday_manifest *manifest) {
  writer->is_begun = any_bool();
  writer->shape.size = manifest->size;
  writer->shape.leaves = manifest->leaves;
  writer->shape.block_log2 = manifest->block_log2;
  make_any(writer->digest, sizeof writer->digest);
}

bool mayday_writer_begin(mayday_writer *writer, const uint8_t *envelope, uint16_t length) {
  //@ assert \valid_read(envelope + (0 .. length - 1));
  (void)envelope;
  (void)length;
  any_board();
  writer->is_begun = any_bool();
  return any_bool();
}

bool mayday_writer_copy(mayday_writer *writer, uint32_t index, const uint8_t hash[32], uint8_t *block) {
  (void)writer;
  (void)index;
  //@ assert \valid_read(hash + (0 .. 31)) && \valid(block + (0 .. BLOCK - 1));
  (void)hash;
  make_any(block, BLOCK);
  return any_bool();
}

mayday_write mayday_writer_write(mayday_writer *writer, uint32_t index, const uint8_t hash[32], uint8_t *block) {
  (void)writer;
  (void)index;
  //@ assert \valid_read(hash + (0 .. 31)) && \valid(block + (0 .. BLOCK - 1));
  (void)hash;
  make_any(block, BLOCK);
  any_board();
  return (mayday_write)Frama_C_interval(MAYDAY_WRITTEN, MAYDAY_FAILED);
}

void mayday_writer_unit_done(mayday_writer *writer, uint32_t block) {
  (void)writer;
  (void)block;
  any_board();
}

uint8_t mayday_writer_commit(mayday_writer *writer, const uint8_t *envelope, uint16_t length) {
  //@ assert envelope == \null || \valid_read(envelope + (0 .. length - 1));
  (void)envelope;
  (void)length;
  any_board();
  make_any(blocks, MAYDAY_SCRATCH_BYTES);
  writer->is_begun = false;
  return any8();
}

void mayday_writer_leave(mayday_writer *writer) {
  (void)writer;
  any_board();
}

#endif
