/* Any bytes as a frame: messages of each length up to some bytes behind their body, where extensions stand, and packets up to the
 * longest frame. The first bytes are taken value by value, as they decide how the rest is read. */
#include "any.h"

#include "wire/frame.h"
#include "wire/layout.h"

#define EXACT_MAX 78u
#define EXTENSIONS 2u
/* From here on no value of the high half, and no type of announcement, is known. */
#define HIGH_KNOWN 5
#define TYPES_KNOWN 11

static uint8_t bytes[MAYDAY_FRAME_MAX];
static mayday_frame frame;

static uint8_t *start(size_t length, int high_from, int high_to, uint8_t low) {
  uint8_t *at = bytes + sizeof bytes - length;
  make_any((char *)bytes, sizeof bytes);
  at[0] = (uint8_t)(Frama_C_interval(high_from, high_to) * 16 + low);
  return at;
}

static void read(const uint8_t *at, size_t length) {
  mayday_frame_read(at, length, &frame);
}

/* Bytes of a message with the longest list and an extension of no bytes. */
static size_t longest(mayday_frame_kind kind, size_t head) {
  const mayday_field *field = mayday_layout_of(kind);
  size_t length = head + EXTENSIONS;
  if (field == NULL) return head + 2u;
  for (; field->type != MAYDAY_FIELD_END; field++) {
    length += mayday_field_length(field->type);
    if (field->type == MAYDAY_FIELD_ENTRIES) length += mayday_entry_length(kind);
  }
  return length;
}

static void read_announcements(size_t length) {
  read(start(length, 0, 0, MAYDAY_FRAME_CLASS_ANNOUNCE), length);
  read(start(length, 2, 15, MAYDAY_FRAME_CLASS_ANNOUNCE), length);
  uint8_t *at = start(length, MAYDAY_PROTOCOL_VERSION, MAYDAY_PROTOCOL_VERSION, MAYDAY_FRAME_CLASS_ANNOUNCE);
  if (length < 2) {
    read(at, length);
    return;
  }
  //@ loop unroll TYPES_KNOWN;
  for (unsigned type = 0; type < TYPES_KNOWN; type++) {
    at[1] = (uint8_t)type;
    if (length <= longest((mayday_frame_kind)type, 2)) read(at, length);
  }
  at[1] = Frama_C_unsigned_char_interval(TYPES_KNOWN, 15);
  read(at, length);
  at[1] = Frama_C_unsigned_char_interval(16, 255);
  read(at, length);
}

static void read_controls(size_t length, uint8_t low) {
  //@ loop unroll HIGH_KNOWN;
  for (int high = 0; high < HIGH_KNOWN; high++)
    if (length <= longest((mayday_frame_kind)(low << 4 | high), 1)) read(start(length, high, high, low), length);
  read(start(length, HIGH_KNOWN, 15, low), length);
}

static void read_packets(size_t length) {
  //@ loop unroll 13;
  for (uint8_t low = 3; low < 16; low++) read(start(length, 0, 15, low), length);
}

int main(void) {
  read(bytes + sizeof bytes, 0);
  //@ loop unroll EXACT_MAX;
  for (size_t length = 1; length <= EXACT_MAX; length++) {
    read_announcements(length);
    read_controls(length, MAYDAY_FRAME_CLASS_TARGET_CONTROL);
    read_controls(length, MAYDAY_FRAME_CLASS_RESCUER_CONTROL);
    read_packets(length);
  }
  //@ loop unroll 90;
  for (size_t length = EXACT_MAX; length < sizeof bytes; length += 47) read_packets(length);
  read_packets(sizeof bytes);
  return 0;
}
