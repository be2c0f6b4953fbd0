#include "link/rtt.h"

#include "mayday/constants.h"

#include <string.h>

#define UNITS_PER_MS 32u
#define SAMPLE_MAX_MS UINT32_C(65535)
#define BITS_PER_BYTE 10u
#define FRAME_LINES_MAX_MS UINT32_C(2000)

void mayday_rtt_init(mayday_rtt *rtt, uint32_t baud, uint8_t rto_floor_ms) {
  memset(rtt, 0, sizeof *rtt);
  rtt->bytes_per_s = baud / BITS_PER_BYTE;
  if (rtt->bytes_per_s == 0 && baud != 0) rtt->bytes_per_s = 1;
  rtt->floor_ms = rto_floor_ms;
}

void mayday_rtt_sample(mayday_rtt *rtt, uint32_t ms) {
  uint32_t sample = (ms < SAMPLE_MAX_MS ? ms : SAMPLE_MAX_MS) * UNITS_PER_MS;
  uint32_t off;
  if (!rtt->has_sample) {
    rtt->has_sample = true;
    rtt->smoothed = sample;
    rtt->variation = sample / 2u;
    return;
  }
  off = sample > rtt->smoothed ? sample - rtt->smoothed : rtt->smoothed - sample;
  rtt->variation = (3u * rtt->variation + off) / 4u;
  rtt->smoothed = (7u * rtt->smoothed + sample) / 8u;
}

uint32_t mayday_rto_ms(const mayday_rtt *rtt) {
  uint32_t floor = (uint32_t)rtt->floor_ms * UNITS_PER_MS;
  uint32_t slack = 4u * rtt->variation;
  if (!rtt->has_sample) return MAYDAY_INITIAL_RTO_MS;
  if (slack < floor) slack = floor;
  return (rtt->smoothed + slack + UNITS_PER_MS - 1u) / UNITS_PER_MS;
}

uint32_t mayday_line_ms(const mayday_rtt *rtt, uint32_t bytes) {
  uint32_t rate = rtt->bytes_per_s;
  uint32_t seconds, rest;
  if (rate == 0) return 0;
  seconds = bytes / rate;
  rest = bytes % rate; /* below 4 million: a thousand times that fits */
  if (seconds >= UINT32_MAX / 1000u) return UINT32_MAX;
  return seconds * 1000u + (rest * 1000u + rate - 1u) / rate;
}

uint32_t mayday_turn_ms(const mayday_rtt *rtt) {
  return MAYDAY_TURN_MIN_MS + mayday_line_ms(rtt, MAYDAY_TURN_BYTES);
}

uint32_t mayday_repeat_ms(uint8_t *said, uint32_t first, uint32_t longest) {
  uint32_t wait = first << *said;
  if (*said < 7u) ++*said;
  return wait < longest ? wait : longest;
}

uint32_t mayday_wait_ms(const mayday_rtt *rtt) {
  return mayday_rto_ms(rtt) + mayday_line_ms(rtt, MAYDAY_RESCUER_QUEUE_BYTES);
}

uint32_t mayday_pause_ms(const mayday_rtt *rtt, uint32_t longest_frame) {
  uint32_t bytes = longest_frame > MAYDAY_FIRST_PACKET_BYTES ? longest_frame : MAYDAY_FIRST_PACKET_BYTES;
  uint32_t lines = mayday_line_ms(rtt, MAYDAY_FRAME_GROWTH * bytes);
  if (lines > FRAME_LINES_MAX_MS) lines = FRAME_LINES_MAX_MS;
  return mayday_rto_ms(rtt) + MAYDAY_AHEAD_MS_MAX + lines;
}

uint32_t mayday_lease_ms(const mayday_rtt *rtt, uint32_t block) {
  uint32_t trip = mayday_line_ms(rtt, block) + mayday_rto_ms(rtt);
  uint32_t lease = MAYDAY_LEASE_LINE_TIMES * trip;
  return lease > MAYDAY_LEASE_MIN_MS ? lease : MAYDAY_LEASE_MIN_MS;
}
