/* Any bytes: decoded as a run; and encoded, which decodes to the same bytes. */
#include "copy.h"
#include "input.h"

#include "mayday/constants.h"
#include "wire/cobs.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  if (length > MAYDAY_FRAME_MAX) return 0;
  uint8_t *run = copy_of(bytes, length, length);
  HOLDS(mayday_cobs_decode(run, length) <= length);
  copy_drop(run);

  uint8_t *encoded = copy_of(bytes, 0, MAYDAY_COBS_LENGTH(length));
  size_t taken = mayday_cobs_encode(bytes, length, encoded);
  HOLDS(taken <= MAYDAY_COBS_LENGTH(length));
#ifndef __FRAMAC__
  for (size_t i = 0; i < taken; i++) HOLDS(encoded[i] != MAYDAY_DELIMITER);
  HOLDS(mayday_cobs_decode(encoded, taken) == length);
  HOLDS(memcmp(encoded, bytes, length) == 0);
#endif
  copy_drop(encoded);
  return 0;
}
