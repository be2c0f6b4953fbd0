/* The open blocks of a session: any chunks, numbers and calls in any order, without end, in memory for one block and for
 * three, of 1,024 bytes each: larger ones lie in it in the same way. */
#include "any.h"

#include "session/blocks.h"
#include "session/objects.h"

static uint8_t memory[MAYDAY_BLOCK_ROOM(1024u) * 3u];
static mayday_blocks blocks;
static mayday_shape shape;

uint32_t mayday_block_length(const mayday_shape *of, uint32_t block) {
  (void)block;
  return Frama_C_unsigned_int_interval(0, UINT32_C(1) << of->block_log2);
}

static void use(mayday_open_block *block) {
  uint32_t length = Frama_C_unsigned_int_interval(1, blocks.block);
  if (block == NULL) return;
  make_any(mayday_block_bytes(&blocks, block), blocks.block);
  make_any(mayday_block_hash(&blocks, mayday_block_bytes(&blocks, block)), 32);
  switch (any8()) {
    case 0:
      block->number = any32();
      mayday_block_open(&blocks, block, length, any_bool());
      break;
    case 1: mayday_block_again(&blocks, block, length); break;
    case 2: mayday_block_free(block); break;
    default: break;
  }
}

static void look_at(uint32_t size, uint8_t log2) {
  static uint8_t payload[MAYDAY_PAYLOAD_MAX], grant[MAYDAY_GRANT_BYTES_MAX];
  mayday_frame chunk;
  make_any(payload, sizeof payload);
  shape.block_log2 = log2;
  mayday_blocks_init(&blocks, memory + sizeof memory - size, UINT32_C(1) << log2, size);
  while (any_bool()) {
    chunk.as.data.attempt = any8();
    chunk.as.data.codec = any8();
    chunk.as.data.position = (uint16_t)Frama_C_interval(0, UINT16_MAX);
    chunk.as.data.length = (uint16_t)Frama_C_interval(1, MAYDAY_PAYLOAD_MAX);
    chunk.as.data.payload = payload;
    mayday_blocks_take(&blocks, &shape, &chunk);
    use(mayday_blocks_free(&blocks));
    use(mayday_blocks_complete(&blocks));
    mayday_blocks_may_open(&blocks, any32());
    mayday_blocks_await(&blocks);
    mayday_blocks_any(&blocks, MAYDAY_BLOCK_OPEN, any32(), any32());
    mayday_blocks_grant(&blocks, grant);
  }
}

int main(void) {
  look_at(MAYDAY_BLOCK_ROOM(1024u), 10);
  look_at(MAYDAY_BLOCK_ROOM(1024u) * 3u, 10);
  return 0;
}
