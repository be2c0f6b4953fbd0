/* Any run for any node of any image: its length, and what it folds to; and uniform nodes. */
#include "input.h"

#include "base/sha256.h"
#include "image/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  input in = {bytes, length};
  uint8_t hashes[MAYDAY_RUN_HASHES][32];
  uint8_t out[32];
  uint32_t first = 0;
  mayday_port port = {0};
  const mayday_hash *hash = mayday_hash_of(&port);
  mayday_shape shape;
  shape.block_log2 = (uint8_t)(10u + take8(&in) % 7u);
  shape.leaves = 1u + (take32(&in) & 0xfffffu);
  uint32_t rest = take32(&in) & ((1u << shape.block_log2) - 1u);
  uint64_t size = ((uint64_t)shape.leaves << shape.block_log2) - rest;
  shape.size = size > UINT32_MAX ? 1u : (uint32_t)size;
  if (shape.size == 1u) shape.leaves = 1u;
  uint8_t level = take8(&in);
  uint32_t index = take32(&in);

  uint8_t count = mayday_run_length(&shape, level, index, &first);
  HOLDS(count <= MAYDAY_RUN_HASHES);
  if (count == 0) return 0;
  HOLDS(mayday_run_level(level) < level);
  HOLDS(first + count <= mayday_level_nodes(&shape, mayday_run_level(level)));
  for (uint8_t i = 0; i < count; i++)
    for (unsigned k = 0; k < 32; k++) hashes[i][k] = take8(&in);
  mayday_fold(hash, hashes[0], count, out);
  mayday_uniform_hash(hash, &shape, level, index, take8(&in), out);
  return 0;
}
