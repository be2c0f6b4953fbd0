/* The hash of a block in flash. In a file of its own, so that its buffers are on the stack only while it runs. */
#include "base/bytes.h"
#include "base/sha256.h"
#include "board/inner.h"
#include "flash/flash.h"

bool mayday_flash_leaf_hash(const mayday_board *board, uint32_t offset, uint32_t length, uint8_t out[32]) {
  const mayday_hash *hash = mayday_hash_of(board->port);
  mayday_hash_state state;
  uint8_t piece[64] = {0};
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
