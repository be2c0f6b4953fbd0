#include "session/walk.h"

#include "base/apart.h"
#include "base/bytes.h"
#include "base/sha256.h"
#include "mayday/constants.h"

/* A run lists nodes 1 to 4 levels below its own: the runs of higher nodes list no leaves (7.4). */
#define LEVELS_OF_RUN 4u

MAYDAY_APART mayday_step *mayday_walk_wanted(mayday_walk *walk) {
  return &walk->steps[walk->depth - 1u];
}

MAYDAY_APART static void push(mayday_walk *walk, uint8_t level, uint32_t index, const uint8_t hash[32]) {
  mayday_step *step = &walk->steps[walk->depth++];
  step->level = level;
  step->index = index;
  mayday_hash_copy(step->hash, hash);
  step->differs = 0;
  step->is_compared = false;
  walk->child = 0;
  walk->has_answer = false;
  walk->is_uniform = false;
}

static void pop(mayday_walk *walk) {
  walk->depth--;
  walk->has_answer = false;
  walk->is_uniform = false;
}

void mayday_walk_begin(mayday_walk *walk, mayday_writer *writer, const uint8_t root[32]) {
  uint8_t level = mayday_root_level(&writer->shape);
  memset(walk, 0, sizeof *walk);
  walk->is_finished = mayday_writer_has(writer, level, 0, root);
  push(walk, level, 0, root);
  /* An image of one block has no run: its block is the root. */
  walk->has_answer = level == 0;
}

/* The leaf behind the last one below a step. */
static uint32_t end_of(const mayday_shape *shape, const mayday_step *step) {
  return mayday_least32((step->index + 1u) << step->level, shape->leaves);
}

/* How many nodes the run of a step lists, and the index of the first one on their level. */
static uint8_t run_of(const mayday_shape *shape, const mayday_step *step, uint32_t *first) {
  uint8_t level = mayday_run_level(step->level);
  *first = step->index << (step->level - level);
  return (uint8_t)(((end_of(shape, step) - 1u) >> level) - *first + 1u);
}

bool mayday_walk_take(mayday_walk *walk, const mayday_writer *writer, const mayday_object_buffer *run) {
  const mayday_step *step = mayday_walk_wanted(walk);
  const mayday_hash *hash = writer->board->hash;
  bool is_uniform = run->kind == MAYDAY_OBJECT_KIND_UNIFORM;
  uint8_t found[MAYDAY_HASH_LENGTH];
  if (is_uniform) {
    if (run->length != 1u) return false;
    walk->uniform = run->bytes[0];
    mayday_uniform_hash(hash, &writer->shape, step->level, step->index, walk->uniform, found);
  } else {
    uint32_t first;
    uint8_t count = run_of(&writer->shape, step, &first);
    if (run->length != count * MAYDAY_HASH_LENGTH) return false;
    mayday_fold(hash, run->bytes, count, found);
  }
  bool is_right = memcmp(found, step->hash, MAYDAY_HASH_LENGTH) == 0;
  walk->has_answer = is_right;
  walk->is_uniform = is_uniform && is_right;
  return is_right;
}

/* Whether leaves below a node lie in the unit that is rewritten, and are not all done with. */
MAYDAY_APART static bool is_rewritten(const mayday_walk *walk, uint8_t level, uint32_t index) {
  uint32_t from = walk->cursor > walk->dirty_first ? walk->cursor : walk->dirty_first;
  return walk->dirty_end > 0 && index >= from >> level && index <= (walk->dirty_end - 1u) >> level;
}

/* Notes in every step which children the unit that is rewritten reaches into. */
static void mark_dirty(mayday_walk *walk, const mayday_shape *shape) {
  for (unsigned depth = 0; depth < walk->depth; depth++) {
    mayday_step *step = &walk->steps[depth];
    uint32_t first;
    uint8_t count = step->level == 0 ? 0 : run_of(shape, step, &first);
    for (unsigned child = 0; child < count; child++)
      if (is_rewritten(walk, mayday_run_level(step->level), first + child)) step->differs = (uint16_t)(step->differs | 1u << child);
  }
}

/* A block of a unit that was not wanted so far: all of the unit is, from its first block on. Whether the walk went back, as the
 * hash of that may be in a run of before. */
