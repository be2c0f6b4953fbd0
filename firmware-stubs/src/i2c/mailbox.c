#include "mayday/mailbox.h"

#include "base/bytes.h"
#include "base/crc.h"
#include "i2c/mail_in.h"
#include "i2c/mail_out.h"

/* States of 10.2. */
enum { FRESH = 0, GREETED = 1, OPEN = 2, BUSY = 3 };

/* What the transaction that runs is. */
enum { IDLE, STARTED, HELLO, BODY, IGNORED, REFUSED, READING };

/* Kinds of a write (10.3). */
enum { KIND_NOTHING = 0, KIND_BEGINS = 1, KIND_CONTINUES = 2, KIND_HELLO = 3 };

#define STATUS_BYTES 4u
#define HELLO_BYTES 5u
#define MAILBOX_VERSION 1u
#define STATUS_MARK 0x68u
#define FILLER 0xffu
#define SILENCE_MS 5000u

/* What the main loop knows of the limit of transactions: one byte that cannot be read in halves. */
#define HOLD_UNIT 32u
#define HOLD_UNITS_MAX 32u

static uint16_t bounded(uint16_t limit) {
  if (limit < MAYDAY_TRANSACTION_MIN) return MAYDAY_TRANSACTION_MIN;
  return limit > MAYDAY_TRANSACTION_MAX ? MAYDAY_TRANSACTION_MAX : limit;
}

/* The limit of both sides. */
static uint16_t common(const mayday_mailbox *mailbox) {
  return mailbox->limit < mailbox->controller_limit ? mailbox->limit : mailbox->controller_limit;
}

static void set_hold(mayday_mailbox *mailbox) {
  uint16_t units = (uint16_t)(common(mailbox) / HOLD_UNIT);
  mailbox->hold_units = (uint8_t)(units > HOLD_UNITS_MAX ? HOLD_UNITS_MAX : units);
}

bool mayday_mailbox_init(mayday_mailbox *mailbox, const mayday_mailbox_memory *memory, uint32_t now_ms) {
  uint16_t limit = memory->transaction_max, frame_max = memory->frame_max;
  if (bounded(limit) != limit || frame_max < 1 || frame_max > MAYDAY_FRAME_MAX) return false;
  if (memory->in_size < MAYDAY_MAILBOX_IN_ROOM((uint32_t)limit, frame_max)) return false;
  if (memory->out_size < MAYDAY_MAILBOX_OUT_MIN) return false;
  memset(mailbox, 0, sizeof *mailbox);
  mayday_mail_in_init(&mailbox->mail_in, memory->in, memory->in_size, frame_max);
  mayday_mail_out_init(&mailbox->mail_out, memory->out, memory->out_size);
  mailbox->limit = limit;
  mailbox->controller_limit = MAYDAY_TRANSACTION_MIN;
  mailbox->turn = 1;
  mailbox->heard_at = now_ms;
  set_hold(mailbox);
  return true;
}

static bool is_refusing(mayday_mailbox *mailbox) {
  return mailbox->is_busy != 0 || !mayday_mail_in_has_room(&mailbox->mail_in, mailbox->limit);
}

void mayday_mailbox_write_begin(mayday_mailbox *mailbox) {
  mailbox->doing = STARTED;
  mailbox->was_heard = 1;
}

static void take_hello(mayday_mailbox *mailbox) {
  if (mailbox->first[1] != MAILBOX_VERSION || mayday_crc8(mailbox->first, HELLO_BYTES - 1u) != mailbox->first[4]) return;
  mailbox->controller_limit = bounded(mayday_u16(mailbox->first + 2));
  set_hold(mailbox);
  mailbox->turn = 1;
  mailbox->number = 0;
  mailbox->offered = 0;
  mayday_mail_out_rewind(&mailbox->mail_out);
  mayday_mail_in_restart(&mailbox->mail_in);
  mailbox->state = GREETED;
}

static void acknowledge(mayday_mailbox *mailbox, uint8_t turn) {
  if (turn != mailbox->turn || mailbox->offered == 0) return;
  if (mayday_mail_out_advance(&mailbox->mail_out, mailbox->offered)) mailbox->turn ^= 1u;
  mailbox->offered = 0;
}

/* The first byte of a write; returns what the write is. */
static uint8_t judge_first(mayday_mailbox *mailbox, uint8_t byte) {
  uint8_t kind = byte >> 6, number = byte >> 4 & 3u;
  if ((byte & 7u) != mayday_crc3(byte)) return IGNORED;
  if (kind == KIND_HELLO) return HELLO;
  if (mailbox->state == FRESH) return IGNORED;
  if (kind != KIND_NOTHING && is_refusing(mailbox)) return REFUSED;
  mailbox->state = OPEN;
  acknowledge(mailbox, byte >> 3 & 1u);
  if (kind == KIND_NOTHING) return IGNORED;
  bool is_again = number == mailbox->number;
  bool is_gap = !is_again && number != ((mailbox->number + 1u) & 3u);
  mailbox->number = number;
  mayday_mail_in_begin(&mailbox->mail_in, is_again, is_gap, kind == KIND_BEGINS);
  return BODY;
}

