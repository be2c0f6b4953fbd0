#include "i2c/mail_out.h"

#include "base/bytes.h"
#include "base/crc.h"

#define HEAD_BYTES 3u

/* Hold-back (10.5). */
#define FRAMES_MAX 8u
#define FRAMES_HIGH 2u
#define BYTES_HIGH 2048u

void mayday_mail_out_init(mayday_mail_out *mail, uint8_t *bytes, uint16_t size) {
  memset(mail, 0, sizeof *mail);
  mail->bytes = bytes;
  mail->size = size;
}

/* `at + step` in the ring: within it, whatever they are. */
static uint16_t ahead(const mayday_mail_out *mail, uint16_t at, uint16_t step) {
  uint32_t to = (uint32_t)at + step;
  while (to >= mail->size) to -= mail->size;
  return (uint16_t)to;
}

/* Bytes of the frame that begins at `at`, with its head. */
static uint16_t length_at(const mayday_mail_out *mail, uint16_t at) {
  uint8_t low = mail->bytes[at], high = mail->bytes[ahead(mail, at, 1)];
  return (uint16_t)(HEAD_BYTES + (uint16_t)(low | (uint16_t)((uint16_t)high << 8)));
}

static void drop_first(mayday_mail_out *mail) {
  uint16_t length = length_at(mail, mail->first);
  mail->waiting = (uint16_t)(mail->waiting - (length - mail->offset));
  mail->offset = 0;
  mail->first = ahead(mail, mail->first, length);
  MAYDAY_BARRIER();
  mail->out++;
}

uint16_t mayday_mail_out_waiting(mayday_mail_out *mail) {
  uint8_t in = mail->in;
  MAYDAY_BARRIER();
  while (mail->counted != in) {
    uint16_t length = length_at(mail, mail->last);
    mail->waiting = (uint16_t)(mail->waiting + length);
    mail->last = ahead(mail, mail->last, length);
    mail->counted++;
  }
  if (mail->drops != mail->dropped) {
    mail->dropped = mail->drops;
    MAYDAY_BARRIER();
    uint8_t to = mail->drop_to;
    /* Those that the controller has acknowledged since are gone already. */
    while ((uint8_t)(to - mail->out) - 1u < FRAMES_MAX && mail->out != mail->counted) drop_first(mail);
  }
  return mail->waiting;
}

/* Walks `length` bytes on; returns how many of these a transaction may carry. `frames` and `offset`: where that ends. */
static uint16_t walk(const mayday_mail_out *mail, uint16_t length, uint8_t *frames, uint16_t *offset) {
  uint16_t at = mail->first, walked = 0;
  *frames = 0;
  *offset = mail->offset;
  while (walked < length) {
    uint16_t rest = (uint16_t)(length_at(mail, at) - *offset), left = (uint16_t)(length - walked);
    if (left < rest) {
      /* A head, and at least one byte behind it. */
      if (*offset > 0 || left > HEAD_BYTES) {
        *offset = (uint16_t)(*offset + left);
        walked = length;
      }
      break;
    }
    walked = (uint16_t)(walked + rest);
    at = ahead(mail, at, (uint16_t)(rest + *offset));
    *offset = 0;
    (*frames)++;
  }
  return walked;
}

uint16_t mayday_mail_out_fits(const mayday_mail_out *mail, uint16_t room) {
  uint8_t frames;
  uint16_t offset;
  return walk(mail, room < mail->waiting ? room : mail->waiting, &frames, &offset);
}

uint8_t mayday_mail_out_byte(const mayday_mail_out *mail, uint16_t index) {
  return mail->bytes[ahead(mail, ahead(mail, mail->first, mail->offset), index)];
}

bool mayday_mail_out_advance(mayday_mail_out *mail, uint16_t length) {
  uint8_t frames;
  uint16_t offset, walked = walk(mail, length < mail->waiting ? length : mail->waiting, &frames, &offset);
  for (; frames > 0; frames--) drop_first(mail);
  mail->waiting = (uint16_t)(mail->waiting - (offset - mail->offset));
  mail->offset = offset;
  return walked > 0;
}

void mayday_mail_out_rewind(mayday_mail_out *mail) {
  mail->waiting = (uint16_t)(mail->waiting + mail->offset);
  mail->offset = 0;
}

/* Takes back the room of frames that are gone. */
static void reclaim(mayday_mail_out *mail) {
  uint8_t out = mail->out;
  MAYDAY_BARRIER();
  for (; mail->freed != out; mail->freed++) {
    uint16_t length = length_at(mail, mail->oldest);
    mail->used = (uint16_t)(mail->used - length);
    mail->oldest = ahead(mail, mail->oldest, length);
  }
}

static uint16_t put(mayday_mail_out *mail, uint16_t at, const uint8_t *bytes, uint16_t length) {
  for (uint16_t i = 0; i < length; i++) {
    mail->bytes[at] = bytes[i];
    at = ahead(mail, at, 1);
  }
  return at;
}

bool mayday_mail_out_put(mayday_mail_out *mail, const uint8_t *frame, size_t length, uint16_t transaction) {
  reclaim(mail);
  uint8_t count = (uint8_t)(mail->in - mail->freed), head[HEAD_BYTES];
  uint16_t enough = (uint16_t)(2u * transaction), bytes = (uint16_t)(mail->used - HEAD_BYTES * count);
  if (enough > BYTES_HIGH) enough = BYTES_HIGH;
  if (count >= FRAMES_MAX || (count >= FRAMES_HIGH && bytes >= enough)) return false;
  uint16_t room = (uint16_t)(mail->size - mail->used);
  if (length < 1 || length > MAYDAY_FRAME_MAX || room < HEAD_BYTES || room - HEAD_BYTES < length) return false;
  mayday_put16(head, (uint16_t)length);
  head[2] = mayday_crc8(head, 2);
  mail->end = put(mail, put(mail, mail->end, head, HEAD_BYTES), frame, (uint16_t)length);
  mail->used = (uint16_t)(mail->used + HEAD_BYTES + length);
  MAYDAY_BARRIER();
  mail->in++;
  return true;
}

void mayday_mail_out_drop(mayday_mail_out *mail) {
  mail->drop_to = mail->in;
  MAYDAY_BARRIER();
  mail->drops++;
}
