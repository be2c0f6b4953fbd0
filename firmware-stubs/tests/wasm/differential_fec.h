/* What the differential fuzzer asks of the second form of frames; a part of differential.c. */
#include "fec/hunter.h"

/* The frame in `exchange` in the second form. */
EXPORT("encode_coded") uint32_t encode_coded(uint32_t length, uint32_t mendable) {
  mayday_coder coder;
  answer_length = 0;
  mayday_coder_begin(&coder, the_exchange, length, (uint8_t)mendable);
  while (mayday_coder_next(&coder, &answer_bytes[answer_length])) answer_length++;
  return answer_length;
}

/* Where the number of the bytes stands that are being put together. */
static uint32_t others_at;

/* A frame: 1, wrong bytes, its length, its bytes; all bytes up to the next one: 0, their number, the bytes. */
static void put_found(mayday_hunter *hunter, uint32_t tag) {
  for (mayday_find find; (find = mayday_hunter_look(hunter)) != MAYDAY_FIND_NOTHING;) {
    const uint8_t *frame = hunter->held + MAYDAY_SYNC_LENGTH;
    if (find == MAYDAY_FIND_FRAME) {
      const uint32_t of = (frame[0] & 15u) == MAYDAY_FRAME_CLASS_ANNOUNCE ? 0 : tag;
      if (hunter->frame < MAYDAY_FRAME_MIN || !mayday_frame_has_crc(frame, hunter->frame, of)) {
        mayday_hunter_refuse(hunter);
        continue;
      }
      put_number(1);
      put_number(hunter->mended);
      put_number(hunter->frame);
      put(frame, hunter->frame);
      others_at = UINT32_MAX;
      continue;
    }
    if (others_at == UINT32_MAX) {
      put_number(0);
      others_at = answer_length;
      put_number(0);
    }
    mayday_put32(answer_bytes + others_at, mayday_u32(answer_bytes + others_at) + hunter->found);
    put(hunter->held, hunter->found);
  }
}

/* A stream comes, and then silence. */
EXPORT("hunt") void hunt_stream(uint32_t length, uint32_t tag) {
  static uint8_t held[MAYDAY_CODED_ROOM(MAYDAY_PAYLOAD_MAX)];
  static uint8_t stream[EXCHANGE_BYTES];
  mayday_hunter hunter;
  answer_length = 0;
  memcpy(stream, the_exchange, length);
  mayday_hunter_init(&hunter, held, sizeof held);
  others_at = UINT32_MAX;
  for (uint32_t i = 0; i < length; i++) {
    mayday_hunter_take(&hunter, stream[i], 0);
    put_found(&hunter, tag);
  }
  mayday_hunter_close(&hunter);
  put_found(&hunter, tag);
}
