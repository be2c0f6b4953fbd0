/* A frame in the second form with a wrong byte, for the machines. */
#ifndef MAYDAY_TESTS_FUZZ_CODED_H
#define MAYDAY_TESTS_FUZZ_CODED_H

#include "fec/coded.h"

/* Writes it to `out`, which has room for `room` bytes; returns how many it takes. `what` says how much parity it has, and which byte is
 * wrong. */
static inline size_t coded_of(const uint8_t *frame, size_t length, uint8_t what, uint8_t *out, size_t room) {
  mayday_coder coder;
  size_t count = 0;
  if (length == 0 || length > MAYDAY_CODED_FRAME_MAX) return 0;
  mayday_coder_begin(&coder, frame, length, (uint8_t)(1u + what % MAYDAY_MENDABLE_MAX));
  while (count < room && mayday_coder_next(&coder, &out[count])) count++;
  if (count > 0) out[what % count] ^= 0x10u;
  return count;
}

#endif
