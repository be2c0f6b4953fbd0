#include "link/sizer.h"

#include "base/bytes.h"
#include "mayday/constants.h"

#include <string.h>

#define ONE 256u              /* an error, or a loss, in the units of the estimate */
#define MEMORY_LOG2 18u       /* MEMORY_BYTES is 2^18 */
#define FINE_LOG2 4u          /* errors are kept so much finer, so that old ones fade also when there are few */
#define PRIOR_ERRORS (26u << FINE_LOG2) /* 0.1 */
#define PRIOR_BYTES 700u
#define OVERHEAD 10u          /* header, CRC, code byte and delimiter of a data frame */
#define RECENT 32u
#define MISSING_MAX (5u * ONE)
#define TRIAL_EVERY 32u

uint16_t mayday_root(uint32_t value) {
  uint32_t result = 0, bit = UINT32_C(1) << 30;
  while (bit > value) bit >>= 2;
  for (; bit != 0; bit >>= 2) {
    if (value >= result + bit) {
      value -= result + bit;
      result = (result >> 1) + bit;
    } else {
      result >>= 1;
    }
  }
  return (uint16_t)result;
}

uint16_t mayday_best_payload(uint32_t over_rate, uint16_t max) {
  uint32_t best = (mayday_root(OVERHEAD * OVERHEAD + over_rate) - OVERHEAD) / 2u;
  best = (best + MAYDAY_CHUNK_UNIT / 2u) / MAYDAY_CHUNK_UNIT * MAYDAY_CHUNK_UNIT;
  if (best < MAYDAY_PAYLOAD_MIN) best = MAYDAY_PAYLOAD_MIN;
  return best < max ? (uint16_t)best : max;
}

uint16_t mayday_equal_part(uint32_t available, uint32_t payload) {
  uint32_t frames = (available + payload - 1u) / payload;
  uint32_t part = (available + frames - 1u) / frames;
  part = (part + MAYDAY_CHUNK_UNIT - 1u) / MAYDAY_CHUNK_UNIT * MAYDAY_CHUNK_UNIT;
  return (uint16_t)mayday_least32(part, available);
}

static void choose(mayday_sizer *sizer) {
  /* (sqrt(h^2 + 4 h / e) - h) / 2. `bytes` stays below 2^18 + 4129, so that the product fits. */
  uint32_t over_rate = 4u * OVERHEAD * ONE * sizer->bytes / (sizer->errors >> FINE_LOG2);
  sizer->payload = mayday_best_payload(over_rate, sizer->payload_max);
}

void mayday_sizer_init(mayday_sizer *sizer) {
  memset(sizer, 0, sizeof *sizer);
  sizer->errors = PRIOR_ERRORS;
  sizer->bytes = PRIOR_BYTES;
  sizer->until_trial = TRIAL_EVERY;
  mayday_sizer_limit(sizer, MAYDAY_PAYLOAD_MIN);
}

void mayday_sizer_limit(mayday_sizer *sizer, uint16_t payload_max) {
  uint32_t limit = mayday_least32(payload_max, MAYDAY_PAYLOAD_MAX);
  sizer->payload_max = (uint16_t)(limit / MAYDAY_CHUNK_UNIT * MAYDAY_CHUNK_UNIT);
  if (sizer->payload_max < MAYDAY_PAYLOAD_MIN) sizer->payload_max = MAYDAY_PAYLOAD_MIN;
  choose(sizer);
}

uint16_t mayday_sizer_cut(mayday_sizer *sizer, uint32_t available) {
  uint32_t payload = sizer->payload;
  if (--sizer->until_trial == 0) {
    sizer->until_trial = TRIAL_EVERY;
    payload = mayday_least32(2u * payload, sizer->payload_max);
  }
  return mayday_equal_part(available, payload);
}

/* Errors in a frame of so many bytes, on average. */
static uint32_t mean(const mayday_sizer *sizer, uint32_t bytes) {
  uint32_t errors = sizer->errors >> FINE_LOG2;
  uint32_t of = sizer->bytes;
  while (errors > UINT32_MAX / 4129u) {
    errors >>= 1;
    of >>= 1;
  }
  return mayday_least32(errors * bytes / of, 4u * ONE);
}

/* 1 - exp(-m) for 0 <= m <= 4, within 0.02: how probable a loss is. */
static uint32_t probability(uint32_t m) {
  /* m (6 + m) / (6 + 4 m + m^2): a Pade approximant. */
  return m * (6u * ONE + m) / (6u * ONE + 4u * m + m * m / ONE);
}

/* Errors that a lost frame met, one or more: m / (1 - exp(-m)). */
static uint32_t errors_of_loss(uint32_t m) {
  return ONE + m / 2u + m * m / (12u * ONE);
}

static void believe_recent(mayday_sizer *sizer) {
  uint32_t lost = sizer->recent_lost;
  sizer->bytes = sizer->recent_bytes;
  sizer->errors = PRIOR_ERRORS + (lost * ONE << FINE_LOG2);
  /* Once more, as a large frame that is lost has met more than one error. */
  if (sizer->recent != 0 && lost != 0) {
    uint32_t m = mean(sizer, sizer->recent_bytes / sizer->recent);
    sizer->errors = PRIOR_ERRORS + (lost * errors_of_loss(m) << FINE_LOG2);
  }
}

static void begin_recent(mayday_sizer *sizer) {
  sizer->recent = 0;
  sizer->recent_bytes = 0;
  sizer->recent_expected = 0;
  sizer->recent_lost = 0;
}

/* Whether what was lost is more than 3.5 standard deviations away from what was expected. */
static bool is_contradicted(const mayday_sizer *sizer) {
  uint32_t lost = sizer->recent_lost * ONE;
  uint32_t expected = sizer->recent_expected; /* also about the variance */
  uint32_t off = lost > expected ? lost - expected : expected - lost;
  return 4u * (off * off / ONE) > 49u * (expected + ONE / 2u);
}

void mayday_sizer_settle(mayday_sizer *sizer, uint16_t bytes, bool is_lost) {
  uint32_t m = mean(sizer, bytes);
  uint32_t p = probability(m);
  sizer->errors -= (sizer->errors >> 6) * bytes >> (MEMORY_LOG2 - 6u);
  if (is_lost) sizer->errors += errors_of_loss(m) << FINE_LOG2;
  sizer->bytes += bytes - (sizer->bytes * (uint32_t)bytes >> MEMORY_LOG2);
  sizer->recent++;
  sizer->recent_bytes += bytes;
  sizer->recent_expected = (uint16_t)(sizer->recent_expected + p);
  sizer->recent_lost = (uint8_t)(sizer->recent_lost + (is_lost ? 1u : 0u));
  sizer->missing = is_lost ? 0 : (uint16_t)(sizer->missing + p);
  if (sizer->missing > MISSING_MAX) {
    /* Five losses that were due did not come: the line got better. */
    sizer->errors = sizer->errors / 8u > PRIOR_ERRORS ? sizer->errors / 8u : PRIOR_ERRORS;
    sizer->missing = 0;
  }
  if (sizer->recent >= RECENT) {
    if (is_contradicted(sizer)) believe_recent(sizer);
    begin_recent(sizer);
  }
  choose(sizer);
}
