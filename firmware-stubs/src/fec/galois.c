#include "fec/galois.h"

void mayday_products_of(mayday_products *out, uint8_t factor) {
  out->low[0] = 0;
  out->high[0] = 0;
  for (unsigned bit = 0; bit < 8u; bit++) {
    uint8_t *table = bit < 4u ? out->low : out->high;
    unsigned step = 1u << (bit & 3u);
    for (unsigned i = 0; i < step; i++) table[step + i] = (uint8_t)(table[i] ^ factor);
    factor = mayday_twice(factor);
  }
}

uint8_t mayday_multiply(uint8_t a, uint8_t b) {
  uint8_t product = 0;
  for (; b != 0; b = (uint8_t)(b >> 1)) {
    if ((b & 1u) != 0) product = (uint8_t)(product ^ a);
    a = mayday_twice(a);
  }
  return product;
}

uint8_t mayday_inverse(uint8_t a) {
  /* a^254: the group has 255 elements. 254 is 2 + 4 + ... + 128. */
  uint8_t power = a, inverse = 1;
  for (unsigned bit = 1; bit < 8u; bit++) {
    power = mayday_multiply(power, power);
    inverse = mayday_multiply(inverse, power);
  }
  return inverse;
}
