/* Any bytes as a frame: each length up to that of an announcement and its extension, and packets up to the longest frame. The
 * first bytes are taken value by value, as they decide how the rest is read. */
#include "any.h"

#include "wire/frame.h"

#define EXACT_MAX 96
#define KINDS 17

static uint8_t bytes[MAYDAY_FRAME_MAX];
static mayday_frame frame;

static void read_announcements(uint8_t *at, size_t length) {
  //@ loop unroll KINDS;
  for (unsigned kind = 0; kind < KINDS; kind++) {
    at[1] = (uint8_t)kind;
    mayday_frame_read(at, length, &frame);
  }
}

static void read_each(size_t length) {
  uint8_t *at = bytes + sizeof bytes - length;
  //@ loop unroll 16;
  for (unsigned type = 0; type < 16; type++) {
    //@ loop unroll 16;
    for (unsigned high = 0; high < 16; high++) {
      make_any(bytes, sizeof bytes);
      at[0] = (uint8_t)(high << 4 | type);
      if (type == 0 && high == MAYDAY_PROTOCOL_VERSION && length > 1) {
        read_announcements(at, length);
      } else if (type < 3 || high == 0) {
        mayday_frame_read(at, length, &frame);
      }
    }
  }
}

static void read_packets(size_t length) {
  uint8_t *at = bytes + sizeof bytes - length;
  //@ loop unroll 13;
  for (unsigned type = 3; type < 16; type++) {
    make_any(bytes, sizeof bytes);
    at[0] = (uint8_t)type;
    mayday_frame_read(at, length, &frame);
  }
}

int main(void) {
  make_any(bytes, sizeof bytes);
  mayday_frame_read(bytes + sizeof bytes, 0, &frame);
  //@ loop unroll EXACT_MAX;
  for (size_t length = 1; length <= EXACT_MAX; length++) read_each(length);
  //@ loop unroll 90;
  for (size_t length = EXACT_MAX; length < sizeof bytes; length += 47) read_packets(length);
  read_packets(sizeof bytes);
  return 0;
}