static bool wants_unit(mayday_walk *walk, mayday_writer *writer, uint32_t block) {
  mayday_writer_unit(writer, block, &walk->dirty_first, &walk->dirty_end);
  bool goes_back = walk->dirty_first != block && !mayday_writer_is_touched(writer, block);
  if (goes_back) {
    walk->cursor = walk->dirty_first;
    while (walk->depth > 1u && mayday_walk_wanted(walk)->index << mayday_walk_wanted(walk)->level > walk->cursor) pop(walk);
  }
  mark_dirty(walk, &writer->shape);
  return goes_back;
}

/* Looks at the next leaf below a node whose leaves' hashes are known. */
static mayday_walk_next take_leaf(mayday_walk *walk, mayday_writer *writer, const uint8_t *run, uint32_t *block, uint8_t hash[32]) {
  const mayday_step *step = mayday_walk_wanted(walk);
  uint32_t first = step->index << step->level;
  uint32_t leaf = walk->cursor > first ? walk->cursor : first;
  if (leaf >= end_of(&writer->shape, step)) {
    pop(walk);
    return MAYDAY_WALK_GOES_ON;
  }
  if (walk->is_uniform)
    mayday_uniform_hash(writer->board->hash, &writer->shape, 0, leaf, walk->uniform, hash);
  else
    mayday_hash_copy(hash, step->level == 0 ? step->hash : run + (size_t)(leaf - first) * MAYDAY_HASH_LENGTH);
  bool is_dirty = leaf >= walk->dirty_first && leaf < walk->dirty_end;
  bool is_wanted = (is_dirty && !mayday_writer_is_touched(writer, leaf)) || !mayday_writer_has(writer, 0, leaf, hash);
  if (!is_wanted) {
    mayday_walk_pass(walk, leaf);
    return MAYDAY_WALK_GOES_ON;
  }
  if (!is_dirty && wants_unit(walk, writer, leaf)) return MAYDAY_WALK_GOES_ON;
  walk->cursor = leaf;
  *block = leaf;
  return walk->is_uniform ? MAYDAY_WALK_FILL : MAYDAY_WALK_BLOCK;
}

/* Looks at the next child of a node whose run lists no leaves: compares all with flash first, then goes down to those that differ. */
static mayday_walk_next take_child(mayday_walk *walk, mayday_writer *writer, const uint8_t *run) {
  mayday_step *step = mayday_walk_wanted(walk);
  uint8_t level = mayday_run_level(step->level);
  uint32_t first;
  uint8_t count = run_of(&writer->shape, step, &first), child = walk->child;
  if (step->is_compared) {
    /* A child that differs and is not done with. */
    for (child = 0; child < count; child++)
      if (((unsigned)step->differs >> child & 1u) != 0 && first + child >= walk->cursor >> level) break;
    if (child == count) {
      pop(walk);
      return MAYDAY_WALK_GOES_ON;
    }
  }
  if (!walk->has_answer) return MAYDAY_WALK_WANTS_RUN;
  const uint8_t *of_child = run + (size_t)child * MAYDAY_HASH_LENGTH;
  uint16_t bit = (uint16_t)(1u << child);
  first += child;
  if (step->is_compared) {
    step->differs = (uint16_t)(step->differs & ~bit);
    push(walk, level, first, of_child);
    return MAYDAY_WALK_GOES_ON;
  }
  walk->child++;
  step->is_compared = walk->child == count;
  if (is_rewritten(walk, level, first) || !mayday_writer_has(writer, level, first, of_child))
    step->differs = (uint16_t)(step->differs | bit);
  return MAYDAY_WALK_GOES_ON;
}

mayday_walk_next mayday_walk_advance(mayday_walk *walk, mayday_writer *writer, const uint8_t *run, uint32_t *block,
                                     uint8_t hash[32]) {
  walk->is_finished = walk->depth == 0 || walk->cursor >= writer->shape.leaves;
  if (walk->is_finished) return MAYDAY_WALK_GOES_ON;
  if (!walk->is_uniform && mayday_walk_wanted(walk)->level > LEVELS_OF_RUN) return take_child(walk, writer, run);
  return walk->has_answer ? take_leaf(walk, writer, run, block, hash) : MAYDAY_WALK_WANTS_RUN;
}
