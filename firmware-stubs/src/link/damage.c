#include "link/damage.h"
#include "mayday/config.h"

#if MAYDAY_WITH_FEC

#include "base/bytes.h"
#include "link/sizer.h"

#define ONE_LOG2 12u /* an event in mayday_events */
#define ONE (UINT32_C(1) << ONE_LOG2)
#define MEMORY_LOG2 18u
#define PRIOR (ONE / 10u)
#define PRIOR_BYTES 700u
/* Most of the events that one kind is thought to cause as long as nothing tells them apart, in 2^-16. */
#define SHARE_MAX 58982u
#define HINT_BYTES 1000u
#define RECENT_MAX 32u
#define RECENT_MIN 8u
#define MISSING_MAX (5u * 256u)
/* Bytes that count at once: half of the memory. */
#define BYTES_MAX (UINT32_C(1) << (MEMORY_LOG2 - 1u))
#define RATE_MAX (UINT32_C(1) << 30)
/* Events of a frame that count at most. */
#define MEAN_MAX (UINT32_C(16) << 16)

uint32_t mayday_exp_minus(uint32_t x) {
  /* 2^-y, y = x / ln 2: the whole part is a shift, the rest a polynomial. */
  const uint64_t y = (uint64_t)x * 94548u >> 16;
  const uint32_t f = (uint32_t)(y & 0xffffu);
  uint32_t value = 3638u - (552u * f >> 16);
  value = 15743u - (value * f >> 16);
  value = 45426u - (value * f >> 16);
  value = 65536u - (value * f >> 16);
  return y >> 16 >= 30u ? 0 : value << 14 >> (y >> 16);
}

/* The rates that explain the events best: those in COBS are shared out as the rates say, until that changes nothing. */
static void find_rates(mayday_damage *damage) {
  const mayday_events *seen = &damage->seen;
  const uint32_t told = seen->wrong + seen->fatal, all = told + seen->cobs;
  uint32_t share = (uint32_t)(((uint64_t)seen->wrong << 16) / told);
  for (unsigned round = 0; round < 4u; round++)
    share = (uint32_t)((((uint64_t)seen->wrong << 16) + (uint64_t)seen->cobs * share) / all);
  const uint64_t rate = ((uint64_t)all << (32u - ONE_LOG2)) / seen->bytes;
  const uint32_t bounded = rate < RATE_MAX ? (uint32_t)rate : RATE_MAX;
  damage->wrong = mayday_most32((uint32_t)((uint64_t)bounded * share >> 16), 1);
  damage->fatal = mayday_most32(bounded - (uint32_t)((uint64_t)bounded * share >> 16), 1);
}

static void begin_recent(mayday_damage *damage) {
  memset(&damage->recent, 0, sizeof damage->recent);
  damage->difference = 0;
  damage->variance = 128;
  damage->fates = 0;
}

/* Nothing was seen but in `bytes`; `share`: of events, those that are thought to be wrong bytes. */
static void begin(mayday_damage *damage, uint32_t share, uint32_t bytes) {
  memset(&damage->seen, 0, sizeof damage->seen);
  damage->seen.wrong = mayday_most32(PRIOR * share >> 16, 1);
  damage->seen.fatal = mayday_most32(PRIOR - damage->seen.wrong, 1);
  damage->seen.bytes = bytes;
}

void mayday_damage_init(mayday_damage *damage) {
  memset(damage, 0, sizeof *damage);
  begin(damage, SHARE_MAX, PRIOR_BYTES);
  begin_recent(damage);
  find_rates(damage);
}

void mayday_damage_hint(mayday_damage *damage, uint32_t rate) {
  if (damage->has_evidence) return;
  damage->has_evidence = true;
  damage->has_mended = true;
  begin(damage, SHARE_MAX, HINT_BYTES);
  damage->seen.wrong = mayday_most32((uint32_t)((uint64_t)rate * HINT_BYTES >> (32u - ONE_LOG2)), 1);
  find_rates(damage);
}

uint32_t mayday_damage_cautious(const mayday_damage *damage) {
  /* sqrt(rate / bytes), rate in 2^-32: the root of 2^32 times that, halved in pairs of bits until it fits. */
  uint64_t square = ((uint64_t)damage->wrong << 32) / damage->seen.bytes;
  unsigned pairs = 0;
  for (; square > UINT32_MAX; square >>= 2) pairs++;
  return damage->wrong + ((uint32_t)mayday_root((uint32_t)square) << pairs);
}

static void add(mayday_events *to, const mayday_events *more) {
  to->cobs += more->cobs;
  to->wrong += more->wrong;
  to->fatal += more->fatal;
  to->bytes += more->bytes;
}

