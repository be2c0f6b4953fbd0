/* Writes one image into a slot, a repair unit at a time (PROTOCOL.md 13.5). Nothing in flash changes before
 * mayday_writer_begin. Blocks of the image are counted from 0. */
#ifndef MAYDAY_BOARD_WRITER_H
#define MAYDAY_BOARD_WRITER_H

#include "image/tree.h"
#include "mayday/board.h"

typedef struct mayday_writer {
  mayday_board *board;
  uint8_t slot, area;
  bool is_open;         /* it has an image */
  bool is_begun;        /* the record says that it is being received */
  bool has_closing;     /* `closing` was completed, and the record has it open yet */
  mayday_shape shape;
  mayday_sector_range closing;
  uint8_t digest[32];
  /* Sectors that a cut, or another image, may have left torn; not those that this run opened. */
  mayday_range_set suspect;
} mayday_writer;

typedef enum mayday_write {
  MAYDAY_WRITTEN,  /* it reads back right */
  MAYDAY_MISMATCH, /* its hash is another one: nothing was changed */
  MAYDAY_FAILED    /* the flash failed */
} mayday_write;

void mayday_writer_init(mayday_writer *writer, mayday_board *board);

/* Chooses where an accepted image goes. Continues the one before if it is the same in the same place (13.2.4). */
void mayday_writer_open(mayday_writer *writer, const mayday_manifest *manifest);

/* Stores the manifest and makes the record say "receiving", unless that is so. Call it before the first block is granted,
 * as `envelope` lies in a block buffer. A stored manifest of the same bytes is left alone. False: the flash failed. */
bool mayday_writer_begin(mayday_writer *writer, const uint8_t *envelope, uint16_t length);

/* Levels above which nodes are not compared, as that takes 32 bytes of stack for each level: a node of level 8 has 256 blocks. */
#define MAYDAY_COMPARED_LEVEL_MAX 8u

/* Whether flash holds the node with this hash, and none of its blocks has to be rewritten for another reason: a sector that
 * may be torn, or bytes behind the image that are not erased. Hashes the node's blocks; false when flash cannot be read, and
 * above MAYDAY_COMPARED_LEVEL_MAX: then look at the nodes below (6.3). */
bool mayday_writer_has(mayday_writer *writer, uint8_t level, uint32_t index, const uint8_t hash[32]);

/* The blocks of a block's repair unit: the first, and one past the last. */
void mayday_writer_unit(const mayday_writer *writer, uint32_t block, uint32_t *first, uint32_t *end);

/* Whether this run has begun to write the unit of a block: then its other blocks are wanted only if they differ. */
bool mayday_writer_is_touched(const mayday_writer *writer, uint32_t block);

/* `ab`: reads the block with this hash from the other slot, if it lies there at the same place. `block` has room for a
 * block. */
#if MAYDAY_WITH_AB
bool mayday_writer_copy(mayday_writer *writer, uint32_t index, const uint8_t hash[32], uint8_t *block);
#else
static inline bool mayday_writer_copy(mayday_writer *writer, uint32_t index, const uint8_t hash[32], uint8_t *block) {
  (void)writer;
  (void)index;
  (void)hash;
  (void)block;
  return false;
}
#endif

/* Checks a block in RAM, erases its unit if this is the first one of it, programs it, and reads it back. `block` has room
 * for whole write units, and is filled up to one. */
mayday_write mayday_writer_write(mayday_writer *writer, uint32_t index, const uint8_t hash[32], uint8_t *block);

/* All blocks of the unit of this block are in flash. The record learns it with the next entry. */
void mayday_writer_unit_done(mayday_writer *writer, uint32_t block);

/* Verifies the image from flash, manifest included, and makes it count: 0, or why the board does not boot
 * (MAYDAY_BOOT_FAILURE_CODE_*). `board->decision` is the new one. `envelope` may be NULL once the writer has begun; else
 * nothing of the slot differed, and the manifest is stored first. */
uint8_t mayday_writer_commit(mayday_writer *writer, const uint8_t *envelope, uint16_t length);

/* A session ends before the commit: the record learns which units are complete. */
void mayday_writer_leave(mayday_writer *writer);

#endif
