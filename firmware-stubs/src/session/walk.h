/* The walk down the hash tree with one run and one node for each level (PROTOCOL.md 6.3, "One run, one block"): finds the blocks
 * that flash lacks, in ascending order, and with each all others of its repair unit. */
#ifndef MAYDAY_SESSION_WALK_H
#define MAYDAY_SESSION_WALK_H

#include "image/tree.h"
#include "mayday/target.h"

typedef enum mayday_walk_next {
  MAYDAY_WALK_GOES_ON,   /* one step was made: call again, unless `walk->is_finished` */
  MAYDAY_WALK_WANTS_RUN, /* the run of the last step */
  MAYDAY_WALK_BLOCK,     /* a block is wanted */
  MAYDAY_WALK_FILL       /* a block is wanted, all of whose bytes are `walk->uniform` */
} mayday_walk_next;

/* Begins at the root; hashes what the slot holds. */
void mayday_walk_begin(mayday_walk *walk, mayday_writer *writer, const uint8_t root[32]);

/* The last step: the node whose run is wanted. */
mayday_step *mayday_walk_wanted(mayday_walk *walk);

/* Takes the object that was complete for the wanted node. False: it is wrong. */
bool mayday_walk_take(mayday_walk *walk, const mayday_writer *writer, const mayday_object_buffer *run);

/* Makes one comparison with flash, or says what is needed. With BLOCK and FILL: the block's number and its hash, which
 * is overwritten in any case. Finished: every block is right in flash, or was wanted. */
mayday_walk_next mayday_walk_advance(mayday_walk *walk, mayday_writer *writer, const uint8_t *run, uint32_t *block,
                                     uint8_t hash[32]);

/* The block that was wanted is open, or right. */
static inline void mayday_walk_pass(mayday_walk *walk, uint32_t block) {
  walk->cursor = block + 1u;
}

#endif
