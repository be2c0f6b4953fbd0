#include "session/blocks.h"

#include "base/bytes.h"
#include "session/objects.h"

uint8_t mayday_blocks_within(uint32_t size, uint32_t block) {
  uint32_t most = mayday_least32(MAYDAY_OPEN_BLOCKS_MAX, (MAYDAY_POSITION_SPAN - 1u) / block);
  return (uint8_t)mayday_least32(most, size / MAYDAY_BLOCK_ROOM(block));
}

void mayday_blocks_init(mayday_blocks *blocks, uint8_t *memory, uint32_t block, uint32_t size) {
  memset(blocks, 0, sizeof *blocks);
  blocks->memory = memory;
  blocks->size = size;
  blocks->block = block;
  blocks->max = mayday_blocks_within(size, block);
}

uint8_t *mayday_block_bytes(const mayday_blocks *blocks, const mayday_open_block *block) {
  return blocks->memory + (uint32_t)(block - blocks->open) * MAYDAY_BLOCK_ROOM(blocks->block);
}

/* A bit for each chunk that is here, behind the bytes of a block and its hash. */
static uint8_t *chunk_bits(const mayday_blocks *blocks, uint8_t *bytes) {
  return mayday_block_hash(blocks, bytes) + 32;
}

static bool has_same_position(const mayday_blocks *blocks, uint32_t number) {
  for (unsigned i = 0; i < blocks->max; i++) {
    const mayday_open_block *open = &blocks->open[i];
    uint32_t apart = (open->number - number) * blocks->block;
    if (open->state != MAYDAY_BLOCK_FREE && apart % MAYDAY_POSITION_SPAN == 0) return true;
  }
  return false;
}

/* The block in this state with the lowest number from `least` on. */
static mayday_open_block *lowest(mayday_blocks *blocks, mayday_block_state state, uint32_t least) {
  mayday_open_block *found = NULL;
  for (unsigned i = 0; i < blocks->max; i++) {
    mayday_open_block *block = &blocks->open[i];
    bool fits = block->state == state && block->number >= least;
    if (fits && (found == NULL || block->number < found->number)) found = block;
  }
  return found;
}

/* The first one has another low bit than that of the block whose chunks have the same position (4.5). */
static unsigned attempt_of(const mayday_blocks *blocks, const mayday_open_block *block) {
  return (block->number * blocks->block / MAYDAY_POSITION_SPAN % 2u + block->failures) & 15u;
}

static uint8_t how_of(const mayday_blocks *blocks, const mayday_open_block *block) {
  unsigned codecs = block->failures == 0 ? MAYDAY_CODECS_ALL : MAYDAY_CODECS_RAW;
  return (uint8_t)(attempt_of(blocks, block) | codecs << 4);
}

static uint16_t chunks_of(uint32_t length) {
  return (uint16_t)((length + MAYDAY_CHUNK_UNIT - 1u) / MAYDAY_CHUNK_UNIT);
}

bool mayday_blocks_may_open(mayday_blocks *blocks, uint32_t number) {
  uint8_t grant[MAYDAY_GRANT_BYTES_MAX];
  return !has_same_position(blocks, number) && mayday_blocks_grant(blocks, grant) < MAYDAY_GRANT_ENTRIES_MAX;
}

mayday_open_block *mayday_blocks_free(mayday_blocks *blocks) {
  return lowest(blocks, MAYDAY_BLOCK_FREE, 0);
}

static void start(mayday_blocks *blocks, mayday_open_block *block, uint32_t length) {
  block->state = MAYDAY_BLOCK_OPEN;
  block->missing = chunks_of(length);
  memset(chunk_bits(blocks, mayday_block_bytes(blocks, block)), 0, (size_t)(blocks->block / 256u));
  blocks->is_changed = true;
}

void mayday_block_open(mayday_blocks *blocks, mayday_open_block *block, uint32_t length, bool is_complete) {
  block->failures = 0;
  block->state = MAYDAY_BLOCK_COMPLETE;
  if (!is_complete) start(blocks, block, length);
}

bool mayday_block_again(mayday_blocks *blocks, mayday_open_block *block, uint32_t length) {
  block->failures++;
  start(blocks, block, length);
  return block->failures < MAYDAY_ATTEMPTS_MAX;
}

/* Whether the chunk was taken. `whole`: bytes of the block. */
static bool place(mayday_blocks *blocks, mayday_open_block *block, uint32_t offset, uint32_t whole, const mayday_frame *chunk) {
  uint8_t codec = chunk->as.data.codec;
  if ((attempt_of(blocks, block) & 1u) != chunk->as.data.attempt) return false;
  uint8_t *bytes = mayday_block_bytes(blocks, block);
  if (codec == MAYDAY_CODEC_RAW)
    return mayday_chunk_put(bytes, chunk_bits(blocks, bytes), &block->missing, whole, offset, chunk);
  /* A block that raw chunks came of takes no other ones. */
  if (codec != MAYDAY_CODEC_UNIFORM || block->missing != chunks_of(whole) || offset != 0 || chunk->as.data.length != 1u) return false;
  memset(bytes, chunk->as.data.payload[0], (size_t)whole);
  block->missing = 0;
  return true;
}

bool mayday_blocks_take(mayday_blocks *blocks, const mayday_shape *shape, const mayday_frame *chunk) {
  for (mayday_open_block *block = blocks->open, *end = block + blocks->max; block < end; block++) {
    if (block->state != MAYDAY_BLOCK_OPEN) continue;
    uint32_t first = block->number * (blocks->block / MAYDAY_CHUNK_UNIT);
    uint32_t offset = ((chunk->as.data.position - first) & 0xffffu) * MAYDAY_CHUNK_UNIT;
    uint32_t length = mayday_block_length(shape, block->number);
    if (offset >= length) continue;
    if (!place(blocks, block, offset, length, chunk) || block->missing > 0) return false;
    block->state = MAYDAY_BLOCK_COMPLETE;
    blocks->is_changed = true;
    return true;
  }
  return false;
}

mayday_open_block *mayday_blocks_complete(mayday_blocks *blocks) {
  return lowest(blocks, MAYDAY_BLOCK_COMPLETE, 0);
}

bool mayday_blocks_await(mayday_blocks *blocks) {
  return lowest(blocks, MAYDAY_BLOCK_OPEN, 0) != NULL;
}

bool mayday_blocks_any(mayday_blocks *blocks, mayday_block_state state, uint32_t first, uint32_t end) {
  const mayday_open_block *block = lowest(blocks, state, first);
  return block != NULL && block->number < end;
}

uint8_t mayday_blocks_grant(mayday_blocks *blocks, uint8_t *out) {
  uint8_t count = 0;
  uint32_t next = 0;
  const mayday_open_block *block;
  while ((block = lowest(blocks, MAYDAY_BLOCK_OPEN, next)) != NULL) {
    uint8_t how = how_of(blocks, block);
    if (count > 0 && block->number == next && out[4] == how) {
      out[3]++;
    } else {
      if (count == MAYDAY_GRANT_ENTRIES_MAX) break;
      if (count > 0) out += 5;
      count++;
      mayday_put24(out, block->number);
      out[3] = 1;
      out[4] = how;
    }
    next = block->number + 1u;
  }
  return count;
}
