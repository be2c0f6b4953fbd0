/* Any 64 bytes as a digest entry and the entry behind it. */
#include "input.h"

#include "flash/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  uint8_t entry[MAYDAY_ENTRY_LENGTH], digest[32];
  if (length != 2u * MAYDAY_ENTRY_LENGTH) return 0;
  memcpy(entry, bytes + MAYDAY_ENTRY_LENGTH, sizeof entry);
  mayday_entry_is_right(entry);
  mayday_entry_finish(entry, bytes[0]);
  if (mayday_entry_is_right(entry)) {
    if (mayday_entry_is_event(entry[MAYDAY_ENTRY_AT_TYPE]) && mayday_entry_names_image(entry[MAYDAY_ENTRY_AT_TYPE]))
      mayday_entry_get_digest(entry, bytes, digest);
  }
  return 0;
}
