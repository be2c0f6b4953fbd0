/* Any byte stream, with frames of the second form in it: whatever is passed on is what came, in order, and nothing is lost or touched
 * beyond what the caller gave. */
#include "copy.h"
#include "input.h"

#include "fec/hunter.h"
#include "wire/frame.h"

#define ROOM_MAX 2376u

enum { BY_CRC, NONE, ALL, FRAME_MODES };

/* Where in the input the bytes begin that the hunter still has. */
static const uint8_t *behind;

static void look(mayday_hunter *hunter, uint8_t mode) {
  for (mayday_find find; (find = mayday_hunter_look(hunter)) != MAYDAY_FIND_NOTHING;) {
    HOLDS(hunter->found > 0 && hunter->found <= hunter->length && hunter->length <= hunter->room);
    if (find == MAYDAY_FIND_OTHER) {
      HOLDS(memcmp(behind, hunter->held, hunter->found) == 0);
      behind += hunter->found;
      continue;
    }
    HOLDS(hunter->frame > 0 && hunter->frame <= MAYDAY_CODED_FRAME_MAX && hunter->frame + MAYDAY_SYNC_LENGTH < hunter->found);
    const uint8_t *frame = hunter->held + MAYDAY_SYNC_LENGTH;
    const bool has_crc = hunter->frame >= MAYDAY_FRAME_MIN && mayday_frame_has_crc(frame, hunter->frame, 0);
    if (mode == ALL || (mode == BY_CRC && has_crc)) behind += hunter->found;
    else mayday_hunter_refuse(hunter);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  input in = {bytes, length};
  const uint8_t mode = take8(&in);
  const uint16_t room = (mode & 0x80u) != 0 ? (uint16_t)(16u + take8(&in)) : ROOM_MAX;
  uint8_t *held = copy_of(bytes, 0, room);
  mayday_hunter hunter;
  mayday_hunter_init(&hunter, held, room);
  behind = in.bytes;
  while (in.length > 0) {
    const uint8_t byte = take8(&in);
    HOLDS(hunter.length < room);
    mayday_hunter_take(&hunter, byte, 0);
    /* Now and then the line falls silent. */
    if ((mode & 0x40u) != 0 && byte == 0x7fu) mayday_hunter_close(&hunter);
    look(&hunter, (uint8_t)(mode % FRAME_MODES));
    HOLDS((size_t)(in.bytes - behind) == (size_t)(hunter.length - hunter.found));
  }
  mayday_hunter_close(&hunter);
  look(&hunter, (uint8_t)(mode % FRAME_MODES));
  HOLDS(behind == in.bytes);
  copy_drop(held);
  return 0;
}
