#include "image/cbor.h"

const uint8_t *mayday_cbor_take(mayday_cbor *cbor, uint32_t length) {
  if (cbor->has_failed || length > cbor->left) {
    cbor->has_failed = true;
    return NULL;
  }
  const uint8_t *taken = cbor->end - cbor->left;
  cbor->left -= (size_t)length;
  return taken;
}

uint64_t mayday_cbor_head(mayday_cbor *cbor, uint8_t type, uint8_t min, uint8_t bits) {
  const uint8_t *head = mayday_cbor_take(cbor, 1);
  /* One byte of another type, if there is none. */
  unsigned rest = head == NULL ? 0xffu : (unsigned)*head ^ type;
  uint64_t value = rest;
  /* 28 to 30 are reserved, 31 is an indefinite length; above stands another type. */
  bool is_right = rest < 24u;
  if (rest >= 24u && rest < 28u) {
    uint8_t width = (uint8_t)(1u << (rest - 24u));
    const uint8_t *number = mayday_cbor_take(cbor, width);
    is_right = number != NULL;
    value = 0;
    for (unsigned i = 0; is_right && i < width; i++) value = value << 8 | number[i];
    /* What fits into half the bytes, or into the head itself, has a shorter form. */
    if (width == 1u ? value < 24u : value >> (4u * width) == 0) is_right = false;
  }
  if (is_right && (value - min) >> bits == 0) return value;
  cbor->has_failed = true;
  return 0;
}
