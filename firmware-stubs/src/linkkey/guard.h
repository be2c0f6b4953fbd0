/* What a target does with its link key (PROTOCOL.md 14). A build without MAYDAY_WITH_LINK_KEY, and a link without a key, prove
 * nothing and take everything but proofs. */
#ifndef MAYDAY_LINKKEY_GUARD_H
#define MAYDAY_LINKKEY_GUARD_H

#include "base/bytes.h"
#include "mayday/constants.h"
#include "mayday/target.h"
#include "wire/frame.h"

/* Most bytes that mayday_guard_protect puts behind a frame. */
#if MAYDAY_WITH_LINK_KEY
#define MAYDAY_PROTECTION_MAX 18u
#else
#define MAYDAY_PROTECTION_MAX 0u
#endif

/* What the key says of an offer. */
typedef enum mayday_offer_verdict {
  MAYDAY_OFFER_GOOD,
  MAYDAY_OFFER_FOREIGN, /* its proof, or the lack of one, does not fit: `mismatch` of the report says how */
  MAYDAY_OFFER_UNASKED  /* it answers no call of this board */
} mayday_offer_verdict;

#if MAYDAY_WITH_LINK_KEY

static inline bool mayday_guard_is_keyed(const mayday_target *target) {
  return target->line->link_key != NULL;
}

/* Whether the line's key is as long as it may be; also without one. */
bool mayday_guard_is_usable(const mayday_line *line);

/* The target starts: with a key it takes a number of this start, which is written to flash, and its boot nonce from it. Without
 * such a number it says nothing at all, as its nonces might repeat. */
void mayday_guard_start(mayday_target *target);

/* The target nonce of the running session, which began under it; the boot nonce where none runs. */
const uint8_t *mayday_guard_nonce(const mayday_target *target);

/* Puts behind a frame of this kind, without CRC, what it needs: a proof or a seal. `offer`: that which the message answers, where it is not that
 * of the session. Returns the length with it; 0: the frame may not be sent. */
size_t mayday_guard_protect(mayday_target *target, mayday_frame_kind kind, const mayday_frame *offer, uint8_t *bytes,
                            size_t length);

/* Reads a frame as mayday_frame_parse does, under the tag and the seal of the running session. */
mayday_fault mayday_guard_parse(mayday_target *target, const uint8_t *bytes, size_t length, mayday_frame *out);

/* `is_own`: it is the offer of the running session. Counts and notes what does not fit. */
mayday_offer_verdict mayday_guard_judge(mayday_target *target, const mayday_frame *offer, bool is_own);

/* Claims a good offer, which is taken once in a start. False: it is not to be taken. */
bool mayday_guard_claim(mayday_target *target, const mayday_frame *offer);

/* A session begins with an offer that was claimed. */
void mayday_guard_begin(mayday_target *target, const mayday_frame *offer);

/* Whether a bye that names the running session comes from its rescuer. */
bool mayday_guard_believes(mayday_target *target, const mayday_frame *bye);

#else

static inline bool mayday_guard_is_keyed(const mayday_target *target) {
  (void)target;
  return false;
}

static inline bool mayday_guard_is_usable(const mayday_line *line) {
  return line->link_key == NULL;
}

static inline void mayday_guard_start(mayday_target *target) {
  (void)target;
}

static inline const uint8_t *mayday_guard_nonce(const mayday_target *target) {
  return target->boot_nonce;
}

static inline size_t mayday_guard_protect(mayday_target *target, mayday_frame_kind kind, const mayday_frame *offer,
                                          uint8_t *bytes, size_t length) {
  (void)target;
  (void)kind;
  (void)offer;
  (void)bytes;
  return length;
}

static inline mayday_fault mayday_guard_parse(mayday_target *target, const uint8_t *bytes, size_t length, mayday_frame *out) {
  return mayday_frame_parse(bytes, length, target->tag, out);
}

static inline mayday_offer_verdict mayday_guard_judge(mayday_target *target, const mayday_frame *offer, bool is_own) {
  (void)target;
  (void)is_own;
  return offer->proof == NULL ? MAYDAY_OFFER_GOOD : MAYDAY_OFFER_FOREIGN;
}

static inline bool mayday_guard_claim(mayday_target *target, const mayday_frame *offer) {
  (void)target;
  (void)offer;
  return true;
}

static inline void mayday_guard_begin(mayday_target *target, const mayday_frame *offer) {
  (void)target;
  (void)offer;
}

static inline bool mayday_guard_believes(mayday_target *target, const mayday_frame *bye) {
  (void)target;
  (void)bye;
  return true;
}

#endif

#endif
