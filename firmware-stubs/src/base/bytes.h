/* Numbers in byte strings, low byte first (PROTOCOL.md 1.2). */
#ifndef MAYDAY_BASE_BYTES_H
#define MAYDAY_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Where the machine has the same order and takes any address. gcc finds out by itself that the four bytes below are one load, but
 * after it decided what to inline. */
#if defined(__ARM_FEATURE_UNALIGNED) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define MAYDAY_IS_ONE_LOAD 1
#else
#define MAYDAY_IS_ONE_LOAD 0
#endif

static inline uint16_t mayday_u16(const uint8_t *at) {
  return (uint16_t)(at[0] | (uint16_t)((uint16_t)at[1] << 8));
}

static inline uint32_t mayday_u24(const uint8_t *at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
}

static inline uint32_t mayday_u32(const uint8_t *at) {
#if MAYDAY_IS_ONE_LOAD
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return value;
#else
  return mayday_u24(at) | (uint32_t)at[3] << 24;
#endif
}

static inline uint64_t mayday_u48(const uint8_t *at) {
  return mayday_u32(at) | (uint64_t)mayday_u16(at + 4) << 32;
}

static inline void mayday_put16(uint8_t *at, uint16_t value) {
  at[0] = (uint8_t)(value & 0xffu);
  at[1] = (uint8_t)(value >> 8);
}

static inline void mayday_put24(uint8_t *at, uint32_t value) {
  mayday_put16(at, (uint16_t)(value & 0xffffu));
  at[2] = (uint8_t)(value >> 16 & 0xffu);
}

static inline void mayday_put32(uint8_t *at, uint32_t value) {
#if MAYDAY_IS_ONE_LOAD
  memcpy(at, &value, sizeof value);
#else
  mayday_put24(at, value);
  at[3] = (uint8_t)(value >> 24);
#endif
}

static inline void mayday_put48(uint8_t *at, uint64_t value) {
  mayday_put32(at, (uint32_t)(value & 0xffffffffu));
  mayday_put16(at + 4, (uint16_t)(value >> 32 & 0xffffu));
}

/* Whether two byte strings are equal; takes as long wherever they differ. */
static inline bool mayday_equal(const uint8_t *a, const uint8_t *b, size_t length) {
  uint8_t difference = 0;
  for (size_t i = 0; i < length; i++) difference = (uint8_t)(difference | (a[i] ^ b[i]));
  return difference == 0;
}

static inline uint32_t mayday_most32(uint32_t a, uint32_t b) {
  return a > b ? a : b;
}

static inline uint32_t mayday_least32(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

#endif
