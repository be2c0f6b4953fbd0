#include "i2c/mail_in.h"

#include "base/bytes.h"
#include "base/crc.h"

/* Bytes before a frame in memory: its length. */
#define LENGTH_BYTES 2u

/* Frames that wait at most: one fewer than their shared counts can tell apart from none. */
#define FRAMES_MAX 255u

void mayday_mail_in_init(mayday_mail_in *mail, uint8_t *bytes, uint16_t size, uint16_t frame_max) {
  memset(mail, 0, sizeof *mail);
  mail->bytes = bytes;
  mail->frame_max = frame_max;
  mail->ring = (uint16_t)(size - frame_max - LENGTH_BYTES);
}

/* Where the record at `at` ends in a ring: within it, whatever was read. */
static uint16_t behind(const mayday_mail_in *mail, uint16_t at) {
  uint16_t end = (uint16_t)(at + LENGTH_BYTES + mayday_u16(mail->bytes + at));
  while (end >= mail->ring) end = (uint16_t)(end - mail->ring);
  return end;
}

/* Takes back the room of frames that the main loop has released. */
static void reclaim(mayday_mail_in *mail) {
  uint8_t out = mail->out;
  MAYDAY_BARRIER();
  while (mail->freed != out) {
    mail->used = (uint16_t)(mail->used - LENGTH_BYTES - mayday_u16(mail->bytes + mail->oldest));
    mail->oldest = behind(mail, mail->oldest);
    mail->freed++;
  }
}

bool mayday_mail_in_has_room(mayday_mail_in *mail, uint16_t length) {
  reclaim(mail);
  uint16_t begun = 0, left = (uint16_t)(mail->ring - mail->used);
  if (mail->length > 0 && mail->length <= mail->frame_max) begun = (uint16_t)(LENGTH_BYTES + mail->have);
  return left >= begun && left - begun >= length && (uint8_t)(mail->in - mail->freed) < FRAMES_MAX;
}

void mayday_mail_in_restart(mayday_mail_in *mail) {
  mail->length = mail->length_before = 0;
  mail->completed = mail->skip = 0;
}

void mayday_mail_in_begin(mayday_mail_in *mail, bool is_again, bool is_gap, bool is_first) {
  reclaim(mail);
  mail->head_have = 0;
  mail->is_unreadable = false;
  if (is_gap) mail->length = 0;
  if (is_again) {
    /* The frame that was not whole before the first coming: if that completed it, its bytes belong to the main loop. */
    mail->length = mail->length_before;
    mail->have = mail->have_before;
    mail->has_gap = mail->has_gap || (mail->completed > 0 && mail->have > 0);
    mail->skip = mail->completed;
  } else {
    mail->length_before = mail->length;
    mail->have_before = mail->have;
    mail->completed = mail->skip = 0;
  }
  if (is_first) {
    mail->length = 0;
  } else if (mail->length == 0) {
    mail->is_unreadable = true;
  }
}

static void complete(mayday_mail_in *mail) {
  bool is_kept = mail->length <= mail->frame_max && mail->skip == 0 && !mail->has_gap;
  if (mail->skip > 0) {
    mail->skip--;
  } else {
    mail->completed++;
  }
  if (is_kept) {
    mayday_put16(mail->bytes + mail->at, mail->length);
    mail->used = (uint16_t)(mail->used + LENGTH_BYTES + mail->length);
    mail->at = behind(mail, mail->at);
    MAYDAY_BARRIER();
    mail->in++;
  }
  mail->length = 0;
  mail->head_have = 0;
}

/* Three bytes are a head only when a byte of the frame follows (10.4). False: no frame has this head. */
static bool begin_frame(mayday_mail_in *mail) {
  uint16_t length = mayday_u16(mail->head);
  if (mayday_crc8(mail->head, 2) != mail->head[2] || length < 1 || length > MAYDAY_FRAME_MAX) return false;
  mail->length = length;
  mail->have = 0;
  mail->has_gap = false;
  return true;
}

bool mayday_mail_in_byte(mayday_mail_in *mail, uint8_t byte) {
  if (mail->is_unreadable) return true;
  if (mail->length == 0) {
    if (mail->head_have < sizeof mail->head) {
      mail->head[mail->head_have++] = byte;
      return true;
    }
    if (!begin_frame(mail)) {
      mail->is_unreadable = true;
      return true;
    }
  }
  if (mail->length <= mail->frame_max && mail->have < mail->frame_max) {
    uint16_t end = (uint16_t)(LENGTH_BYTES + mail->have + 1u);
    bool is_too_many = (uint8_t)(mail->in - mail->freed) >= FRAMES_MAX;
    if (is_too_many || mail->ring - mail->used < end) {
      /* The frame's head counts as not taken, too. */
      if (mail->have == 0) mail->length = 0;
      return false;
    }
    mail->bytes[mail->at + LENGTH_BYTES + mail->have] = byte;
  }
  mail->have++;
  if (mail->have == mail->length) complete(mail);
  return true;
}

uint8_t *mayday_mail_in_frame(const mayday_mail_in *mail, uint16_t *length) {
  if (mail->in == mail->out) return NULL;
  MAYDAY_BARRIER();
  *length = mayday_u16(mail->bytes + mail->next);
  return mail->bytes + mail->next + LENGTH_BYTES;
}

void mayday_mail_in_release(mayday_mail_in *mail) {
  if (mail->in == mail->out) return;
  mail->next = behind(mail, mail->next);
  MAYDAY_BARRIER();
  mail->out++;
}
