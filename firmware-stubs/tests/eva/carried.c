/* The call that a query carries: all bytes of all lengths up to 64, and of the length that the longest extension just fits. The bytes lie at the end of their memory, so that one past them is an alarm. What reads
 * the frame under the mask is stood in for; frame.c follows it. */
#include "frames.h"

#include "wire/carried_call.h"

#define EXACT_MAX 64u
#define LONGEST (18u + 2u + 255u + MAYDAY_CRC_LENGTH)

static uint8_t bytes[LONGEST];

mayday_fault mayday_frame_read(const uint8_t *body, size_t length, mayday_frame *out) {
  //@ assert \valid_read(body + (0 .. length - 1));
  (void)body;
  (void)length;
  kind_heard = (mayday_frame_kind)any8();
  mayday_fault fault = any_frame(out);
  /* Of beacons alone, which Eva does not tell from others here. */
  out->as.beacon.flags = any8();
  return fault;
}

static void look(size_t length) {
  mayday_frame frame;
  make_any(bytes, sizeof bytes);
  kind_heard = MAYDAY_QUERY;
  (void)any_frame(&frame);
  (void)mayday_carried_call(bytes + sizeof bytes - length, length, &frame);
}

int main(void) {
  //@ loop unroll EXACT_MAX + 1;
  for (size_t length = 0; length <= EXACT_MAX; length++) look(length);
  look(sizeof bytes);
  return 0;
}
