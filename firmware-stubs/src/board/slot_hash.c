/* Hashes of what a slot holds (PROTOCOL.md 7). */
#include "base/bytes.h"
#include "board/inner.h"
#include "flash/flash.h"
#include "flash/map.h"

void mayday_shape_of(const mayday_manifest *manifest, mayday_shape *shape) {
  shape->size = manifest->size;
  shape->leaves = manifest->leaves;
  shape->block_log2 = manifest->block_log2;
}

bool mayday_slot_leaf(const mayday_board *board, uint32_t offset, uint32_t length, uint8_t out[32]) {
  const mayday_hash *hash = board->hash;
  mayday_hash_state state;
  uint8_t piece[32] = {0};
  hash->begin(&state);
  hash->add(&state, piece, 1);
  while (length > 0) {
    size_t count = (size_t)mayday_least32(length, sizeof piece);
    if (!mayday_flash_read(board, offset, piece, count)) return false;
    hash->add(&state, piece, count);
    offset += (uint32_t)count;
    length -= (uint32_t)count;
  }
  hash->end(&state, out);
  return true;
}

bool mayday_slot_hash(const mayday_board *board, uint8_t slot, const mayday_shape *shape, uint8_t level, uint32_t index,
                      uint8_t *hashes, uint8_t out[32]) {
  uint32_t first = index << level;
  uint32_t count = mayday_least32(UINT32_C(1) << level, shape->leaves - first);
  /* There is no such node. */
  if (count == 0) return false;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t leaf = first + i;
    uint32_t offset = mayday_slot_region(board, slot).offset + (leaf << shape->block_log2);
    if (!mayday_slot_leaf(board, offset, mayday_block_length(shape, leaf), out)) return false;
    mayday_fold_next(board->hash, hashes, i, i + 1u == count, out);
  }
  return true;
}
