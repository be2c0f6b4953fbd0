/* What a session uses of other parts. blocks.c, walk.c, acks.c, clock.c, tree.c, cobs.c, crc.c and outbox.c of this folder follow those. */
#ifndef MAYDAY_TESTS_EVA_SESSION_PARTS_H
#define MAYDAY_TESTS_EVA_SESSION_PARTS_H

#include "session_board.h"

#include "session/blocks.h"
#include "session/clock.h"
#include "session/objects.h"
#include "session/walk.h"
#include "wire/cobs.h"

bool mayday_chunk_put(uint8_t *bytes, uint8_t *here, uint16_t *missing, uint32_t whole, uint32_t offset, const mayday_frame *chunk) {
  (void)offset;
  //@ assert 0 < whole;
  //@ assert \valid(bytes + (0 .. whole - 1));
  //@ assert \valid(here + (0 .. (whole - 1) / 256));
  //@ assert \valid_read(chunk->as.data.payload + (0 .. chunk->as.data.length - 1));
  (void)chunk;
  make_any(bytes, whole);
  make_any(here, (whole + 255u) / 256u);
  *missing = (uint16_t)Frama_C_interval(0, UINT16_MAX);
  return any_bool();
}

uint32_t mayday_block_length(const mayday_shape *shape, uint32_t block) {
  (void)block;
  return Frama_C_unsigned_int_interval(0, UINT32_C(1) << shape->block_log2);
}

uint8_t mayday_blocks_within(uint32_t size, uint32_t block) {
  (void)size;
  //@ assert block > 0;
  (void)block;
  return Frama_C_unsigned_char_interval(0, MAYDAY_OPEN_BLOCKS_MAX);
}

void mayday_blocks_init(mayday_blocks *of, uint8_t *memory, uint32_t block, uint32_t size) {
  of->memory = memory;
  of->size = size;
  of->block = block;
  of->max = 2;
}

uint8_t *mayday_block_bytes(const mayday_blocks *of, const mayday_open_block *block) {
  (void)block;
  return of->memory + (any_bool() ? MAYDAY_BLOCK_ROOM(BLOCK) : 0);
}

static mayday_open_block *any_block(mayday_blocks *of) {
  mayday_open_block *block = &of->open[Frama_C_interval(0, 1)];
  block->number = any32();
  return any_bool() ? block : NULL;
}

mayday_open_block *mayday_blocks_free(mayday_blocks *of) {
  return any_block(of);
}

mayday_open_block *mayday_blocks_complete(mayday_blocks *of) {
  return any_block(of);
}

bool mayday_blocks_may_open(mayday_blocks *of, uint32_t number) {
  (void)of;
  (void)number;
  return any_bool();
}

/* `length`: of a block. */
void mayday_block_open(mayday_blocks *of, mayday_open_block *block, uint32_t length, bool is_complete) {
  (void)is_complete;
  //@ assert length <= BLOCK && \valid(block);
  (void)length;
  (void)block;
  make_any(of->memory, of->size);
  of->is_changed = any_bool();
}

bool mayday_block_again(mayday_blocks *of, mayday_open_block *block, uint32_t length) {
  mayday_block_open(of, block, length, any_bool());
  return any_bool();
}

bool mayday_blocks_take(mayday_blocks *of, const mayday_shape *shape, const mayday_frame *chunk) {
  (void)shape;
  //@ assert \valid_read(chunk->as.data.payload + (0 .. chunk->as.data.length - 1));
  (void)chunk;
  make_any(of->memory, of->size);
  of->is_changed = any_bool();
  return any_bool();
}

bool mayday_blocks_await(mayday_blocks *of) {
  (void)of;
  return any_bool();
}

bool mayday_blocks_any(mayday_blocks *of, mayday_block_state state, uint32_t first, uint32_t end) {
  (void)of;
  (void)state;
  (void)first;
  (void)end;
  return any_bool();
}

uint8_t mayday_blocks_grant(mayday_blocks *of, uint8_t *out) {
  (void)of;
  make_any(out, MAYDAY_GRANT_BYTES_MAX);
  return Frama_C_unsigned_char_interval(0, MAYDAY_GRANT_ENTRIES_MAX);
}

