#include "wire/cobs.h"

/* A piece of 254 bytes without a zero has the code FF, and no zero is meant behind it. */
#define FULL 0xffu

size_t mayday_cobs_encode(const uint8_t *frame, size_t length, uint8_t *out) {
  size_t code_at = 0, at = 1;
  unsigned code = 1;
  for (size_t i = 0; i < length; i++) {
    if (frame[i] != 0) {
      out[at++] = frame[i];
      code++;
    }
    /* No code byte follows a full piece that ends the frame. */
    if (frame[i] == 0 || (code == FULL && i + 1 < length)) {
      out[code_at] = (uint8_t)code;
      code_at = at++;
      code = 1;
    }
  }
  out[code_at] = (uint8_t)code;
  return at;
}

size_t mayday_cobs_decode(uint8_t *run, size_t length) {
  size_t from = 0, to = 0;
  while (from < length) {
    unsigned code = run[from++];
    if (code == 0 || code - 1u > length - from) return 0;
    for (unsigned i = 1; i < code; i++) {
      uint8_t byte = run[from++];
      if (byte == 0) return 0;
      run[to++] = byte;
    }
    if (code != FULL && from < length) run[to++] = 0;
  }
  return to;
}
