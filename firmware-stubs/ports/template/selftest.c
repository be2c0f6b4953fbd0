#include "selftest.h"

#include <string.h>

/* RFC 8032, 7.1, test 2: a message of one byte. */
static const uint8_t key[32] = {0x3d, 0x40, 0x17, 0xc3, 0xe8, 0x43, 0x89, 0x5a, 0x92, 0xb7, 0x0a, 0xa7, 0x4d, 0x1b, 0x7e, 0xbc,
                                0x9c, 0x98, 0x2c, 0xcf, 0x2e, 0xc4, 0x96, 0x8c, 0xc0, 0xcd, 0x55, 0xf1, 0x2a, 0xf4, 0x66, 0x0c};
static const uint8_t signature[64] = {
    0x92, 0xa0, 0x09, 0xa9, 0xf0, 0xd4, 0xca, 0xb8, 0x72, 0x0e, 0x82, 0x0b, 0x5f, 0x64, 0x25, 0x40, 0xa2, 0xb2, 0x7b, 0x54, 0x16, 0x50,
    0x3f, 0x8f, 0xb3, 0x76, 0x22, 0x23, 0xeb, 0xdb, 0x69, 0xda, 0x08, 0x5a, 0xc1, 0xe4, 0x3e, 0x15, 0x99, 0x6e, 0x45, 0x8f, 0x36, 0x13,
    0xd0, 0xf1, 0x1d, 0x8c, 0x38, 0x7b, 0x2e, 0xae, 0xb4, 0x30, 0x2a, 0xee, 0xb0, 0x0d, 0x29, 0x16, 0x12, 0xbb, 0x0c, 0x00};
static const uint8_t message[1] = {0x72};

/* Bytes that differ from one unit to the next. */
static uint8_t pattern(uint32_t offset) {
  return (uint8_t)(offset * 5u + offset / 256u + 1u);
}

static bool holds(const mayday_port *port, uint32_t offset, uint32_t length, uint32_t erased_from, uint8_t erased) {
  uint8_t bytes[64];
  for (uint32_t at = 0; at < length; at += sizeof bytes) {
    memset(bytes, 0x5a, sizeof bytes);
    if (!port->flash_read(port->context, offset + at, bytes, sizeof bytes)) return false;
    for (uint32_t i = 0; i < sizeof bytes; i++) {
      if (bytes[i] != (at + i < erased_from ? pattern(at + i) : erased)) return false;
    }
  }
  return true;
}

const char *selftest_flash(const mayday_port *port, const mayday_layout *layout, uint32_t offset, uint32_t sector) {
  uint8_t unit[256], byte;
  uint16_t size = layout->write_unit;
  uint32_t half = sector / 2u;
  if (!port->flash_erase(port->context, offset, sector)) return "a sector cannot be erased";
  if (!holds(port, offset, sector, 0, layout->erased)) return "an erased sector does not read as erased bytes";
  for (uint32_t at = 0; at < half; at += size) {
    for (uint16_t i = 0; i < size; i++) unit[i] = pattern(at + i);
    if (!port->flash_program(port->context, offset + at, unit, size)) return "a write unit cannot be programmed";
  }
  if (!holds(port, offset, sector, half, layout->erased)) return "what was programmed does not read back, or more was programmed";
  if (!port->flash_read(port->context, offset + 1u, &byte, 1) || byte != pattern(1)) return "a single byte cannot be read";
  if (!port->flash_erase(port->context, offset, sector)) return "a sector cannot be erased again";
  if (!holds(port, offset, sector, 0, layout->erased)) return "a sector that was programmed is not erased again";
  return NULL;
}

const char *selftest_signature(const mayday_port *port) {
  uint8_t wrong[64];
  if (port->verify(port->context, key, signature, message, sizeof message) != MAYDAY_SIGNATURE_RIGHT)
    return "a right signature is refused";
  memcpy(wrong, signature, sizeof wrong);
  wrong[0] ^= 1u;
  if (port->verify(port->context, key, wrong, message, sizeof message) != MAYDAY_SIGNATURE_WRONG)
    return "a signature with another R is taken";
  memcpy(wrong, signature, sizeof wrong);
  wrong[32] ^= 1u;
  if (port->verify(port->context, key, wrong, message, sizeof message) != MAYDAY_SIGNATURE_WRONG)
    return "a signature with another S is taken";
  wrong[0] = (uint8_t)(message[0] ^ 1u);
  if (port->verify(port->context, key, signature, wrong, sizeof message) != MAYDAY_SIGNATURE_WRONG)
    return "the signature of another message is taken";
  return NULL;
}

const char *selftest_clock(const mayday_port *port) {
  uint32_t from = port->now_ms(port->context), last = from, steps = 0;
  for (uint32_t looks = 0; last - from < 100u; looks++) {
    uint32_t now = port->now_ms(port->context);
    if (now - last > 1000u) return "the clock jumps, or runs backwards";
    steps += now != last;
    last = now;
    if (looks > UINT32_C(50000000)) return "the clock stands still";
  }
  return steps < 10u ? "the clock has steps of more than 10 ms" : NULL;
}
