#include "link/form_sizer.h"
#include "mayday/config.h"

#if MAYDAY_WITH_FEC

#include "base/bytes.h"
#include "fec/coded.h"
#include "link/sizer.h"

/* Header and CRC of a data frame, and these with code byte and delimiter. */
#define FRAME_OVERHEAD 8u
#define OVERHEAD 10u
/* The second form has to promise this much more, in 2^-16, so that the choice does not waver. */
#define ADVANTAGE 65733u
#define TRIAL_EVERY 32u
/* A packet that shows how many bytes are wrong even on a line that is far worse than thought. */
#define TRIAL_PAYLOAD 192u
/* Longest payload in the second form before that has mended anything: what is lost may be bytes, which it cannot mend. */
#define UNSURE_MAX 512u
/* Events per byte below which a line is good, in 2^-32: 3e-6. */
#define GOOD_RATE 12885u

/* What are compared; larger frames save little, and lose more at once. */
static const uint8_t strengths[] = {1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16};
static const uint8_t payloads[] = {3, 6, 10, 13, 16, 22, 26, 32, 43, 63}; /* of 32 bytes */

void mayday_form_sizer_init(mayday_form_sizer *sizer) {
  memset(sizer, 0, sizeof *sizer);
  mayday_damage_init(&sizer->damage);
  sizer->until_trial = TRIAL_EVERY;
  sizer->is_coded_trial = true;
  mayday_form_sizer_limit(sizer, MAYDAY_PAYLOAD_MIN, 0);
}

void mayday_form_sizer_limit(mayday_form_sizer *sizer, uint16_t payload_max, uint32_t wire_max) {
  const uint32_t most = mayday_least32(payload_max, MAYDAY_PAYLOAD_MAX) / MAYDAY_CHUNK_UNIT * MAYDAY_CHUNK_UNIT;
  sizer->payload_max = (uint16_t)mayday_most32(most, MAYDAY_PAYLOAD_MIN);
  sizer->wire_max = wire_max == 0 ? UINT32_MAX : wire_max;
  sizer->is_old = true;
  mayday_form_sizer_choose(sizer);
}

/* The probability that every codeword can be mended, in 2^-30 (Poisson, which errs on the side of more wrong bytes). */
static uint32_t mend_odds(const mayday_coded *coded, uint32_t rate) {
  const uint8_t count = mayday_coded_count(coded);
  const uint32_t length = mayday_least32((uint32_t)mayday_coded_part(coded, 0) + 2u * coded->mendable, MAYDAY_CODEWORD_MAX);
  const uint32_t mean = mayday_mean(rate, length);
  const uint32_t one = UINT32_C(1) << 30;
  uint32_t term = mayday_exp_minus(mean), sum = term, odds = one;
  for (uint32_t wrong = 1; wrong <= coded->mendable; wrong++) {
    term = (uint32_t)(((uint64_t)term * mean >> 16) / wrong);
    sum += term;
  }
  sum = mayday_least32(sum, one);
  for (uint8_t i = 0; i < count; i++) odds = (uint32_t)((uint64_t)odds * sum >> 30);
  return odds;
}

/* Share of the line that is payload which arrives, in 2^-30; `odds` of that, in 2^-30, without fatal events at such a rate. */
static uint32_t goodput(uint32_t payload, uint32_t line, uint32_t odds, uint32_t rate) {
  const uint32_t arrives = (uint32_t)((uint64_t)odds * mayday_exp_minus(mayday_mean(rate, line)) >> 30);
  return (uint32_t)((uint64_t)arrives * payload / line);
}

