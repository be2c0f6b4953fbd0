#include "link/pacing.h"

#include "base/bytes.h"
#include "mayday/constants.h"

#define PARTS UINT32_C(1000) /* of a byte: a rate times milliseconds needs no division */

void mayday_pacer_init(mayday_pacer *pacer, uint32_t bytes_per_s) {
  pacer->rate = bytes_per_s;
  pacer->ahead = 0;
  pacer->at = 0;
}

static void advance(mayday_pacer *pacer, mayday_time now) {
  mayday_time passed = now - pacer->at;
  pacer->at = now;
  if (pacer->rate == 0 || passed > pacer->ahead / pacer->rate) pacer->ahead = 0;
  else pacer->ahead -= (uint32_t)passed * pacer->rate;
}

bool mayday_pacer_is_ready(mayday_pacer *pacer, mayday_time now) {
  advance(pacer, now);
  return pacer->ahead <= mayday_least32(MAYDAY_AHEAD_BYTES_MAX * PARTS, MAYDAY_AHEAD_MS_MAX * pacer->rate);
}

bool mayday_pacer_is_busy(mayday_pacer *pacer, mayday_time now) {
  advance(pacer, now);
  /* The clock is up to a millisecond behind. */
  return pacer->ahead > pacer->rate;
}

mayday_time mayday_pacer_hand_over(mayday_pacer *pacer, mayday_time now, uint32_t bytes) {
  advance(pacer, now);
  if (pacer->rate == 0) return now;
  pacer->ahead += bytes * PARTS;
  return now + pacer->ahead / pacer->rate;
}

void mayday_pacer_drop(mayday_pacer *pacer) {
  pacer->ahead = 0;
}

void mayday_window_init(mayday_window *window) {
  window->bytes = MAYDAY_WINDOW_MIN;
  window->shortest_ms = UINT32_MAX;
}

void mayday_window_take(mayday_window *window, uint32_t rtt_ms, uint32_t bytes) {
  if (rtt_ms < window->shortest_ms) window->shortest_ms = rtt_ms;
  if (rtt_ms - window->shortest_ms <= MAYDAY_QUEUE_MS) {
    window->bytes = mayday_least32(window->bytes + bytes, MAYDAY_WINDOW_MAX);
  } else {
    window->bytes = window->bytes / 2u > MAYDAY_WINDOW_MIN ? window->bytes / 2u : MAYDAY_WINDOW_MIN;
  }
}

uint32_t mayday_window_bytes(const mayday_window *window, const mayday_rtt *rtt, uint16_t payload) {
  uint32_t ms = mayday_rto_ms(rtt) + MAYDAY_ACK_WAIT_MS;
  uint32_t rate = rtt->bytes_per_s;
  if (rate == 0) return window->bytes;
  /* An RTO may be minutes, and a rate 4 million: split, so that the product fits. */
  return mayday_least32(rate / 1000u * mayday_least32(ms, 1000u) + rate % 1000u * mayday_least32(ms, 1000u) / 1000u,
                        UINT32_C(1) << 24) +
         MAYDAY_WINDOW_ALLOWANCE + 2u * (uint32_t)payload;
}
