/* Any transactions on a mailbox, byte by byte, and any use of it by the main loop. */
#include "any.h"

#include "mayday/mailbox.h"

#define FRAME_MAX 96u
#define TRANSACTION 64u

int main(void) {
  static uint8_t into[MAYDAY_MAILBOX_IN_ROOM(TRANSACTION, FRAME_MAX)], from[MAYDAY_MAILBOX_OUT_MIN];
  static mayday_mailbox mailbox;
  const mayday_mailbox_memory memory = {into, sizeof into, from, sizeof from, FRAME_MAX, TRANSACTION};
  uint16_t length = 0;
  if (!mayday_mailbox_init(&mailbox, &memory, any32())) return 1;
  while (any_bool()) {
    switch (any8() & 7u) {
      case 0:
        mayday_mailbox_write_begin(&mailbox);
        break;
      case 1:
        mayday_mailbox_write_byte(&mailbox, any8());
        break;
      case 2:
        mayday_mailbox_read_begin(&mailbox, 0);
        break;
      case 3:
        mayday_mailbox_read_byte(&mailbox);
        break;
      case 4:
        mayday_mailbox_end(&mailbox, any8() & 1u);
        break;
      case 5:
        mayday_mailbox_is_up(&mailbox, any32());
        break;
      default:
        if (mayday_mailbox_frame(&mailbox, &length) != NULL) mayday_mailbox_release(&mailbox);
        break;
    }
  }
  return 0;
}
