/* When the next frame may go to the UART, and how much may be in flight (PROTOCOL.md 4.8). */
#ifndef MAYDAY_LINK_PACING_H
#define MAYDAY_LINK_PACING_H

#include "link/rtt.h"

typedef struct mayday_pacer {
  uint32_t rate;  /* bytes per second; 0: not paced */
  uint32_t ahead; /* handed over and not yet on the wire, in 1/1000 bytes */
  mayday_time at; /* when that was so */
} mayday_pacer;

void mayday_pacer_init(mayday_pacer *pacer, uint32_t bytes_per_s);

/* Whether the next frame may be handed over. */
bool mayday_pacer_is_ready(mayday_pacer *pacer, mayday_time now);

/* Whether the last frame is still on the wire, so that the next one follows it without a gap. */
bool mayday_pacer_is_busy(mayday_pacer *pacer, mayday_time now);

/* `bytes` are handed over now. Returns when the last of them leaves the wire. */
mayday_time mayday_pacer_hand_over(mayday_pacer *pacer, mayday_time now, uint32_t bytes);

/* What was handed over was dropped. */
void mayday_pacer_drop(mayday_pacer *pacer);

/* The window of a link without a rate. */
typedef struct mayday_window {
  uint32_t bytes;
  uint32_t shortest_ms;
} mayday_window;

void mayday_window_init(mayday_window *window);

/* An ack came for so many bytes, after a round trip of `rtt_ms`. */
void mayday_window_take(mayday_window *window, uint32_t rtt_ms, uint32_t bytes);

/* Bytes that may be in flight. */
uint32_t mayday_window_bytes(const mayday_window *window, const mayday_rtt *rtt, uint16_t payload);

#endif
