#include "link/acks.h"

#include "base/bytes.h"
#include "mayday/constants.h"

/* Longest time that a packet waits for its ack, in microseconds. */
#define DELAY_MAX_US (MAYDAY_ACK_DELAY_MAX_MS * UINT32_C(1000))
#define NUMBER_SPAN (UINT32_C(1) << MAYDAY_PACKET_NUMBER_BITS)

/* Where bit 0 of the bitmap stands: one above the highest packet before the first. */
static uint32_t expected_number(const mayday_acks *acks) {
  return acks->has_any ? acks->highest + 1u : 0;
}

/* Whether a time has come, on a clock that wraps. */
static bool has_come(uint32_t time_us, uint32_t now_us) {
  return now_us - time_us < UINT32_C(0x80000000);
}

static void set_due(mayday_acks *acks, uint32_t at_us) {
  if (acks->is_due && has_come(acks->due_us, at_us)) return;
  acks->is_due = true;
  acks->due_us = at_us;
}

/* Moves every bit so many packets back. */
static void shift(uint8_t *bitmap, uint32_t by) {
  if (by > MAYDAY_ACK_REACH) by = MAYDAY_ACK_REACH;
  for (; by > 0; by--) {
    unsigned carried = 0;
    for (unsigned i = 0; i < MAYDAY_ACK_BITMAP_LENGTH; i++) {
      carried |= (unsigned)bitmap[i] << 1;
      bitmap[i] = (uint8_t)(carried & 0xffu);
      carried >>= 8;
    }
  }
}

void mayday_acks_init(mayday_acks *acks) {
  memset(acks, 0, sizeof *acks);
}

uint32_t mayday_packet_number(const mayday_acks *acks, uint16_t low) {
  uint32_t expected = expected_number(acks);
  uint32_t ahead = (low - expected) % NUMBER_SPAN;
  uint32_t number = expected + ahead;
  return ahead > NUMBER_SPAN / 2u && number >= NUMBER_SPAN ? number - NUMBER_SPAN : number;
}

bool mayday_acks_take(mayday_acks *acks, uint16_t low, uint32_t now_us, bool is_probe) {
  uint32_t number = mayday_packet_number(acks, low);
  uint32_t expected = expected_number(acks);
  bool is_new = true;
  bool is_urgent = is_probe;
  if (number >= expected) {
    if (number > expected) {
      is_urgent = true;
      acks->is_again = true;
    }
    shift(acks->bitmap, number - expected + 1u);
    acks->bitmap[0] |= 1u;
    acks->has_any = true;
    acks->highest = number;
    acks->highest_us = now_us;
  } else {
    uint32_t back = acks->highest - number;
    uint8_t *byte = &acks->bitmap[back < MAYDAY_ACK_REACH ? back / 8u : 0];
    uint8_t bit = (uint8_t)(1u << back % 8u);
    is_new = back < MAYDAY_ACK_REACH && (*byte & bit) == 0;
    if (is_new) *byte = (uint8_t)(*byte | bit);
  }
  if (acks->uncovered < MAYDAY_PACKETS_PER_ACK) acks->uncovered++;
  if (acks->uncovered == MAYDAY_PACKETS_PER_ACK) is_urgent = true;
  set_due(acks, is_urgent ? now_us : now_us + DELAY_MAX_US);
  return is_new;
}

void mayday_acks_hurry(mayday_acks *acks, uint32_t now_us) {
  if (acks->has_any) set_due(acks, now_us);
}

bool mayday_acks_is_due(const mayday_acks *acks, uint32_t now_us) {
  return acks->is_due && has_come(acks->due_us, now_us);
}

void mayday_acks_build(mayday_acks *acks, uint32_t now_us, uint8_t out[MAYDAY_ACK_BYTES]) {
  uint32_t elapsed = now_us - acks->highest_us;
  uint32_t delay = (elapsed + MAYDAY_ACK_DELAY_UNIT_US / 2u) / MAYDAY_ACK_DELAY_UNIT_US;
  mayday_put16(out, (uint16_t)(acks->highest & 0xffffu));
  out[2] = (uint8_t)(elapsed < 255u * MAYDAY_ACK_DELAY_UNIT_US ? delay : 255u);
  memcpy(out + 3, acks->bitmap, MAYDAY_ACK_BITMAP_LENGTH);
  acks->uncovered = 0;
  acks->is_due = acks->is_again;
  acks->due_us = now_us + DELAY_MAX_US;
  acks->is_again = false;
}
