/* The blocks that a target has granted and not written yet (PROTOCOL.md 4.5, 5.9). */
#ifndef MAYDAY_SESSION_BLOCKS_H
#define MAYDAY_SESSION_BLOCKS_H

#include "image/tree.h"
#include "mayday/target.h"
#include "wire/frame.h"

#define MAYDAY_CODECS_ALL (1u << MAYDAY_CODEC_RAW | 1u << MAYDAY_CODEC_UNIFORM)
#define MAYDAY_CODECS_RAW (1u << MAYDAY_CODEC_RAW)

/* Blocks of this size that fit into `size` bytes, MAYDAY_OPEN_BLOCKS_MAX at most, and less than 2 MiB in all (4.5). */
uint8_t mayday_blocks_within(uint32_t size, uint32_t block);

/* Begins with blocks of this size, as many as fit into `size` bytes; all are free. */
void mayday_blocks_init(mayday_blocks *blocks, uint8_t *memory, uint32_t block, uint32_t size);

/* A buffer that is free, or NULL. Its number and hash may be written. */
mayday_open_block *mayday_blocks_free(mayday_blocks *blocks);

/* Whether a block with this number may be opened: not while one whose position bits are the same is open, or a grant could not
 * name one more stretch. */
bool mayday_blocks_may_open(mayday_blocks *blocks, uint32_t number);

/* The bytes of a buffer: room for a block. */
uint8_t *mayday_block_bytes(const mayday_blocks *blocks, const mayday_open_block *block);

/* The hash of the block whose bytes these are: 32 bytes behind them. */
static inline uint8_t *mayday_block_hash(const mayday_blocks *blocks, uint8_t *bytes) {
  return bytes + blocks->block;
}

/* Opens a block in a free buffer, where its number and hash are already. `length` in bytes. `is_complete`: its bytes are there,
 * too. */
void mayday_block_open(mayday_blocks *blocks, mayday_open_block *block, uint32_t length, bool is_complete);

/* Takes a chunk in; what fits no open block is dropped. Whether that completed a block. */
bool mayday_blocks_take(mayday_blocks *blocks, const mayday_shape *shape, const mayday_frame *chunk);

/* Its hash is wrong: again, raw. False: it failed too often. */
bool mayday_block_again(mayday_blocks *blocks, mayday_open_block *block, uint32_t length);

static inline void mayday_block_free(mayday_open_block *block) {
  block->state = MAYDAY_BLOCK_FREE;
}

/* A block that is complete and waits to be written, the lowest one; NULL: none. */
mayday_open_block *mayday_blocks_complete(mayday_blocks *blocks);

/* Whether a block is missing. */
bool mayday_blocks_await(mayday_blocks *blocks);

/* Whether a block of this state is there, with a number from `first` up to and without `end`. */
bool mayday_blocks_any(mayday_blocks *blocks, mayday_block_state state, uint32_t first, uint32_t end);

#define MAYDAY_GRANT_BYTES_MAX (5u * MAYDAY_GRANT_ENTRIES_MAX)

/* Writes the entries of a grant: all open blocks, ascending. Returns how many; `out` has room for MAYDAY_GRANT_BYTES_MAX. */
uint8_t mayday_blocks_grant(mayday_blocks *blocks, uint8_t *out);

#endif
