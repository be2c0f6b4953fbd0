#include "session/walk.h"

#include "base/bytes.h"
#include "base/sha256.h"
#include "mayday/constants.h"

/* The leaves below a node. */
typedef struct span {
  uint32_t first, end;
} span;

static span leaves_below(const mayday_shape *shape, uint8_t level, uint32_t index) {
  span below;
  below.first = index << level;
  below.end = shape->leaves - below.first < UINT32_C(1) << level ? shape->leaves : below.first + (UINT32_C(1) << level);
  return below;
}

static mayday_step *last_step(mayday_walk *walk) {
  return &walk->steps[walk->depth - 1u];
}

static void push(mayday_walk *walk, uint8_t level, uint32_t index, const uint8_t hash[32]) {
  mayday_step *step = &walk->steps[walk->depth++];
  step->level = level;
  step->index = index;
  memcpy(step->hash, hash, MAYDAY_HASH_LENGTH);
  step->differs = 0;
  step->is_compared = false;
  walk->child = 0;
  walk->has_run = false;
  walk->is_uniform = false;
}

static void pop(mayday_walk *walk) {
  walk->depth--;
  walk->has_run = false;
  walk->is_uniform = false;
}

void mayday_walk_begin(mayday_walk *walk, mayday_writer *writer, const uint8_t root[32]) {
  uint8_t level = mayday_root_level(&writer->shape);
  walk->depth = 0;
  walk->cursor = 0;
  walk->dirty_first = 0;
  walk->dirty_end = 0;
  walk->is_finished = mayday_writer_has(writer, level, 0, root);
  if (walk->is_finished) return;
  push(walk, level, 0, root);
  /* An image of one block has no run: its block is the root. */
  walk->has_run = level == 0;
}

const mayday_step *mayday_walk_wanted(const mayday_walk *walk) {
  return &walk->steps[walk->depth - 1u];
}

bool mayday_walk_take(mayday_walk *walk, const mayday_writer *writer, const mayday_object_buffer *run) {
  const mayday_step *step = mayday_walk_wanted(walk);
  const mayday_hash *hash = mayday_hash_of(writer->board->port);
  uint8_t found[MAYDAY_HASH_LENGTH];
  if (run->kind == MAYDAY_OBJECT_KIND_UNIFORM) {
    if (run->length != 1u) return false;
    mayday_uniform_hash(hash, &writer->shape, step->level, step->index, run->bytes[0], found);
    walk->is_uniform = mayday_equal(found, step->hash, MAYDAY_HASH_LENGTH);
    walk->uniform = run->bytes[0];
    return walk->is_uniform;
  }
  uint32_t first;
  uint8_t count = mayday_run_length(&writer->shape, step->level, step->index, &first);
  if (count == 0 || run->length != count * MAYDAY_HASH_LENGTH) return false;
  mayday_fold(hash, run->bytes, count, found);
  walk->has_run = mayday_equal(found, step->hash, MAYDAY_HASH_LENGTH);
  return walk->has_run;
}

static bool is_rewritten(const mayday_walk *walk, span below) {
  return below.end > walk->cursor && below.first < walk->dirty_end && below.end > walk->dirty_first;
}

/* Notes in every step which children the unit that is rewritten reaches into. */
static void mark_dirty(mayday_walk *walk, const mayday_shape *shape) {
  for (uint8_t depth = 0; depth < walk->depth; depth++) {
    mayday_step *step = &walk->steps[depth];
    uint32_t first;
    uint8_t count = mayday_run_length(shape, step->level, step->index, &first);
    for (uint8_t child = 0; child < count; child++) {
      span below = leaves_below(shape, mayday_run_level(step->level), first + child);
      if (is_rewritten(walk, below)) step->differs = (uint16_t)(step->differs | 1u << child);
    }
  }
}

/* Back to a block whose unit is rewritten, and whose hash may be in a run of before. */
static void go_back(mayday_walk *walk, const mayday_shape *shape, uint32_t block) {
  walk->cursor = block;
  while (walk->depth > 1u) {
    const mayday_step *step = last_step(walk);
    if (leaves_below(shape, step->level, step->index).first <= block) break;
    pop(walk);
  }
  mark_dirty(walk, shape);
}

/* A child that differs and is not done, or 16. */
static uint8_t next_child(const mayday_walk *walk, const mayday_shape *shape, const mayday_step *step) {
  uint32_t first;
  uint8_t count = mayday_run_length(shape, step->level, step->index, &first);
  for (uint8_t child = 0; child < count; child++) {
    if ((step->differs >> child & 1u) == 0) continue;
    if (leaves_below(shape, mayday_run_level(step->level), first + child).end > walk->cursor) return child;
  }
  return MAYDAY_RUN_HASHES;
}

