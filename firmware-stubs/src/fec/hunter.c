#include "fec/hunter.h"

#include <string.h>

void mayday_hunter_init(mayday_hunter *hunter, uint8_t *held, uint16_t room) {
  memset(hunter, 0, sizeof *hunter);
  hunter->held = held;
  hunter->room = room;
}

void mayday_hunter_take(mayday_hunter *hunter, uint8_t byte, uint32_t now) {
  hunter->last = now;
  if (hunter->length < hunter->room) hunter->held[hunter->length++] = byte;
}

void mayday_hunter_close(mayday_hunter *hunter) {
  hunter->is_closed = true;
}

static void reverse(uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length / 2u; i++) {
    const uint8_t byte = bytes[i];
    bytes[i] = bytes[length - 1u - i];
    bytes[length - 1u - i] = byte;
  }
}

/* Moves the first bytes behind the others, in place. */
static void rotate(uint8_t *bytes, size_t first, size_t length) {
  reverse(bytes, first);
  reverse(bytes + first, length - first);
  reverse(bytes, length);
}

/* The bytes of all codewords are those of a frame: its content in one piece, the parities behind it. Or back again. */
static void gather(mayday_hunter *hunter, bool is_back) {
  const uint8_t parity = (uint8_t)(2u * hunter->coded.mendable);
  const uint8_t count = mayday_coded_count(&hunter->coded);
  uint16_t at = is_back ? hunter->coded.content : 0;
  for (uint8_t i = 0; i < count; i++) {
    const uint8_t index = is_back ? (uint8_t)(count - 1u - i) : i;
    const uint8_t part = mayday_coded_part(&hunter->coded, index);
    const size_t parities = (size_t)index * parity;
    if (is_back) at = (uint16_t)(at - part);
    rotate(hunter->held + MAYDAY_SYNC_LENGTH + at, is_back ? part : parities, parities + part);
    if (!is_back) at = (uint16_t)(at + part);
  }
}

/* Makes the codewords that were mended what they were. */
static void unmend(mayday_hunter *hunter) {
  uint8_t *codeword = hunter->held + MAYDAY_SYNC_LENGTH;
  for (uint8_t i = 0; i < hunter->codewords; i++) {
    const uint8_t parity = (uint8_t)(2u * hunter->coded.mendable);
    const uint8_t length = (uint8_t)(mayday_coded_part(&hunter->coded, i) + parity);
    mayday_unmend(codeword, length, parity);
    codeword += length;
  }
  hunter->codewords = 0;
}

/* Looks for another frame. */
static void begin(mayday_hunter *hunter) {
  hunter->need = 0;
  hunter->codewords = 0;
  hunter->mended = 0;
  hunter->is_refused = false;
}

/* The first place from `from` on where a marker may begin, as far as its bytes came; else where the bytes end. */
static uint16_t first_place(const mayday_hunter *hunter, uint16_t from) {
  while (from < hunter->length && !mayday_may_be_marker(hunter->held + from, (size_t)(hunter->length - from))) from++;
  return from;
}

/* No frame begins with the first byte. */
static mayday_find let_go(mayday_hunter *hunter) {
  unmend(hunter);
  begin(hunter);
  hunter->found = first_place(hunter, 1);
  return MAYDAY_FIND_OTHER;
}

static void drop_found(mayday_hunter *hunter) {
  if (hunter->found == 0) return;
  hunter->length = (uint16_t)(hunter->length - hunter->found);
  memmove(hunter->held, hunter->held + hunter->found, hunter->length);
  hunter->found = 0;
  if (hunter->frame == 0) return;
  hunter->frame = 0;
  begin(hunter);
}

/* Reads the sync word; false: there is none, or what it names is longer than there is room. */
static bool read_sync(mayday_hunter *hunter) {
  if (!mayday_coded_read(hunter->held + MAYDAY_SYNC_LENGTH - 3u, &hunter->coded)) return false;
  if (mayday_coded_length(&hunter->coded) > hunter->room) return false;
  hunter->need = (uint16_t)(MAYDAY_SYNC_LENGTH + mayday_coded_part(&hunter->coded, 0) + 2u * hunter->coded.mendable);
  return true;
}

/* Mends the codeword that is whole now. In the place of its parity, which can be made again, stands what was changed. */
static bool mend_next(mayday_hunter *hunter) {
  uint8_t changes[MAYDAY_PARITY_MAX];
  const uint8_t parity = (uint8_t)(2u * hunter->coded.mendable);
  const uint8_t length = (uint8_t)(mayday_coded_part(&hunter->coded, hunter->codewords) + parity);
  uint8_t *codeword = hunter->held + (hunter->need - length);
  const uint8_t wrong = mayday_mend(codeword, length, parity, changes);
  if (wrong == MAYDAY_UNMENDED) return false;
  memcpy(codeword + (length - parity), changes, parity);
  hunter->mended = (uint16_t)(hunter->mended + wrong);
  hunter->codewords++;
  return true;
}

/* The frame in the content, whose padding is right; 0 when it is not. */
static uint16_t frame_in(const uint8_t *content, uint16_t length) {
  const uint8_t padding = content[length - 1u];
  if (padding < 1u || padding > MAYDAY_CONTENT_STEP) return 0;
  for (uint16_t i = (uint16_t)(length - padding); i < length; i++)
    if (content[i] != padding) return 0;
  return (uint16_t)(length - padding);
}

static mayday_find deliver(mayday_hunter *hunter) {
  gather(hunter, false);
  hunter->found = hunter->need;
  hunter->frame = frame_in(hunter->held + MAYDAY_SYNC_LENGTH, hunter->coded.content);
  if (hunter->frame > 0) return MAYDAY_FIND_FRAME;
  mayday_hunter_refuse(hunter);
  return let_go(hunter);
}

void mayday_hunter_refuse(mayday_hunter *hunter) {
  gather(hunter, true);
  unmend(hunter);
  hunter->found = 0;
  hunter->frame = 0;
  hunter->is_refused = true;
}

mayday_find mayday_hunter_look(mayday_hunter *hunter) {
  drop_found(hunter);
  if (hunter->is_refused) return let_go(hunter);
  while (hunter->length > 0) {
    if (hunter->need == 0) {
      hunter->found = first_place(hunter, 0);
      if (hunter->found > 0) return MAYDAY_FIND_OTHER;
      if (hunter->length >= MAYDAY_SYNC_LENGTH && !read_sync(hunter)) return let_go(hunter);
    }
    if (hunter->need == 0 || hunter->length < hunter->need) return hunter->is_closed ? let_go(hunter) : MAYDAY_FIND_NOTHING;
    if (!mend_next(hunter)) return let_go(hunter);
    if (hunter->codewords == mayday_coded_count(&hunter->coded)) return deliver(hunter);
    hunter->need = (uint16_t)(hunter->need + mayday_coded_part(&hunter->coded, hunter->codewords) + 2u * hunter->coded.mendable);
  }
  hunter->is_closed = false;
  return MAYDAY_FIND_NOTHING;
}
