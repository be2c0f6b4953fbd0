/* Hashes of what a slot holds (PROTOCOL.md 7). */
#include "base/bytes.h"
#include "base/sha256.h"
#include "board/inner.h"
#include "flash/flash.h"

void mayday_shape_of(const mayday_manifest *manifest, mayday_shape *shape) {
  shape->size = manifest->size;
  shape->leaves = manifest->leaves;
  shape->block_log2 = manifest->block_log2;
}

bool mayday_slot_hash(const mayday_board *board, uint8_t slot, const mayday_shape *shape, uint8_t level, uint32_t index,
                      uint8_t *hashes, uint8_t out[32]) {
  uint32_t first = index << level;
  uint32_t count = mayday_least32(UINT32_C(1) << level, shape->leaves - first);
  /* hashes[k]: of a complete part of 2^k leaves, for each bit k that is set in the number of leaves so far. */
  for (uint32_t i = 0; i < count; i++) {
    uint32_t leaf = first + i;
    uint32_t offset = board->map.slots[slot].offset + (leaf << shape->block_log2);
    if (!mayday_flash_leaf_hash(board, offset, mayday_block_length(shape, leaf), out)) return false;
    bool is_last = i + 1u == count;
    uint8_t k = 0;
    for (uint32_t left = i; left != 0 && (is_last || (left & 1u) != 0); left >>= 1, k++) {
      if ((left & 1u) != 0) mayday_node_hash(mayday_hash_of(board->port), hashes + 32u * k, out, out);
    }
    if (!is_last) memcpy(hashes + 32u * k, out, 32);
  }
  return true;
}
