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

/* Once something was wrong, `has_failed` stays set, and all that is read is 0 or empty. The end stays where it is, so that only
 * `left` tells what is read next: one value, of which a proof can say what it may be. */
typedef struct mayday_cbor {
  const uint8_t *end;
  size_t left;
  bool has_failed;
} mayday_cbor;

/* The number in a head of this type: a value, a length, or a count. It is `min` at least, and less than `min` + 2^`bits`. */
uint64_t mayday_cbor_head(mayday_cbor *cbor, uint8_t type, uint8_t min, uint8_t bits);

/* So many bytes, in place; NULL when there are fewer. */
const uint8_t *mayday_cbor_take(mayday_cbor *cbor, uint32_t length);

#endif
