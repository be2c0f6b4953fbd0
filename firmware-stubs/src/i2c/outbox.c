#include "i2c/outbox.h"

#include "base/bytes.h"
#include "base/crc.h"

#define HEAD_BYTES 3u

/* Hold-back (10.5). */
#define FRAMES_MAX 8u
#define FRAMES_HIGH 2u
#define BYTES_HIGH 2048u

void mayday_outbox_init(mayday_outbox *outbox, uint8_t *bytes, uint16_t size) {
  memset(outbox, 0, sizeof *outbox);
  outbox->bytes = bytes;
  outbox->size = size;
}

/* `at + step` in the ring. Neither is beyond its size. */
static uint16_t ahead(const mayday_outbox *outbox, uint16_t at, uint16_t step) {
  uint16_t room = (uint16_t)(outbox->size - at);
  return step < room ? (uint16_t)(at + step) : (uint16_t)(step - room);
}

/* Bytes of the frame that begins at `at`, with its head. */
static uint16_t length_at(const mayday_outbox *outbox, uint16_t at) {
  uint8_t low = outbox->bytes[at], high = outbox->bytes[ahead(outbox, at, 1)];
  return (uint16_t)(HEAD_BYTES + (uint16_t)(low | (uint16_t)((uint16_t)high << 8)));
}

static void drop_first(mayday_outbox *outbox) {
  uint16_t length = length_at(outbox, outbox->first);
  outbox->waiting = (uint16_t)(outbox->waiting - (length - outbox->offset));
  outbox->offset = 0;
  outbox->first = ahead(outbox, outbox->first, length);
  MAYDAY_BARRIER();
  outbox->out++;
}

uint16_t mayday_outbox_waiting(mayday_outbox *outbox) {
  uint8_t in = outbox->in;
  MAYDAY_BARRIER();
  while (outbox->counted != in) {
    uint16_t length = length_at(outbox, outbox->last);
    outbox->waiting = (uint16_t)(outbox->waiting + length);
    outbox->last = ahead(outbox, outbox->last, length);
    outbox->counted++;
  }
  if (outbox->drops != outbox->dropped) {
    outbox->dropped = outbox->drops;
    MAYDAY_BARRIER();
    uint8_t to = outbox->drop_to;
    /* Those that the controller has acknowledged since are gone already. */
    while ((uint8_t)(to - outbox->out) - 1u < FRAMES_MAX && outbox->out != outbox->counted) drop_first(outbox);
  }
  return outbox->waiting;
}

/* Walks `length` bytes on; returns how many of these a transaction may carry. `frames` and `offset`: where that ends. */
static uint16_t walk(const mayday_outbox *outbox, uint16_t length, uint8_t *frames, uint16_t *offset) {
  uint16_t at = outbox->first, walked = 0;
  *frames = 0;
  *offset = outbox->offset;
  while (walked < length) {
    uint16_t rest = (uint16_t)(length_at(outbox, at) - *offset), left = (uint16_t)(length - walked);
    if (left < rest) {
      /* A head, and at least one byte behind it. */
      if (*offset > 0 || left > HEAD_BYTES) {
        *offset = (uint16_t)(*offset + left);
        walked = length;
      }
      break;
    }
    walked = (uint16_t)(walked + rest);
    at = ahead(outbox, at, (uint16_t)(rest + *offset));
    *offset = 0;
    (*frames)++;
  }
  return walked;
}

uint16_t mayday_outbox_fits(const mayday_outbox *outbox, uint16_t room) {
  uint8_t frames;
  uint16_t offset;
  return walk(outbox, room < outbox->waiting ? room : outbox->waiting, &frames, &offset);
}

uint8_t mayday_outbox_byte(const mayday_outbox *outbox, uint16_t index) {
  return outbox->bytes[ahead(outbox, ahead(outbox, outbox->first, outbox->offset), index)];
}

bool mayday_outbox_advance(mayday_outbox *outbox, uint16_t length) {
  uint8_t frames;
  uint16_t offset, walked = walk(outbox, length < outbox->waiting ? length : outbox->waiting, &frames, &offset);
  for (; frames > 0; frames--) drop_first(outbox);
  outbox->waiting = (uint16_t)(outbox->waiting - (offset - outbox->offset));
  outbox->offset = offset;
  return walked > 0;
}

void mayday_outbox_rewind(mayday_outbox *outbox) {
  outbox->waiting = (uint16_t)(outbox->waiting + outbox->offset);
  outbox->offset = 0;
}

/* Takes back the room of frames that are gone. */
static void reclaim(mayday_outbox *outbox) {
  uint8_t out = outbox->out;
  MAYDAY_BARRIER();
  for (; outbox->freed != out; outbox->freed++) {
    uint16_t length = length_at(outbox, outbox->oldest);
    outbox->used = (uint16_t)(outbox->used - length);
    outbox->oldest = ahead(outbox, outbox->oldest, length);
  }
}

static uint16_t put(mayday_outbox *outbox, uint16_t at, const uint8_t *bytes, uint16_t length) {
  uint16_t room = (uint16_t)(outbox->size - at), first = length < room ? length : room;
  memcpy(outbox->bytes + at, bytes, first);
  memcpy(outbox->bytes, bytes + first, (size_t)(length - first));
  return ahead(outbox, at, length);
}

bool mayday_outbox_put(mayday_outbox *outbox, const uint8_t *frame, size_t length, uint16_t transaction) {
  reclaim(outbox);
  uint8_t count = (uint8_t)(outbox->in - outbox->freed), head[HEAD_BYTES];
  uint16_t enough = (uint16_t)(2u * transaction), bytes = (uint16_t)(outbox->used - HEAD_BYTES * count);
  if (enough > BYTES_HIGH) enough = BYTES_HIGH;
  if (count >= FRAMES_MAX || (count >= FRAMES_HIGH && bytes >= enough)) return false;
  uint16_t room = (uint16_t)(outbox->size - outbox->used);
  if (length < 1 || length > MAYDAY_FRAME_MAX || room < HEAD_BYTES || room - HEAD_BYTES < length) return false;
  mayday_put16(head, (uint16_t)length);
  head[2] = mayday_crc8(head, 2);
  outbox->end = put(outbox, put(outbox, outbox->end, head, HEAD_BYTES), frame, (uint16_t)length);
  outbox->used = (uint16_t)(outbox->used + HEAD_BYTES + length);
  MAYDAY_BARRIER();
  outbox->in++;
  return true;
}

void mayday_outbox_drop(mayday_outbox *outbox) {
  outbox->drop_to = outbox->in;
  MAYDAY_BARRIER();
  outbox->drops++;
}
