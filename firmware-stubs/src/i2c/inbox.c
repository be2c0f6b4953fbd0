#include "i2c/inbox.h"

#include "base/bytes.h"
#include "base/crc.h"

/* Bytes before a frame in memory: its length. */
#define LENGTH_BYTES 2u

/* Frames that wait at most: one fewer than their shared counts can tell apart from none. */
#define FRAMES_MAX 255u

void mayday_inbox_init(mayday_inbox *inbox, uint8_t *bytes, uint16_t size, uint16_t frame_max) {
  memset(inbox, 0, sizeof *inbox);
  inbox->bytes = bytes;
  inbox->frame_max = frame_max;
  inbox->ring = (uint16_t)(size - frame_max - LENGTH_BYTES);
}

/* Where the record at `at` ends in a ring. */
static uint16_t behind(const mayday_inbox *inbox, uint16_t at) {
  uint16_t end = (uint16_t)(at + LENGTH_BYTES + mayday_u16(inbox->bytes + at));
  return end < inbox->ring ? end : (uint16_t)(end - inbox->ring);
}

/* Takes back the room of frames that the main loop has released. */
static void reclaim(mayday_inbox *inbox) {
  uint8_t out = inbox->out;
  MAYDAY_BARRIER();
  while (inbox->freed != out) {
    inbox->used = (uint16_t)(inbox->used - LENGTH_BYTES - mayday_u16(inbox->bytes + inbox->oldest));
    inbox->oldest = behind(inbox, inbox->oldest);
    inbox->freed++;
  }
}

bool mayday_inbox_has_room(mayday_inbox *inbox, uint16_t length) {
  reclaim(inbox);
  uint16_t begun = 0, left = (uint16_t)(inbox->ring - inbox->used);
  if (inbox->length > 0 && inbox->length <= inbox->frame_max) begun = (uint16_t)(LENGTH_BYTES + inbox->have);
  return left >= begun && left - begun >= length && (uint8_t)(inbox->in - inbox->freed) < FRAMES_MAX;
}

void mayday_inbox_restart(mayday_inbox *inbox) {
  inbox->length = inbox->length_before = 0;
  inbox->completed = inbox->skip = 0;
}

void mayday_inbox_begin(mayday_inbox *inbox, bool is_again, bool is_gap, bool is_first) {
  reclaim(inbox);
  inbox->head_have = 0;
  inbox->is_unreadable = false;
  if (is_gap) inbox->length = 0;
  if (is_again) {
    /* The frame that was not whole before the first coming: if that completed it, its bytes belong to the main loop. */
    inbox->length = inbox->length_before;
    inbox->have = inbox->have_before;
    inbox->has_gap = inbox->has_gap || (inbox->completed > 0 && inbox->have > 0);
    inbox->skip = inbox->completed;
  } else {
    inbox->length_before = inbox->length;
    inbox->have_before = inbox->have;
    inbox->completed = inbox->skip = 0;
  }
  if (is_first) {
    inbox->length = 0;
  } else if (inbox->length == 0) {
    inbox->is_unreadable = true;
  }
}

static void complete(mayday_inbox *inbox) {
  bool is_kept = inbox->length <= inbox->frame_max && inbox->skip == 0 && !inbox->has_gap;
  if (inbox->skip > 0) {
    inbox->skip--;
  } else {
    inbox->completed++;
  }
  if (is_kept) {
    mayday_put16(inbox->bytes + inbox->at, inbox->length);
    inbox->used = (uint16_t)(inbox->used + LENGTH_BYTES + inbox->length);
    inbox->at = behind(inbox, inbox->at);
    MAYDAY_BARRIER();
    inbox->in++;
  }
  inbox->length = 0;
  inbox->head_have = 0;
}

/* Three bytes are a head only when a byte of the frame follows (10.4). False: no frame has this head. */
static bool begin_frame(mayday_inbox *inbox) {
  uint16_t length = mayday_u16(inbox->head);
  if (mayday_crc8(inbox->head, 2) != inbox->head[2] || length < 1 || length > MAYDAY_FRAME_MAX) return false;
  inbox->length = length;
  inbox->have = 0;
  inbox->has_gap = false;
  return true;
}

bool mayday_inbox_byte(mayday_inbox *inbox, uint8_t byte) {
  if (inbox->is_unreadable) return true;
  if (inbox->length == 0) {
    if (inbox->head_have < sizeof inbox->head) {
      inbox->head[inbox->head_have++] = byte;
      return true;
    }
    if (!begin_frame(inbox)) {
      inbox->is_unreadable = true;
      return true;
    }
  }
  if (inbox->length <= inbox->frame_max) {
    uint16_t end = (uint16_t)(LENGTH_BYTES + inbox->have + 1u);
    bool is_too_many = (uint8_t)(inbox->in - inbox->freed) >= FRAMES_MAX;
    if (is_too_many || inbox->ring - inbox->used < end) {
      /* The frame's head counts as not taken, too. */
      if (inbox->have == 0) inbox->length = 0;
      return false;
    }
    inbox->bytes[inbox->at + LENGTH_BYTES + inbox->have] = byte;
  }
  inbox->have++;
  if (inbox->have == inbox->length) complete(inbox);
  return true;
}

uint8_t *mayday_inbox_frame(const mayday_inbox *inbox, uint16_t *length) {
  if (inbox->in == inbox->out) return NULL;
  MAYDAY_BARRIER();
  *length = mayday_u16(inbox->bytes + inbox->next);
  return inbox->bytes + inbox->next + LENGTH_BYTES;
}

void mayday_inbox_release(mayday_inbox *inbox) {
  if (inbox->in == inbox->out) return;
  inbox->next = behind(inbox, inbox->next);
  MAYDAY_BARRIER();
  inbox->out++;
}
