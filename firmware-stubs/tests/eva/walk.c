/* The walk down a tree of any shape: begun, and then steps and runs in any order, without end. What flash holds is anything. */
#include "any.h"
#include "any_writer.h"

#include "session/walk.h"

static uint8_t run_bytes[MAYDAY_RUN_BYTES_MAX], hash[32];
static mayday_walk walk;

uint8_t mayday_root_level(const mayday_shape *shape) {
  (void)shape;
  return Frama_C_unsigned_char_interval(0, MAYDAY_LEVELS_MAX);
}

uint8_t mayday_run_level(uint8_t level) {
  return (uint8_t)((level - 1u) & 0xfcu);
}

void mayday_hash_copy(uint8_t to[32], const uint8_t from[32]) {
  memcpy(to, from, 32);
}

void mayday_fold(const mayday_hash *of, const uint8_t *hashes, uint8_t count, uint8_t out[32]) {
  (void)of;
  //@ assert 1 <= count <= MAYDAY_RUN_HASHES && \valid_read(hashes + (0 .. 32 * count - 1));
  (void)hashes;
  (void)count;
  make_any(out, 32);
}

void mayday_uniform_hash(const mayday_hash *of, const mayday_shape *shape, uint8_t level, uint32_t index, uint8_t value,
                         uint8_t out[32]) {
  (void)of;
  (void)shape;
  //@ assert level <= MAYDAY_LEVELS_MAX;
  (void)level;
  (void)index;
  (void)value;
  make_any(out, 32);
}

int main(void) {
  static mayday_board board;
  static mayday_writer writer;
  static mayday_object_buffer run;
  uint32_t block;
  board.hash = &any_hash;
  writer.board = &board;
  writer.shape.size = Frama_C_unsigned_int_interval(1, UINT32_MAX);
  writer.shape.leaves = Frama_C_unsigned_int_interval(1, 1u << 20);
  writer.shape.block_log2 = Frama_C_unsigned_char_interval(10, 16);
  make_any(hash, sizeof hash);
  make_any(run_bytes, sizeof run_bytes);
  run.bytes = run_bytes;
  mayday_walk_begin(&walk, &writer, hash);
  //@ dynamic_split walk.depth;
  while (any_bool()) {
    run.length = (uint16_t)Frama_C_interval(0, MAYDAY_RUN_BYTES_MAX);
    run.kind = any8();
    if (any_bool()) mayday_walk_pass(&walk, any32());
    if (walk.depth > 0 && any_bool()) {
      mayday_walk_wanted(&walk);
      mayday_walk_take(&walk, &writer, &run);
    }
    mayday_walk_advance(&walk, &writer, run_bytes, &block, hash);
  }
  return 0;
}
