/* A mailbox in any order of calls, from the interrupt and from the main loop: any bytes in writes of any length, reads of any length,
 * frames of any length to send, at any time. */
#include "any.h"

#include "mayday/mailbox.h"

#define FRAME_MAX 96u
#define TRANSACTION 64u

static uint8_t into[MAYDAY_MAILBOX_IN_ROOM(TRANSACTION, FRAME_MAX)], from[MAYDAY_MAILBOX_OUT_MIN];
static uint8_t moved[TRANSACTION + 8u], frame[MAYDAY_FRAME_MAX];
static mayday_mailbox mailbox;

static uint16_t any_length(size_t most) {
  return (uint16_t)Frama_C_interval(0, (int)most);
}

static void use(void) {
  uint16_t length = 0;
  switch (any8()) {
    case 0: mayday_mailbox_write_begin(&mailbox); break;
    case 1: mayday_mailbox_write_byte(&mailbox, any8()); break;
    case 2: mayday_mailbox_read_begin(&mailbox, any_length(UINT16_MAX)); break;
    case 3: mayday_mailbox_read_byte(&mailbox); break;
    case 4: mayday_mailbox_end(&mailbox, any_length(UINT16_MAX)); break;
    case 5: mayday_mailbox_write(&mailbox, moved, any_length(sizeof moved)); break;
    case 6: mayday_mailbox_read(&mailbox, moved, any_length(sizeof moved)); break;
    case 7: mayday_mailbox_is_up(&mailbox, any32()); break;
    case 8: mayday_mailbox_frame(&mailbox, &length); break;
    case 9: mayday_mailbox_release(&mailbox); break;
    case 10: mayday_mailbox_send(&mailbox, frame, any_length(sizeof frame)); break;
    default: mayday_mailbox_set_busy(&mailbox, any_bool()); break;
  }
}

int main(void) {
  static const mayday_mailbox_memory memory = {into, sizeof into, from, sizeof from, FRAME_MAX, TRANSACTION};
  make_any(moved, sizeof moved);
  make_any(frame, sizeof frame);
  if (!mayday_mailbox_init(&mailbox, &memory, any32())) return 1;
  /* The last places of both rings, and the bytes of a frame. */
  //@ widen_hints "global":"all", 96, 116, 161;
  while (any_bool()) use();
  return 0;
}
