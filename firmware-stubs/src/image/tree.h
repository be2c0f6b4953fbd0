/* The hash tree of an image (PROTOCOL.md 7). */
#ifndef MAYDAY_IMAGE_TREE_H
#define MAYDAY_IMAGE_TREE_H

#include "mayday/port.h"

/* Hashes of a run at most. */
#define MAYDAY_RUN_HASHES 16u
/* Levels above the leaves at most: 2^20 leaves. */
#define MAYDAY_LEVELS_MAX 20u

typedef struct mayday_shape {
  uint32_t size;       /* bytes of the image, 1 at least */
  uint32_t leaves;     /* ceil(size / block size), 1 to 2^20 */
  uint8_t block_log2;  /* 10 to 16 */
} mayday_shape;

/* Bytes of a block: the last one may be short. */
uint32_t mayday_block_length(const mayday_shape *shape, uint32_t block);

/* Nodes on a level (7.3). */
uint32_t mayday_level_nodes(const mayday_shape *shape, uint8_t level);

/* The level of the root. */
uint8_t mayday_root_level(const mayday_shape *shape);

/* The level of the hashes that the run of a node of this level lists (7.4); the node is no leaf. */
uint8_t mayday_run_level(uint8_t level);

/* How many hashes the run of a node lists: 2 to 16, or 1 for a node that was taken over unchanged. `first`: index of the
 * first one on its level. 0 when the image has no such node, or it is a leaf. */
uint8_t mayday_run_length(const mayday_shape *shape, uint8_t level, uint32_t index, uint32_t *first);

/* Copies a hash: a function, as compilers make more code of many short copies than of calls. */
void mayday_hash_copy(uint8_t to[32], const uint8_t from[32]);

/* The hash of the node above two (7.2). `out` may be one of them. */
void mayday_node_hash(const mayday_hash *hash, const uint8_t left[32], const uint8_t right[32], uint8_t out[32]);

/* Folds nodes that come one after the other, from the left (7.3). `parts` has room for 32 bytes for each level that they take,
 * `before` counts those before this one. `node` is the hash of all of them if `is_last`; else it is overwritten. */
void mayday_fold_next(const mayday_hash *hash, uint8_t *parts, uint32_t before, bool is_last, uint8_t node[32]);

/* Folds hashes, joined, pairwise (7.3). `count` 1 to 16. */
void mayday_fold(const mayday_hash *hash, const uint8_t *hashes, uint8_t count, uint8_t out[32]);

/* The hash of a leaf that lies in memory. */
void mayday_leaf_hash(const mayday_hash *hash, const uint8_t *block, uint32_t length, uint8_t out[32]);

/* Folds leaves one after the other: of any range that begins and ends as a node does. */
typedef struct mayday_folding {
  uint32_t count;                                  /* leaves so far */
  uint8_t stack[MAYDAY_LEVELS_MAX + 1u][32];       /* hashes of complete parts, one for each bit of `count` that is set */
} mayday_folding;

void mayday_folding_init(mayday_folding *folding);
void mayday_folding_add(const mayday_hash *hash, mayday_folding *folding, const uint8_t leaf[32]);
/* The hash of all leaves added; at least one was. */
void mayday_folding_end(const mayday_hash *hash, mayday_folding *folding, uint8_t out[32]);

/* The hash of a node all of whose bytes are `value` (7.5). */
void mayday_uniform_hash(const mayday_hash *hash, const mayday_shape *shape, uint8_t level, uint32_t index, uint8_t value,
                         uint8_t out[32]);

#endif
