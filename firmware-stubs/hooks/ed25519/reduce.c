#include "reduce.h"

#include <stdint.h>
#include <string.h>

#define WORDS 8u

/* 2^252 + 27742317777372353535851937790883648493, low word first. */
static const uint32_t order[WORDS] = {
    0x5cf5d3edu, 0x5812631au, 0xa2f79cd6u, 0x14def9deu, 0x00000000u, 0x00000000u, 0x00000000u, 0x10000000u,
};

/* Division bit by bit, from the highest one down: small, and nothing beside the multiplications of a check. The rest stays
 * below twice the order, so that eight words hold it. */
void mayday_ed25519_reduce(unsigned char number[64]) {
  uint32_t rest[WORDS] = {0};
  for (unsigned bit = 512; bit-- > 0;) {
    uint32_t carry = (uint32_t)number[bit / 8] >> bit % 8 & 1u;
    uint32_t borrow = 0, less[WORDS];
    for (unsigned i = 0; i < WORDS; i++) {
      const uint32_t twice = rest[i] << 1 | carry;
      carry = rest[i] >> 31;
      rest[i] = twice;
      const uint64_t difference = (uint64_t)twice - order[i] - borrow;
      less[i] = (uint32_t)(difference & 0xffffffffu);
      borrow = (uint32_t)(difference >> 63);
    }
    if (borrow == 0) memcpy(rest, less, sizeof rest);
  }
  for (unsigned i = 0; i < 32; i++) number[i] = (unsigned char)(rest[i / 4] >> i % 4 * 8 & 0xffu);
  memset(number + 32, 0, 32);
}
