/* A trust store in a flash that reads as anything, for each write unit. */
#include "any.h"

#include "image/trust_store.h"

int main(void) {
  static const mayday_port port = {.flash_read = any_read};
  static mayday_key keys[MAYDAY_TRUST_ENTRIES_MAX];
  uint32_t offsets[2] = {Frama_C_unsigned_int_interval(0, 1u << 30), Frama_C_unsigned_int_interval(0, 1u << 30)};
  uint8_t count = 0;
  //@ loop unroll 9;
  for (unsigned log2 = 0; log2 <= 8; log2++)
    mayday_trust_store_read(&port, offsets, (uint16_t)(1u << log2), any_bool() ? 0xff : 0, keys, &count);
  return 0;
}
