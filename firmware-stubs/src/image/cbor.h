/* The part of CBOR (RFC 8949) that manifests use, in the deterministic encoding of its section 4.2.1: shortest heads and
 * definite lengths only. Nothing recurses, and no length is believed before it was compared with what is left. */
#ifndef MAYDAY_IMAGE_CBOR_H
#define MAYDAY_IMAGE_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Major types, as they stand in an initial byte. */
#define MAYDAY_CBOR_UINT 0x00u
#define MAYDAY_CBOR_BYTES 0x40u
#define MAYDAY_CBOR_TEXT 0x60u
#define MAYDAY_CBOR_ARRAY 0x80u
#define MAYDAY_CBOR_MAP 0xa0u

/* Once something was wrong, `has_failed` stays set, and all that is read is 0 or empty. */
typedef struct mayday_cbor {
  const uint8_t *at;
  size_t left;
  bool has_failed;
} mayday_cbor;

/* The number in a head of this type: a value, a length, or a count, from `min` to `max`. */
uint64_t mayday_cbor_head(mayday_cbor *cbor, uint8_t type, uint64_t min, uint64_t max);

/* A number. */
uint64_t mayday_cbor_uint(mayday_cbor *cbor, uint64_t min, uint64_t max);

/* Bytes or text of `min` to `max` bytes, in place. Whether text is UTF-8 is not looked at. */
const uint8_t *mayday_cbor_string(mayday_cbor *cbor, uint8_t type, size_t min, size_t max, size_t *length);

#endif
