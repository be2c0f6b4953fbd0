#include "base/crc.h"

uint32_t mayday_crc32(uint32_t before, const uint8_t *bytes, size_t length) {
  /* A table of half bytes: 64 bytes instead of 1,024. */
  static const uint32_t table[16] = {
      0x00000000u, 0x1db71064u, 0x3b6e20c8u, 0x26d930acu, 0x76dc4190u, 0x6b6b51f4u, 0x4db26158u, 0x5005713cu,
      0xedb88320u, 0xf00f9344u, 0xd6d6a3e8u, 0xcb61b38cu, 0x9b64c2b0u, 0x86d3d2d4u, 0xa00ae278u, 0xbdbdf21cu,
  };
  uint32_t crc = ~before;
  for (size_t i = 0; i < length; i++) {
    crc ^= bytes[i];
    crc = crc >> 4 ^ table[crc & 15u];
    crc = crc >> 4 ^ table[crc & 15u];
  }
  return ~crc;
}

uint8_t mayday_crc8(const uint8_t *bytes, size_t length) {
  unsigned crc = 0;
  for (size_t i = 0; i < length; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) crc = (crc << 1 ^ ((crc & 0x80u) != 0 ? 0x07u : 0u)) & 0xffu;
  }
  return (uint8_t)crc;
}

uint8_t mayday_crc3(uint8_t first) {
  unsigned rest = first & 0xf8u;
  /* Division by 1011, from the highest of the five bits down: what is left stands in bits 2 to 0. */
  for (int bit = 7; bit >= 3; bit--) {
    if ((rest >> bit & 1u) != 0) rest ^= 0xbu << (bit - 3);
  }
  return (uint8_t)(rest ^ 7u);
}
