/* Checksums of any bytes of any length up to that of a frame; a frame's own. */
#include "any.h"

#include "base/crc.h"
#include "wire/frame.h"

static uint8_t bytes[MAYDAY_FRAME_MAX];
static mayday_frame frame;

int main(void) {
  size_t length = (size_t)Frama_C_interval(0, MAYDAY_FRAME_MAX);
  make_any(bytes, sizeof bytes);
  mayday_crc32(any32(), bytes, length);
  mayday_crc8(bytes, length);
  mayday_crc3(any8());
  if (length >= MAYDAY_FRAME_MIN) mayday_frame_has_crc(bytes, length, any32());
  if (length <= MAYDAY_FRAME_MAX - MAYDAY_CRC_LENGTH) mayday_frame_close(bytes, length, any32());
  mayday_session_tag(bytes, bytes + 8, bytes + 16, bytes + 24, bytes + 32);
  return 0;
}