static void any_walk(mayday_walk *walk) {
  walk->depth = Frama_C_unsigned_char_interval(0, MAYDAY_STEPS_MAX);
  walk->has_answer = any_bool();
  walk->is_uniform = any_bool();
  walk->uniform = any8();
  walk->is_finished = any_bool();
  walk->cursor = any32();
}

/* As a walk begins, one step is in use. */
void mayday_walk_begin(mayday_walk *walk, mayday_writer *writer, const uint8_t root[32]) {
  (void)writer;
  //@ assert \valid_read(root + (0 .. 31));
  (void)root;
  any_walk(walk);
}

mayday_step *mayday_walk_wanted(mayday_walk *walk) {
  return &walk->steps[Frama_C_interval(0, MAYDAY_STEPS_MAX - 1)];
}

bool mayday_walk_take(mayday_walk *walk, const mayday_writer *writer, const mayday_object_buffer *run) {
  (void)writer;
  //@ assert \valid_read(run->bytes + (0 .. MAYDAY_RUN_BYTES_MAX - 1));
  (void)run;
  any_walk(walk);
  return any_bool();
}

mayday_walk_next mayday_walk_advance(mayday_walk *walk, mayday_writer *writer, const uint8_t *run, uint32_t *block,
                                     uint8_t hash[32]) {
  (void)writer;
  //@ assert \valid_read(run + (0 .. MAYDAY_RUN_BYTES_MAX - 1)) && \valid(hash + (0 .. 31)) && \valid(block);
  (void)run;
  any_walk(walk);
  *block = any32();
  make_any(hash, 32);
  return (mayday_walk_next)Frama_C_interval(MAYDAY_WALK_GOES_ON, MAYDAY_WALK_FILL);
}

mayday_moment mayday_target_look(mayday_target *of) {
  of->clock = any32();
  of->now = any32();
  make_any(&of->calls, offsetof(mayday_calls, is_answer_due));
  make_any(&of->session.heard_at, offsetof(mayday_session, rescuer_id) - offsetof(mayday_session, heard_at));
  make_any(of->changes, sizeof of->changes);
  return of->now;
}

uint32_t mayday_excuse_work(mayday_target *of) {
  mayday_target_look(of);
  return any32();
}

void mayday_acks_init(mayday_acks *acks) {
  memset(acks, 0, sizeof *acks);
}

static void any_acks(mayday_acks *acks) {
  acks->is_due = any_bool();
  acks->due_us = any32();
  acks->uncovered = any8();
}

bool mayday_acks_take(mayday_acks *acks, uint16_t low, uint32_t now_us, bool is_probe) {
  (void)low;
  (void)now_us;
  (void)is_probe;
  any_acks(acks);
  return any_bool();
}

void mayday_acks_hurry(mayday_acks *acks, uint32_t now_us) {
  (void)now_us;
  any_acks(acks);
}

bool mayday_acks_is_due(const mayday_acks *acks, uint32_t now_us) {
  (void)acks;
  (void)now_us;
  return any_bool();
}

void mayday_acks_build(mayday_acks *acks, uint32_t now_us, uint8_t out[MAYDAY_ACK_BYTES]) {
  (void)now_us;
  any_acks(acks);
  make_any(out, MAYDAY_ACK_BYTES);
}

size_t mayday_cobs_decode(uint8_t *run, size_t length) {
  //@ assert \valid(run + (0 .. length - 1));
  make_any(run, length);
  return (size_t)Frama_C_interval(0, (int)length);
}

uint32_t mayday_crc32(uint32_t before, const uint8_t *bytes, size_t length) {
  (void)before;
  //@ assert length == 0 || \valid_read(bytes + (0 .. length - 1));
  (void)bytes;
  (void)length;
  return any32();
}

bool mayday_outbox_send(mayday_outbox *outbox, const mayday_port *port, const uint8_t *frame, size_t length) {
  (void)port;
  //@ assert \valid_read(frame + (0 .. length - 1));
  (void)frame;
  outbox->length = (uint16_t)Frama_C_interval(0, MAYDAY_TX_BYTES);
  return any_bool() && length <= MAYDAY_OUTBOX_FRAME_MAX;
}

void mayday_outbox_drain(mayday_outbox *outbox, const mayday_port *port) {
  (void)port;
  outbox->length = (uint16_t)Frama_C_interval(0, MAYDAY_TX_BYTES);
}

#endif
