/* Any bytes as a frame: read, and what was read is written and read again. */
#include "copy.h"
#include "input.h"

#include "wire/frame.h"

#define TAG 0xa0c6f1e3u

/* What a frame says is written, and read as the same kind again. */
static void write_again(const mayday_frame *frame) {
  uint8_t out[MAYDAY_FRAME_MAX];
  mayday_frame again;
  size_t length = mayday_frame_write(frame, out, sizeof(out));
  HOLDS(length <= sizeof(out));
  if (length == 0) return;
  HOLDS(mayday_frame_read(out, length, &again) == MAYDAY_FAULT_NONE);
  HOLDS(again.kind == frame->kind);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  mayday_frame frame;
  if (length > MAYDAY_FRAME_MAX - MAYDAY_CRC_LENGTH) return 0;
  mayday_frame_parse(bytes, length, 0, &frame);
  if (mayday_frame_read(bytes, length, &frame) == MAYDAY_FAULT_NONE) write_again(&frame);

  uint8_t *closed = copy_of(bytes, length, length + MAYDAY_CRC_LENGTH);
  size_t whole = mayday_frame_close(closed, length, 0);
  HOLDS(whole == length + MAYDAY_CRC_LENGTH);
  mayday_frame_parse(closed, whole, 0, &frame);
  whole = mayday_frame_close(closed, length, TAG);
  if (mayday_frame_parse(closed, whole, TAG, &frame) == MAYDAY_FAULT_NONE) write_again(&frame);
  copy_drop(closed);
  return 0;
}
