#include "session/blocks.h"

#include "base/bytes.h"

#define NO_CODEC 0xffu

uint8_t mayday_blocks_within(uint32_t size, uint32_t block) {
  uint32_t most = mayday_least32(MAYDAY_OPEN_BLOCKS_MAX, (MAYDAY_POSITION_SPAN - 1u) / block);
  return (uint8_t)mayday_least32(most, size / MAYDAY_BLOCK_ROOM(block));
}

void mayday_blocks_init(mayday_blocks *blocks, uint8_t *memory, uint32_t block, uint8_t max) {
  blocks->memory = memory;
  blocks->block = block;
  blocks->max = max;
  blocks->is_changed = false;
  blocks->sequence = 0;
  for (uint8_t i = 0; i < MAYDAY_OPEN_BLOCKS_MAX; i++) blocks->open[i].state = MAYDAY_BLOCK_FREE;
}

uint8_t *mayday_block_bytes(const mayday_blocks *blocks, const mayday_open_block *block) {
  return blocks->memory + (uint32_t)(block - blocks->open) * MAYDAY_BLOCK_ROOM(blocks->block);
}

/* A bit for each chunk that is here, behind the bytes. */
static uint8_t *chunk_bits(const mayday_blocks *blocks, const mayday_open_block *block) {
  return mayday_block_bytes(blocks, block) + blocks->block;
}

static bool has_same_position(const mayday_blocks *blocks, uint32_t number) {
  uint32_t modulus = MAYDAY_POSITION_SPAN / blocks->block;
  for (uint8_t i = 0; i < blocks->max; i++) {
    const mayday_open_block *open = &blocks->open[i];
    if (open->state != MAYDAY_BLOCK_FREE && open->number % modulus == number % modulus) return true;
  }
  return false;
}

/* The open block with the lowest number from `least` on. */
static const mayday_open_block *next_open(const mayday_blocks *blocks, uint32_t least) {
  const mayday_open_block *next = NULL;
  for (uint8_t i = 0; i < blocks->max; i++) {
    const mayday_open_block *open = &blocks->open[i];
    if (open->state != MAYDAY_BLOCK_OPEN || open->number < least) continue;
    if (next == NULL || open->number < next->number) next = open;
  }
  return next;
}

static uint8_t codecs_of(const mayday_open_block *block) {
  return block->failures == 0 ? MAYDAY_CODECS_ALL : MAYDAY_CODECS_RAW;
}

/* The entry that begins with `open`; `count` is how many blocks follow one another in it. */
static uint8_t stretch_from(const mayday_blocks *blocks, const mayday_open_block *open) {
  uint8_t count = 1;
  for (;;) {
    const mayday_open_block *next = next_open(blocks, open->number + 1u);
    bool is_same = next != NULL && next->number == open->number + 1u && next->attempt == open->attempt &&
                   codecs_of(next) == codecs_of(open);
    if (!is_same) return count;
    open = next;
    count++;
  }
}

/* Entries that a grant has; `out` may be NULL. */
static uint8_t entries(const mayday_blocks *blocks, uint8_t *out, uint8_t room) {
  uint8_t count = 0;
  for (const mayday_open_block *open = next_open(blocks, 0); open != NULL && count < room; count++) {
    uint8_t stretch = stretch_from(blocks, open);
    if (out != NULL) {
      mayday_put24(out, open->number);
      out[3] = stretch;
      out[4] = (uint8_t)((unsigned)open->attempt | (unsigned)codecs_of(open) << 4);
      out += 5;
    }
    open = next_open(blocks, open->number + stretch);
  }
  return count;
}

mayday_open_block *mayday_blocks_free(mayday_blocks *blocks, uint32_t number, bool for_grant) {
  if (for_grant && has_same_position(blocks, number)) return NULL;
  if (for_grant && entries(blocks, NULL, MAYDAY_GRANT_ENTRIES_MAX) == MAYDAY_GRANT_ENTRIES_MAX) return NULL;
  for (uint8_t i = 0; i < blocks->max; i++)
    if (blocks->open[i].state == MAYDAY_BLOCK_FREE) return &blocks->open[i];
  return NULL;
}

static void start(mayday_blocks *blocks, mayday_open_block *block, uint32_t length) {
  block->state = MAYDAY_BLOCK_OPEN;
  block->codec = NO_CODEC;
  block->missing = (uint16_t)((length + MAYDAY_CHUNK_UNIT - 1u) / MAYDAY_CHUNK_UNIT);
  memset(chunk_bits(blocks, block), 0, (size_t)(blocks->block / 256u));
  blocks->is_changed = true;
}

