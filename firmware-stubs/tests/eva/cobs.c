/* Any bytes: decoded in place, with nothing behind the run; and encoded. Lengths value by value. */
#include "any.h"

#include "mayday/constants.h"
#include "wire/cobs.h"

#define LENGTH_MAX 8

static uint8_t run[LENGTH_MAX], frame[LENGTH_MAX], encoded[MAYDAY_COBS_LENGTH(LENGTH_MAX)];

int main(void) {
  //@ loop unroll LENGTH_MAX + 1;
  for (size_t length = 0; length <= LENGTH_MAX; length++) {
    make_any(run, sizeof run);
    make_any(frame, sizeof frame);
    mayday_cobs_decode(run + LENGTH_MAX - length, length);
    mayday_cobs_encode(frame + LENGTH_MAX - length, length, encoded + sizeof encoded - MAYDAY_COBS_LENGTH(length));
  }
  return 0;
}
