#include "image/tree.h"

#include "base/sha256.h"

#include <string.h>

#define LEAF_MARK 0x00u
#define NODE_MARK 0x01u

void mayday_hash_copy(uint8_t to[32], const uint8_t from[32]) {
  memcpy(to, from, MAYDAY_HASH_LENGTH);
}

/* Begins the hash of a leaf or a node. */
static void begin(const mayday_hash *hash, mayday_hash_state *state, uint8_t mark) {
  hash->begin(state);
  hash->add(state, &mark, 1);
}

void mayday_node_hash(const mayday_hash *hash, const uint8_t left[32], const uint8_t right[32], uint8_t out[32]) {
  mayday_hash_state state;
  begin(hash, &state, NODE_MARK);
  hash->add(&state, left, MAYDAY_HASH_LENGTH);
  hash->add(&state, right, MAYDAY_HASH_LENGTH);
  hash->end(&state, out);
}

uint32_t mayday_block_length(const mayday_shape *shape, uint32_t block) {
  if (block >= shape->leaves) return 0;
  uint32_t full = UINT32_C(1) << shape->block_log2;
  uint32_t left = shape->size - (block << shape->block_log2);
  return left < full ? left : full;
}

uint32_t mayday_level_nodes(const mayday_shape *shape, uint8_t level) {
  if (level > MAYDAY_LEVELS_MAX) return 1;
  return ((shape->leaves - 1u) >> level) + 1u;
}

uint8_t mayday_root_level(const mayday_shape *shape) {
  uint8_t level = 0;
  while (mayday_level_nodes(shape, level) > 1u) level++;
  return level;
}

uint8_t mayday_run_level(uint8_t level) {
  return (uint8_t)((level - 1u) & 0xfcu);
}

uint8_t mayday_run_length(const mayday_shape *shape, uint8_t level, uint32_t index, uint32_t *first) {
  *first = 0;
  if (level == 0 || level > mayday_root_level(shape) || index >= mayday_level_nodes(shape, level)) return 0;
  uint8_t run_level = mayday_run_level(level);
  uint32_t width = UINT32_C(1) << (level - run_level);
  *first = index * width;
  uint32_t left = mayday_level_nodes(shape, run_level) - *first;
  return (uint8_t)(left < width ? left : width);
}

void mayday_fold_next(const mayday_hash *hash, uint8_t *parts, uint32_t before, bool is_last, uint8_t node[32]) {
  /* parts[k]: of a complete part of 2^k nodes, for each bit k that is set in the number of nodes before. The last node is joined
   * with all of them: an odd one is taken over until it finds a neighbour at its left. */
  for (; before != 0 && (is_last || (before & 1u) != 0); before >>= 1, parts += MAYDAY_HASH_LENGTH)
    if ((before & 1u) != 0) mayday_node_hash(hash, parts, node, node);
  if (!is_last) mayday_hash_copy(parts, node);
}

void mayday_fold(const mayday_hash *hash, const uint8_t *hashes, uint8_t count, uint8_t out[32]) {
  /* Complete parts of 8, 4, 2 and 1 hashes. */
  uint8_t parts[4][MAYDAY_HASH_LENGTH];
  for (unsigned i = 0; i < count; i++) {
    mayday_hash_copy(out, hashes + (size_t)i * MAYDAY_HASH_LENGTH);
    mayday_fold_next(hash, parts[0], i, i + 1u == count, out);
  }
}

void mayday_leaf_hash(const mayday_hash *hash, const uint8_t *block, uint32_t length, uint8_t out[32]) {
  mayday_hash_state state;
  begin(hash, &state, LEAF_MARK);
  hash->add(&state, block, (size_t)length);
  hash->end(&state, out);
}

void mayday_folding_init(mayday_folding *folding) {
  folding->count = 0;
}

void mayday_folding_add(const mayday_hash *hash, mayday_folding *folding, const uint8_t leaf[32]) {
  uint8_t carried[MAYDAY_HASH_LENGTH];
  memcpy(carried, leaf, sizeof carried);
  unsigned level = 0;
  while (level < MAYDAY_LEVELS_MAX && (folding->count >> level & 1u) != 0) {
    mayday_node_hash(hash, folding->stack[level], carried, carried);
    level++;
  }
  memcpy(folding->stack[level], carried, sizeof carried);
  folding->count++;
}

void mayday_folding_end(const mayday_hash *hash, mayday_folding *folding, uint8_t out[32]) {
  bool has_any = false;
  for (unsigned level = 0; level <= MAYDAY_LEVELS_MAX; level++) {
    if ((folding->count >> level & 1u) == 0) continue;
    if (has_any) {
      mayday_node_hash(hash, folding->stack[level], out, out);
    } else {
      memcpy(out, folding->stack[level], MAYDAY_HASH_LENGTH);
    }
    has_any = true;
  }
}

/* The hash of a leaf all of whose bytes are `value`. */
static void uniform_leaf(const mayday_hash *hash, uint32_t length, uint8_t value, uint8_t *out) {
  uint8_t piece[32];
  mayday_hash_state state;
  memset(piece, value, sizeof piece);
  begin(hash, &state, LEAF_MARK);
  for (; length > sizeof piece; length -= (uint32_t)sizeof piece) hash->add(&state, piece, sizeof piece);
  hash->add(&state, piece, (size_t)length);
  hash->end(&state, out);
}

/* One hash of the complete form a level, and in `out` that of the last node of the level, on the right edge. */
void mayday_uniform_hash(const mayday_hash *hash, const mayday_shape *shape, uint8_t level, uint32_t index, uint8_t value,
                         uint8_t out[32]) {
  uint8_t complete[MAYDAY_HASH_LENGTH];
  uint32_t last = shape->leaves - 1u;
  /* One that would lie beyond the last leaf: the right edge, or a node that was taken over, ends earlier. */
  if (index < last >> level) last = ((index + 1u) << level) - 1u;
  uniform_leaf(hash, UINT32_C(1) << shape->block_log2, value, complete);
  uniform_leaf(hash, mayday_block_length(shape, last), value, out);
  for (unsigned at = 0; at < level; at++) {
    /* An odd last node has a complete neighbour at its left; an even one is taken over unchanged. */
    if ((last >> at & 1u) != 0) mayday_node_hash(hash, complete, out, out);
    mayday_node_hash(hash, complete, complete, complete);
  }
}