/* Compares the next child of a node whose run lists nodes, and goes down when all are compared. */
static void take_inner(mayday_walk *walk, mayday_writer *writer, const uint8_t *run) {
  mayday_step *step = last_step(walk);
  const mayday_shape *shape = &writer->shape;
  uint8_t level = mayday_run_level(step->level);
  uint32_t first;
  uint8_t count = mayday_run_length(shape, step->level, step->index, &first);
  if (step->is_compared) {
    uint8_t child = next_child(walk, shape, step);
    step->differs = (uint16_t)(step->differs & ~(1u << child));
    push(walk, level, first + child, run + (size_t)child * MAYDAY_HASH_LENGTH);
    return;
  }
  uint8_t child = walk->child++;
  span below = leaves_below(shape, level, first + child);
  bool is_equal = !is_rewritten(walk, below) && mayday_writer_has(writer, level, first + child, run + (size_t)child * MAYDAY_HASH_LENGTH);
  if (!is_equal) step->differs = (uint16_t)(step->differs | 1u << child);
  step->is_compared = walk->child == count;
}

/* A block of a unit that was not wanted so far: all of the unit is, from its first block on. Whether the walk went back. */
static bool wants_unit(mayday_walk *walk, mayday_writer *writer, uint32_t block) {
  mayday_writer_unit(writer, block, &walk->dirty_first, &walk->dirty_end);
  mark_dirty(walk, &writer->shape);
  if (walk->dirty_first == block || mayday_writer_is_touched(writer, block)) return false;
  go_back(walk, &writer->shape, walk->dirty_first);
  return true;
}

/* Looks at the next leaf below a node whose leaves' hashes are known. */
static mayday_walk_next take_leaf(mayday_walk *walk, mayday_writer *writer, const uint8_t *run, uint32_t *block, uint8_t hash[32]) {
  const mayday_step *step = last_step(walk);
  span below = leaves_below(&writer->shape, step->level, step->index);
  uint32_t leaf = walk->cursor > below.first ? walk->cursor : below.first;
  if (leaf >= below.end) {
    pop(walk);
    return MAYDAY_WALK_GOES_ON;
  }
  if (walk->is_uniform)
    mayday_uniform_hash(mayday_hash_of(writer->board->port), &writer->shape, 0, leaf, walk->uniform, hash);
  else
    memcpy(hash, step->level == 0 ? step->hash : run + (size_t)(leaf - below.first) * MAYDAY_HASH_LENGTH, MAYDAY_HASH_LENGTH);
  bool is_dirty = leaf >= walk->dirty_first && leaf < walk->dirty_end;
  bool is_wanted = (is_dirty && !mayday_writer_is_touched(writer, leaf)) || !mayday_writer_has(writer, 0, leaf, hash);
  if (!is_wanted) {
    walk->cursor = leaf + 1u;
    return MAYDAY_WALK_GOES_ON;
  }
  if (!is_dirty && wants_unit(walk, writer, leaf)) return MAYDAY_WALK_GOES_ON;
  walk->cursor = leaf;
  *block = leaf;
  return walk->is_uniform ? MAYDAY_WALK_FILL : MAYDAY_WALK_BLOCK;
}

mayday_walk_next mayday_walk_advance(mayday_walk *walk, mayday_writer *writer, const uint8_t *run, uint32_t *block,
                                     uint8_t hash[32]) {
  if (walk->depth == 0) walk->is_finished = true;
  if (walk->is_finished) return MAYDAY_WALK_FINISHED;
  const mayday_step *step = last_step(walk);
  bool is_inner = !walk->is_uniform && step->level > 0 && mayday_run_level(step->level) > 0;
  if (is_inner && step->is_compared && next_child(walk, &writer->shape, step) == MAYDAY_RUN_HASHES) {
    pop(walk);
    return MAYDAY_WALK_GOES_ON;
  }
  if (!walk->has_run && !walk->is_uniform) return MAYDAY_WALK_WANTS_RUN;
  if (!is_inner) return take_leaf(walk, writer, run, block, hash);
  take_inner(walk, writer, run);
  return MAYDAY_WALK_GOES_ON;
}

void mayday_walk_pass(mayday_walk *walk, uint32_t block) {
  walk->cursor = block + 1u;
}