void mayday_block_open(mayday_blocks *blocks, mayday_open_block *block, uint32_t number, uint32_t length) {
  block->number = number;
  block->failures = 0;
  /* Another low bit than that of the block whose chunks have the same position (4.5). */
  block->attempt = (uint8_t)(number / (MAYDAY_POSITION_SPAN / blocks->block) % 2u);
  start(blocks, block, length);
}

bool mayday_block_again(mayday_blocks *blocks, mayday_open_block *block, uint32_t length) {
  block->attempt = (uint8_t)((block->attempt + 1u) & 15u);
  block->failures++;
  start(blocks, block, length);
  return block->failures < MAYDAY_ATTEMPTS_MAX;
}

void mayday_block_free(mayday_blocks *blocks, mayday_open_block *block) {
  block->state = MAYDAY_BLOCK_FREE;
  blocks->is_changed = true;
}

static void note_chunks(mayday_blocks *blocks, mayday_open_block *block, uint32_t first, uint32_t count) {
  uint8_t *here = chunk_bits(blocks, block);
  for (uint32_t i = first; i < first + count; i++) {
    uint8_t bit = (uint8_t)(1u << (i & 7u));
    if ((here[i / 8u] & bit) != 0) continue;
    here[i / 8u] = (uint8_t)(here[i / 8u] | bit);
    block->missing--;
  }
}

/* Whether the chunk was taken. */
static bool place(mayday_blocks *blocks, mayday_open_block *block, uint32_t offset, uint32_t whole, const mayday_frame *chunk) {
  uint32_t length = chunk->as.data.length;
  uint8_t codec = chunk->as.data.codec;
  if ((block->attempt & 1u) != chunk->as.data.attempt) return false;
  if (block->codec != NO_CODEC && block->codec != codec) return false;
  uint8_t *bytes = mayday_block_bytes(blocks, block);
  if (codec == MAYDAY_CODEC_UNIFORM) {
    if (offset != 0 || length != 1u) return false;
    memset(bytes, chunk->as.data.payload[0], (size_t)whole);
    block->missing = 0;
  } else if (codec == MAYDAY_CODEC_RAW) {
    if (length > whole - offset || (length % MAYDAY_CHUNK_UNIT != 0 && length != whole - offset)) return false;
    memcpy(bytes + offset, chunk->as.data.payload, (size_t)length);
    note_chunks(blocks, block, offset / MAYDAY_CHUNK_UNIT, (length + MAYDAY_CHUNK_UNIT - 1u) / MAYDAY_CHUNK_UNIT);
  } else {
    return false;
  }
  block->codec = codec;
  return true;
}

mayday_open_block *mayday_blocks_take(mayday_blocks *blocks, const mayday_shape *shape, const mayday_frame *chunk) {
  for (uint8_t i = 0; i < blocks->max; i++) {
    mayday_open_block *block = &blocks->open[i];
    if (block->state != MAYDAY_BLOCK_OPEN) continue;
    uint32_t first = block->number * (blocks->block / MAYDAY_CHUNK_UNIT);
    uint32_t offset = ((chunk->as.data.position - first) & 0xffffu) * MAYDAY_CHUNK_UNIT;
    uint32_t length = mayday_block_length(shape, block->number);
    if (offset >= length) continue;
    if (!place(blocks, block, offset, length, chunk) || block->missing > 0) return NULL;
    block->state = MAYDAY_BLOCK_COMPLETE;
    blocks->is_changed = true;
    return block;
  }
  return NULL;
}

mayday_open_block *mayday_blocks_complete(mayday_blocks *blocks) {
  mayday_open_block *first = NULL;
  for (uint8_t i = 0; i < blocks->max; i++) {
    mayday_open_block *block = &blocks->open[i];
    if (block->state == MAYDAY_BLOCK_COMPLETE && (first == NULL || block->number < first->number)) first = block;
  }
  return first;
}

bool mayday_blocks_any(const mayday_blocks *blocks, mayday_block_state state, uint32_t first, uint32_t end) {
  for (uint8_t i = 0; i < blocks->max; i++) {
    const mayday_open_block *block = &blocks->open[i];
    if (block->state == state && block->number >= first && block->number < end) return true;
  }
  return false;
}

uint8_t mayday_blocks_grant(mayday_blocks *blocks, uint8_t *out) {
  blocks->is_changed = false;
  return entries(blocks, out, MAYDAY_GRANT_ENTRIES_MAX);
}
