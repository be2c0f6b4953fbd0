/* Any packets, probes, complete blocks and acks, in any order, at any time, without end. */
#include "any.h"

#include "link/acks.h"

static mayday_acks acks;
static uint8_t out[MAYDAY_ACK_BYTES];

int main(void) {
  mayday_acks_init(&acks);
  while (any_bool()) {
    if (any_bool()) mayday_acks_take(&acks, (uint16_t)(any32() & 0xfffu), any32(), any_bool());
    if (any_bool()) mayday_acks_hurry(&acks, any32());
    if (mayday_acks_is_due(&acks, any32())) mayday_acks_build(&acks, any32(), out);
  }
  return 0;
}
