/* GF(256) with the polynomial 0x11D and the generator 2, as in QR codes (PROTOCOL.md 2.5). No table is constant: products with one
 * factor come from 32 bytes on the stack, which take about 40 steps to fill and two loads a product then. */
#ifndef MAYDAY_FEC_GALOIS_H
#define MAYDAY_FEC_GALOIS_H

#include <stdint.h>

/* The products of one factor with every value of a half byte. */
typedef struct mayday_products {
  uint8_t low[16], high[16];
} mayday_products;

void mayday_products_of(mayday_products *out, uint8_t factor);

/* The product of (mayday_products) `of` and a byte in a variable, in a loop that is run for each byte: no call. */
#define MAYDAY_PRODUCT(of, value) ((of).low[(value) & 15u] ^ (of).high[(value) >> 4])

static inline uint8_t mayday_product(const mayday_products *of, uint8_t value) {
  return (uint8_t)MAYDAY_PRODUCT(*of, value);
}

uint8_t mayday_multiply(uint8_t a, uint8_t b);

/* 1 / a; a is not 0. */
uint8_t mayday_inverse(uint8_t a);

/* 2 a */
static inline uint8_t mayday_twice(uint8_t a) {
  return (uint8_t)((unsigned)a << 1 ^ ((a & 0x80u) != 0 ? 0x11du : 0u));
}

/* a / 2 */
static inline uint8_t mayday_half(uint8_t a) {
  return (uint8_t)((unsigned)a >> 1 ^ ((a & 1u) != 0 ? 0x8eu : 0u));
}

#endif
