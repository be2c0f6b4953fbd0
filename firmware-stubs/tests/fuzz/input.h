/* What the entry points of this folder are given: any bytes, by libFuzzer (scripts/firmware/fuzz.mjs) or as every value there is
 * by Frama-C's Eva (tests/eva/, scripts/firmware/eva.mjs). */
#ifndef MAYDAY_TESTS_FUZZ_INPUT_H
#define MAYDAY_TESTS_FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Holds for whatever came in; when not, the run ends. */
#ifdef __FRAMAC__
#define HOLDS(condition) ((void)(condition))
#else
#define HOLDS(condition) ((condition) ? (void)0 : __builtin_trap())
#endif

/* Takes numbers and strings from the front of the input; zeros once it is used up. */
typedef struct input {
  const uint8_t *bytes;
  size_t length;
} input;

static inline uint8_t take8(input *in) {
  if (in->length == 0) return 0;
  in->length--;
  return *in->bytes++;
}

static inline uint32_t take32(input *in) {
  uint32_t value = 0;
  for (unsigned i = 0; i < 4; i++) value = value << 8 | take8(in);
  return value;
}

#endif
