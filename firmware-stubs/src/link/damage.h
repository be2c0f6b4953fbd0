/* Two rates of the line to the peer, estimated from what became of the frames sent there (PROTOCOL.md 2.5): wrong bytes, which the
 * second form mends, and fatal events, lost bytes and bursts, which it does not. Without floating point. */
#ifndef MAYDAY_LINK_DAMAGE_H
#define MAYDAY_LINK_DAMAGE_H

#include <stdbool.h>
#include <stdint.h>

/* Events in 1/4096, in so many bytes of line. */
typedef struct mayday_events {
  uint32_t cobs;  /* losses in COBS, which may be of either kind */
  uint32_t wrong, fatal;
  uint32_t bytes;
} mayday_events;

/* Outlives sessions: the line is the same. */
typedef struct mayday_damage {
  mayday_events seen;   /* older ones with less weight */
  mayday_events recent; /* of the last fates, up to 32: when they contradict the estimate, it begins again from them */
  int32_t difference;   /* of events and what was expected, in these, in 1/256 */
  uint32_t variance;    /* in 1/256 */
  uint32_t missing;     /* events in 1/256 that were expected since the last one */
  uint32_t clean;       /* bytes since then */
  uint8_t fates;
  bool has_evidence; /* damage was seen, in this direction or, by a hint, in the other one */
  bool has_mended;   /* the second form has mended something */
  uint32_t wrong, fatal; /* the rates, in 2^-32 per byte, from 1 to 2^30 */
} mayday_damage;

void mayday_damage_init(mayday_damage *damage);

/* A frame in COBS of so many bytes arrived, or was lost. All frames are 4200 bytes at most. */
void mayday_damage_settle(mayday_damage *damage, uint16_t bytes, bool is_lost);

/* Frames of the second form arrived, with so many wrong bytes in all, not more than there are. */
void mayday_damage_mended(mayday_damage *damage, uint32_t bytes, uint16_t wrong);

/* A frame of the second form was lost. `odds`: in 2^-16, the probability that wrong bytes alone do that; `wrong`: how many it had
 * then, in 1/4096. */
void mayday_damage_unmended(mayday_damage *damage, uint16_t bytes, uint32_t odds, uint32_t wrong);

/* The other direction has so many wrong bytes per byte, in 2^-32. Counts until this one has shown damage itself. */
void mayday_damage_hint(mayday_damage *damage, uint32_t rate);

/* The rate of wrong bytes, a standard deviation higher: too little parity costs more than too much. */
uint32_t mayday_damage_cautious(const mayday_damage *damage);

/* exp(-x), x in 2^-16, in 2^-30; within 1/5000. */
uint32_t mayday_exp_minus(uint32_t x);

/* A rate in 2^-32 times bytes, in 2^-16. */
static inline uint32_t mayday_mean(uint32_t rate, uint32_t bytes) {
  return (uint32_t)((uint64_t)rate * bytes >> 16);
}

#endif
