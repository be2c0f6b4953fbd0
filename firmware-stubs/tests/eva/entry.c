/* Any 32 bytes as an entry of the boot record, and the entry before it. */
#include "any.h"

#include "flash/entry.h"

static uint8_t entry[MAYDAY_ENTRY_LENGTH], before[MAYDAY_ENTRY_LENGTH], digest[32];

int main(void) {
  make_any(entry, sizeof entry);
  make_any(before, sizeof before);
  if (mayday_entry_is_right(entry)) {
    mayday_entry_is_event(entry[MAYDAY_ENTRY_AT_TYPE]);
    mayday_entry_names_image(entry[MAYDAY_ENTRY_AT_TYPE]);
    mayday_entry_get_digest(entry, before, digest);
  }
  mayday_entry_begin(entry, any8());
  mayday_entry_header(entry, any8());
  mayday_entry_set_digest(entry, before, digest);
  mayday_entry_finish(entry, any32());
  return 0;
}
