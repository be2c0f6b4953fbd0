/* Any transactions of a controller, and any use of the mailbox by the main loop between them. */
#include "input.h"

#include "mayday/mailbox.h"

#define FRAME_MAX 96u
#define TRANSACTION 64u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  static uint8_t into[MAYDAY_MAILBOX_IN_ROOM(TRANSACTION, FRAME_MAX)], from[MAYDAY_MAILBOX_OUT_MIN];
  static mayday_mailbox mailbox;
  input in = {bytes, length};
  uint8_t moved[TRANSACTION + 8u];
  uint32_t now = 0;
  uint16_t taken = 0;
  mayday_mailbox_memory memory = {into, sizeof into, from, sizeof from, FRAME_MAX, TRANSACTION};
  memset(&mailbox, 0, sizeof mailbox);
  HOLDS(mayday_mailbox_init(&mailbox, &memory, now));
  while (in.length > 0) {
    uint8_t what = take8(&in);
    uint16_t count = (uint16_t)(what >> 3);
    switch (what & 7u) {
      case 0:
      case 1:
        count = (uint16_t)(count + ((what & 1u) != 0 ? 32u : 0u));
        for (uint16_t i = 0; i < count; i++) moved[i] = take8(&in);
        mayday_mailbox_write(&mailbox, moved, count);
        break;
      case 2:
      case 3:
        mayday_mailbox_read(&mailbox, moved, (uint16_t)(count + ((what & 1u) != 0 ? 32u : 0u)));
        break;
      case 4:
        mayday_mailbox_write_begin(&mailbox);
        for (uint16_t i = 0; i < count; i++)
          if (!mayday_mailbox_write_byte(&mailbox, take8(&in))) break;
        mayday_mailbox_end(&mailbox, 0);
        break;
      case 5:
        mayday_mailbox_read_begin(&mailbox, 0);
        for (uint16_t i = 0; i < count; i++) moved[i] = mayday_mailbox_read_byte(&mailbox);
        mayday_mailbox_end(&mailbox, count > 0 ? 1 : 0);
        break;
      case 6:
        now += 1u << (count & 15u);
        mayday_mailbox_is_up(&mailbox, now);
        break;
      default: {
        const uint8_t *frame = mayday_mailbox_frame(&mailbox, &taken);
        if (frame == NULL) break;
        HOLDS(taken > 0 && taken <= FRAME_MAX);
        volatile uint8_t last = frame[taken - 1u];
        (void)last;
        mayday_mailbox_release(&mailbox);
        break;
      }
    }
  }
  return 0;
}
