/* Any bytes in the two sectors of a trust store. */
#include "input.h"

#include "image/trust_store.h"

#define SECTOR 1024u

/* What the input does not say is erased. */
static bool flash_read(void *context, uint32_t offset, uint8_t *bytes, size_t length) {
  const input *flash = context;
  HOLDS(offset <= 2u * SECTOR && length <= 2u * SECTOR - offset);
  for (size_t i = 0; i < length; i++) bytes[i] = offset + i < flash->length ? flash->bytes[offset + i] : 0xff;
  return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  static const uint32_t offsets[2] = {0, SECTOR};
  input flash = {bytes, length};
  mayday_key keys[MAYDAY_TRUST_ENTRIES_MAX];
  uint8_t count = 0;
  uint16_t write_unit = (uint16_t)(1u << (take8(&flash) & 7u));
  mayday_port port = {.context = &flash, .flash_read = flash_read};
  if (mayday_trust_store_read(&port, offsets, write_unit, 0xff, keys, &count)) HOLDS(count <= MAYDAY_TRUST_ENTRIES_MAX);
  return 0;
}