bool mayday_mailbox_write_byte(mayday_mailbox *mailbox, uint8_t byte) {
  switch (mailbox->doing) {
    case STARTED:
      mailbox->doing = judge_first(mailbox, byte);
      mailbox->first[0] = byte;
      mailbox->index = 1;
      break;
    case HELLO:
      if (mailbox->index < HELLO_BYTES) mailbox->first[mailbox->index++] = byte;
      if (mailbox->index < HELLO_BYTES) break;
      take_hello(mailbox);
      mailbox->doing = IGNORED;
      break;
    case BODY:
      if (!mayday_mail_in_byte(&mailbox->mail_in, byte)) mailbox->doing = REFUSED;
      break;
    default: break;
  }
  return mailbox->doing != REFUSED;
}

void mayday_mailbox_read_begin(mayday_mailbox *mailbox, uint16_t length) {
  uint16_t waiting = mayday_mail_out_waiting(&mailbox->mail_out);
  uint8_t state = mailbox->state;
  mailbox->doing = READING;
  mailbox->was_heard = 1;
  mailbox->index = mailbox->body = mailbox->given = mailbox->offered = 0;
  if (length == 0) length = common(mailbox);
  if (state == OPEN) {
    if (length > STATUS_BYTES) mailbox->body = mayday_mail_out_fits(&mailbox->mail_out, (uint16_t)(length - STATUS_BYTES));
    if (is_refusing(mailbox)) state = BUSY;
  } else {
    waiting = mailbox->limit;
  }
  mailbox->first[0] = (uint8_t)(STATUS_MARK | (unsigned)state << 1 | mailbox->turn);
  mayday_put16(mailbox->first + 1, waiting);
  mailbox->first[3] = mayday_crc8(mailbox->first, STATUS_BYTES - 1u);
}

uint8_t mayday_mailbox_read_byte(mayday_mailbox *mailbox) {
  if (mailbox->doing != READING) return FILLER;
  if (mailbox->index < STATUS_BYTES) return mailbox->first[mailbox->index++];
  if (mailbox->given >= mailbox->body) {
    /* Counted, as these may be bytes that were not sent. */
    if (mailbox->index < UINT16_MAX) mailbox->index++;
    return FILLER;
  }
  mailbox->index++;
  return mayday_mail_out_byte(&mailbox->mail_out, mailbox->given++);
}

void mayday_mailbox_end(mayday_mailbox *mailbox, uint16_t unsent) {
  if (mailbox->doing == READING) {
    uint16_t sent = unsent < mailbox->index ? (uint16_t)(mailbox->index - unsent) : 0;
    uint16_t bytes = sent > STATUS_BYTES ? (uint16_t)(sent - STATUS_BYTES) : 0;
    mailbox->offered = bytes < mailbox->given ? bytes : mailbox->given;
  }
  mailbox->doing = IDLE;
}

bool mayday_mailbox_write(mayday_mailbox *mailbox, const uint8_t *bytes, uint16_t length) {
  bool is_taken = true;
  mayday_mailbox_write_begin(mailbox);
  for (uint16_t i = 0; i < length && is_taken; i++) is_taken = mayday_mailbox_write_byte(mailbox, bytes[i]);
  mayday_mailbox_end(mailbox, 0);
  return is_taken;
}

void mayday_mailbox_read(mayday_mailbox *mailbox, uint8_t *bytes, uint16_t length) {
  mayday_mailbox_read_begin(mailbox, length);
  for (uint16_t i = 0; i < length; i++) bytes[i] = mayday_mailbox_read_byte(mailbox);
  mayday_mailbox_end(mailbox, 0);
}

bool mayday_mailbox_is_up(mayday_mailbox *mailbox, uint32_t now_ms) {
  if (mailbox->was_heard != 0) {
    mailbox->was_heard = 0;
    mailbox->heard_at = now_ms;
    mailbox->is_up = mailbox->state != FRESH;
  } else if (mailbox->is_up && now_ms - mailbox->heard_at >= SILENCE_MS) {
    mailbox->is_up = false;
    mayday_mail_out_drop(&mailbox->mail_out);
  }
  return mailbox->is_up;
}

uint8_t *mayday_mailbox_frame(mayday_mailbox *mailbox, uint16_t *length) {
  return mayday_mail_in_frame(&mailbox->mail_in, length);
}

void mayday_mailbox_release(mayday_mailbox *mailbox) {
  mayday_mail_in_release(&mailbox->mail_in);
}

bool mayday_mailbox_send(mayday_mailbox *mailbox, const uint8_t *frame, size_t length) {
  return mayday_mail_out_put(&mailbox->mail_out, frame, length, (uint16_t)(mailbox->hold_units * HOLD_UNIT));
}

void mayday_mailbox_set_busy(mayday_mailbox *mailbox, bool is_busy) {
  mailbox->is_busy = is_busy;
}
