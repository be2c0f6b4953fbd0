/* The shape of any image, any node of it, any run. */
#include "any.h"

#include "image/tree.h"

static uint8_t hashes[32u * MAYDAY_RUN_HASHES], out[32];

static void look_at_shape(uint8_t log2) {
  mayday_shape shape;
  uint32_t first = 0;
  shape.block_log2 = log2;
  shape.leaves = Frama_C_unsigned_int_interval(1, 1u << 20);
  shape.size = Frama_C_unsigned_int_interval(1, UINT32_MAX);
  mayday_root_level(&shape);
  mayday_block_length(&shape, any32());
  //@ loop unroll 256;
  for (unsigned level = 0; level < 256; level++) {
    mayday_level_nodes(&shape, (uint8_t)level);
    if (level > 0) mayday_run_level((uint8_t)level);
    mayday_run_length(&shape, (uint8_t)level, any32(), &first);
  }
}

int main(void) {
  //@ loop unroll 7;
  for (unsigned log2 = 10; log2 <= 16; log2++) look_at_shape((uint8_t)log2);
  //@ loop unroll 16;
  for (unsigned count = 1; count <= MAYDAY_RUN_HASHES; count++) {
    make_any(hashes, sizeof hashes);
    mayday_fold(&any_hash, hashes + sizeof hashes - 32u * count, (uint8_t)count, out);
  }
  return 0;
}
