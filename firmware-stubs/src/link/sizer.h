/* How many bytes go into a frame: the size that promises the most payload per byte of line, at the rate of errors that the fate
 * of earlier frames shows (PROTOCOL.md 4.7). Without floating point. */
#ifndef MAYDAY_LINK_SIZER_H
#define MAYDAY_LINK_SIZER_H

#include <stdbool.h>
#include <stdint.h>

/* Outlives sessions: the line is the same. */
typedef struct mayday_sizer {
  uint32_t errors; /* in 1/4096, seen in `bytes` of line, older ones with less weight */
  uint32_t bytes;
  /* The last frames, up to 32: when they contradict the estimate, it begins again from them. */
  uint32_t recent_bytes;
  uint16_t recent_expected; /* losses in 1/256 */
  uint8_t recent_lost, recent;
  uint16_t missing;         /* losses in 1/256 that were expected since the last one */
  uint16_t payload, payload_max; /* multiples of 32 */
  uint8_t until_trial;      /* frames until a larger one is tried */
} mayday_sizer;

/* The largest whole number whose square is not above `value`. */
uint16_t mayday_root(uint32_t value);

/* The payload in COBS that promises the most; `over_rate`: 4 overheads over the rate of errors per byte. */
uint16_t mayday_best_payload(uint32_t over_rate, uint16_t max);

/* Bytes to take from a stretch of `available`, 1 to 65536: equal parts in units of 32, none above `payload`, which is a multiple of 32. */
uint16_t mayday_equal_part(uint32_t available, uint32_t payload);

void mayday_sizer_init(mayday_sizer *sizer);

/* A session begins: largest payload, in bytes, 32 at least. */
void mayday_sizer_limit(mayday_sizer *sizer, uint16_t payload_max);

/* Bytes to take from a stretch of `available`, 1 to 65536: equal parts in units of 32. */
uint16_t mayday_sizer_cut(mayday_sizer *sizer, uint32_t available);

/* A frame of so many bytes on the line, 4129 at most, arrived or was lost. */
void mayday_sizer_settle(mayday_sizer *sizer, uint16_t bytes, bool is_lost);

#endif
