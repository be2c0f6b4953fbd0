#include "image/cbor.h"

static uint64_t fail(mayday_cbor *cbor) {
  cbor->has_failed = true;
  return 0;
}

uint64_t mayday_cbor_head(mayday_cbor *cbor, uint8_t type, uint64_t min, uint64_t max) {
  if (cbor->has_failed || cbor->left == 0 || (*cbor->at & 0xe0u) != type) return fail(cbor);
  unsigned info = *cbor->at & 0x1fu;
  cbor->at++;
  cbor->left--;
  uint64_t value = info;
  if (info >= 24) {
    /* 28 to 30 are reserved, 31 is an indefinite length. */
    if (info > 27) return fail(cbor);
    unsigned width = 1u << (info - 24u);
    if (width > cbor->left) return fail(cbor);
    value = 0;
    for (unsigned i = 0; i < width; i++) value = value << 8 | cbor->at[i];
    cbor->at += width;
    cbor->left -= width;
    /* What fits into half the bytes, or into the head itself, has a shorter form. */
    if (width == 1 ? value < 24 : value >> (4 * width) == 0) return fail(cbor);
  }
  return value < min || value > max ? fail(cbor) : value;
}

uint64_t mayday_cbor_uint(mayday_cbor *cbor, uint64_t min, uint64_t max) {
  return mayday_cbor_head(cbor, MAYDAY_CBOR_UINT, min, max);
}

const uint8_t *mayday_cbor_string(mayday_cbor *cbor, uint8_t type, size_t min, size_t max, size_t *length) {
  *length = (size_t)mayday_cbor_head(cbor, type, min, max);
  if (*length > cbor->left) {
    cbor->has_failed = true;
    *length = 0;
  }
  const uint8_t *string = cbor->at;
  cbor->at += *length;
  cbor->left -= *length;
  return string;
}