static void choose_coded(mayday_form_sizer *sizer, uint32_t best) {
  const mayday_damage *damage = &sizer->damage;
  const uint32_t cautious = mayday_damage_cautious(damage);
  uint32_t most = damage->has_mended ? sizer->payload_max : mayday_least32(sizer->payload_max, UNSURE_MAX);
  best = (uint32_t)((uint64_t)best * ADVANTAGE >> 16);
  for (unsigned i = 0; i < sizeof payloads; i++) {
    const uint32_t payload = (uint32_t)payloads[i] * MAYDAY_CHUNK_UNIT;
    if (payload > most) return;
    for (unsigned j = 0; j < sizeof strengths; j++) {
      const mayday_coded coded = mayday_coded_for((size_t)payload + FRAME_OVERHEAD, strengths[j]);
      const uint32_t line = mayday_coded_length(&coded);
      if (line > sizer->wire_max) break;
      const uint32_t promised = goodput(payload, line, mend_odds(&coded, cautious), damage->fatal);
      if (promised <= best) continue;
      best = promised;
      sizer->payload = (uint16_t)payload;
      sizer->mendable = strengths[j];
    }
  }
}

void mayday_form_sizer_choose(mayday_form_sizer *sizer) {
  const uint32_t rate = sizer->damage.wrong + sizer->damage.fatal;
  if (!sizer->is_old) return;
  sizer->is_old = false;
  const uint64_t over_rate = ((uint64_t)(4u * OVERHEAD) << 32) / rate;
  sizer->payload = mayday_best_payload(over_rate < UINT32_MAX / 2u ? (uint32_t)over_rate : UINT32_MAX / 2u, sizer->payload_max);
  sizer->mendable = 0;
  if (!sizer->damage.has_evidence) return;
  choose_coded(sizer, goodput(sizer->payload, sizer->payload + OVERHEAD, UINT32_C(1) << 30, rate));
}

uint16_t mayday_form_sizer_cut(mayday_form_sizer *sizer, uint32_t available, uint8_t *mendable) {
  mayday_form_sizer_choose(sizer);
  uint32_t payload = sizer->payload;
  *mendable = sizer->mendable;
  if (*mendable == 0 && --sizer->until_trial == 0) {
    const mayday_damage *damage = &sizer->damage;
    const bool is_bad = damage->has_evidence && damage->wrong + damage->fatal > GOOD_RATE;
    const bool is_coded = sizer->is_coded_trial && is_bad;
    sizer->until_trial = TRIAL_EVERY;
    sizer->is_coded_trial = !is_coded;
    payload = mayday_least32(is_coded ? TRIAL_PAYLOAD : 2u * payload, sizer->payload_max);
    if (is_coded) *mendable = MAYDAY_MENDABLE_MAX;
  }
  return mayday_equal_part(available, payload);
}

uint16_t mayday_form_sizer_line(uint16_t payload, uint8_t mendable) {
  const mayday_coded coded = mayday_coded_for((size_t)payload + FRAME_OVERHEAD, mendable);
  return mayday_coded_length(&coded);
}

void mayday_form_sizer_settle(mayday_form_sizer *sizer, uint16_t payload, uint8_t mendable, bool is_lost) {
  if (mendable == 0) {
    mayday_damage_settle(&sizer->damage, (uint16_t)(payload + OVERHEAD), is_lost);
  } else if (is_lost) {
    const mayday_coded coded = mayday_coded_for((size_t)payload + FRAME_OVERHEAD, mendable);
    const uint16_t line = mayday_coded_length(&coded);
    const uint32_t odds = 65536u - (mend_odds(&coded, mayday_damage_cautious(&sizer->damage)) >> 14);
    /* A codeword has at least one wrong byte too many; where it is only one of several, the others are as always. */
    const uint32_t others = line > MAYDAY_CODEWORD_MAX ? mayday_mean(sizer->damage.wrong, line - MAYDAY_CODEWORD_MAX) >> 4 : 0;
    mayday_damage_unmended(&sizer->damage, line, odds, ((mendable + UINT32_C(1)) << 12) + others);
  } else {
    return;
  }
  sizer->is_old = true;
}

void mayday_form_sizer_mended(mayday_form_sizer *sizer, uint32_t bytes, uint16_t wrong) {
  mayday_damage_mended(&sizer->damage, bytes, wrong);
  sizer->is_old = true;
}

#endif