static void fade(mayday_events *events, uint32_t bytes) {
  uint32_t *const sums[4] = {&events->cobs, &events->wrong, &events->fatal, &events->bytes};
  for (unsigned i = 0; i < 4u; i++) *sums[i] -= (uint32_t)((uint64_t)*sums[i] * bytes >> MEMORY_LOG2);
  /* Neither kind is ever thought impossible. */
  events->wrong = mayday_most32(events->wrong, 1);
  events->fatal = mayday_most32(events->fatal, 1);
}

/* Starts again from the recent fates alone, or, where what was expected did not come, from what came without. Of the two kinds of damage is kept which one is more likely. */
static void believe_recent(mayday_damage *damage) {
  uint32_t share = (uint32_t)(((uint64_t)damage->wrong << 16) / (damage->wrong + damage->fatal));
  share = mayday_most32(65536u - SHARE_MAX, mayday_least32(SHARE_MAX, share));
  if (damage->missing > MISSING_MAX) {
    begin(damage, share, damage->clean);
  } else {
    begin(damage, share, 0);
    add(&damage->seen, &damage->recent);
  }
  begin_recent(damage);
  damage->missing = 0;
}

/* What was recently seen is more than four standard deviations away from what was expected. */
static bool is_contradicted(const mayday_damage *damage) {
  const uint32_t off = (uint32_t)(damage->difference < 0 ? -damage->difference : damage->difference);
  return damage->fates >= RECENT_MIN && (uint64_t)off * off > (uint64_t)16u * 256u * damage->variance;
}

/* Takes in a fate: what it is explained with, how many events it has (1/256), and how many were expected, with which variance. */
static void take(mayday_damage *damage, const mayday_events *fate, uint32_t count, uint32_t mean, uint32_t variance) {
  damage->has_evidence |= count > 0;
  if (damage->fates == RECENT_MAX) begin_recent(damage);
  damage->fates++;
  add(&damage->recent, fate);
  damage->difference += (int32_t)count - (int32_t)mean;
  damage->variance += variance;
  fade(&damage->seen, fate->bytes);
  add(&damage->seen, fate);
  damage->missing = count > 0 ? 0 : damage->missing + mean;
  damage->clean = count > 0 ? 0 : mayday_least32(damage->clean + fate->bytes, BYTES_MAX);
  if (is_contradicted(damage) || damage->missing > MISSING_MAX) believe_recent(damage);
  find_rates(damage);
}

/* The probability of an event where so many are expected, in 2^-16. */
static uint32_t probability(uint32_t mean) {
  return 65536u - (mayday_exp_minus(mean) >> 14);
}

/* Takes in the fate of one frame, which was lost with this probability (2^-16). */
static void take_one(mayday_damage *damage, const mayday_events *fate, bool is_lost, uint32_t odds) {
  take(damage, fate, is_lost ? 256u : 0, odds >> 8, (odds >> 8) * (256u - (odds >> 8)) >> 8);
}

void mayday_damage_settle(mayday_damage *damage, uint16_t bytes, bool is_lost) {
  const uint32_t mean = mayday_least32(mayday_mean(damage->wrong + damage->fatal, bytes), MEAN_MAX);
  const uint32_t odds = probability(mean);
  mayday_events fate = {0, 0, 0, bytes};
  /* One event or more: mean / odds. */
  if (is_lost) fate.cobs = odds < 64u ? ONE : (uint32_t)(((uint64_t)mean << ONE_LOG2) / odds);
  take_one(damage, &fate, is_lost, odds);
}

void mayday_damage_mended(mayday_damage *damage, uint32_t bytes, uint16_t wrong) {
  bytes = mayday_least32(bytes, BYTES_MAX);
  const uint32_t mean = mayday_mean(damage->wrong, bytes) >> 8;
  const mayday_events fate = {0, (uint32_t)wrong << ONE_LOG2, 0, bytes};
  damage->has_mended |= wrong > 0;
  take(damage, &fate, (uint32_t)wrong << 8, mean, mean);
}

void mayday_damage_unmended(mayday_damage *damage, uint16_t bytes, uint32_t odds, uint32_t wrong) {
  const uint32_t by_fatal = probability(mayday_mean(damage->fatal, bytes));
  const uint32_t ordinary = mayday_mean(damage->wrong, bytes) >> (16u - ONE_LOG2);
  const uint32_t both = odds + by_fatal;
  const uint32_t by_wrong = both == 0 ? 32768u : (uint32_t)(((uint64_t)odds << 16) / both);
  mayday_events fate = {0, 0, 0, bytes};
  fate.wrong = (uint32_t)(((uint64_t)by_wrong * mayday_most32(wrong, ordinary) + (uint64_t)(65536u - by_wrong) * ordinary) >> 16);
  fate.fatal = (65536u - by_wrong) >> (16u - ONE_LOG2);
  take_one(damage, &fate, true, by_fatal + (uint32_t)((uint64_t)(65536u - by_fatal) * mayday_least32(odds, 65536u) >> 16));
}

#endif
