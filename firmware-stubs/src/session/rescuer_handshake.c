/* From the call of a board to its answer to an offer (PROTOCOL.md 5.3 to 5.7, 5.15, 5.16, 8.6). */
#include "session/rescuer_parts.h"

#include "base/bytes.h"
#include "image/envelope.h"

#define ROLE_APP 1u

/* 0, or the code of 5.7 for which the image does not suit this call. */
static uint8_t judge(const mayday_rescuer *rescuer, const mayday_frame *beacon) {
  const mayday_manifest *manifest = rescuer->source->manifest;
  if (!mayday_equal(beacon->as.beacon.hardware_id, rescuer->source->hardware_id, MAYDAY_ID_LENGTH) ||
      beacon->as.beacon.revision < manifest->revision_min || beacon->as.beacon.revision > manifest->revision_max) {
    return MAYDAY_REFUSAL_CODE_HARDWARE;
  }
  if (!rescuer->source->is_signed && !rescuer->self->is_unsigned_allowed) return MAYDAY_REFUSAL_CODE_UNSIGNED;
  if (manifest->role != ROLE_APP) return MAYDAY_REFUSAL_CODE_ROLE;
  if (manifest->counter < beacon->as.beacon.floor) return MAYDAY_REFUSAL_CODE_COUNTER;
  if ((beacon->as.beacon.flags & MAYDAY_BEACON_FLAG_BOOTABLE) == 0) return 0;
  mayday_order runs;
  runs.sequence = beacon->as.beacon.sequence;
  runs.version[0] = beacon->as.beacon.version.major;
  runs.version[1] = beacon->as.beacon.version.minor;
  runs.version[2] = beacon->as.beacon.version.patch;
  return mayday_order_compare(&manifest->order, &runs) > 0 ? 0 : MAYDAY_REFUSAL_CODE_VERSION;
}

static void say_none(mayday_rescuer *rescuer, const uint8_t *target_nonce, uint8_t reason) {
  mayday_rescuer_note_end(rescuer, MAYDAY_END_UNSUITABLE, reason);
  if (rescuer->now < rescuer->none_at) return;
  rescuer->none_at = rescuer->now + MAYDAY_NONE_INTERVAL_MS;
  rescuer->none_reason = reason;
  memcpy(rescuer->none_nonce, target_nonce, sizeof rescuer->none_nonce);
  mayday_rescuer_say(rescuer, MAYDAY_DUE_NONE);
}

static bool is_open(const mayday_rescuer *rescuer, const mayday_offered *offered) {
  return offered->until > rescuer->now;
}

/* The offer to this start of this board, or MAYDAY_NO_OFFER. */
static uint8_t find_offer_to(const mayday_rescuer *rescuer, const mayday_frame *beacon) {
  for (uint8_t i = 0; i < MAYDAY_RESCUER_OFFERS; i++) {
    const mayday_offered *offered = &rescuer->offers[i];
    if (is_open(rescuer, offered) && mayday_equal(offered->target_nonce, beacon->as.beacon.boot_nonce, MAYDAY_NONCE_LENGTH) &&
        mayday_equal(offered->target_id, beacon->as.beacon.node_id, MAYDAY_ID_LENGTH)) {
      return i;
    }
  }
  return MAYDAY_NO_OFFER;
}

/* In the place of the oldest one. */
static uint8_t make_offer(mayday_rescuer *rescuer, const mayday_frame *beacon) {
  uint8_t place = 0;
  for (uint8_t i = 0; i < MAYDAY_RESCUER_OFFERS; i++) {
    if (rescuer->offers[i].until < rescuer->offers[place].until) place = i;
  }
  mayday_offered *offered = &rescuer->offers[place];
  if (!rescuer->port->random(rescuer->port->context, offered->rescuer_nonce, sizeof offered->rescuer_nonce)) {
    mayday_rescuer_note_end(rescuer, MAYDAY_END_SOURCE, 0);
    offered->until = 0;
    return place == rescuer->offer ? MAYDAY_NO_OFFER : rescuer->offer;
  }
  offered->until = rescuer->now + MAYDAY_OFFER_REPEATED_FOR_MS;
  memcpy(offered->target_nonce, beacon->as.beacon.boot_nonce, sizeof offered->target_nonce);
  memcpy(offered->target_id, beacon->as.beacon.node_id, sizeof offered->target_id);
  rescuer->offer_at = rescuer->now;
  rescuer->offers_said = 0;
  return place;
}

void mayday_rescuer_call(mayday_rescuer *rescuer, const mayday_frame *beacon) {
  const uint8_t *nonce = beacon->as.beacon.boot_nonce;
  if ((beacon->as.beacon.flags & MAYDAY_BEACON_FLAG_SERVED) != 0) return;
  if (mayday_rescuer_remembers(rescuer, nonce, MAYDAY_STOOD_DOWN)) return;
  if (mayday_rescuer_remembers(rescuer, nonce, MAYDAY_REFUSED_IMAGE)) return;
  if (!mayday_rescuer_has_budget(rescuer)) return;
  uint8_t reason = judge(rescuer, beacon);
  if (reason != 0) {
    say_none(rescuer, nonce, reason);
    return;
  }
  uint8_t before = find_offer_to(rescuer, beacon);
  if (before == MAYDAY_NO_OFFER) {
    rescuer->offer = make_offer(rescuer, beacon);
  } else {
    mayday_time soon = rescuer->offer_sent_at + mayday_turn_ms(&rescuer->rtt) / 2u;
    if (soon < rescuer->now) soon = rescuer->now;
    if (before != rescuer->offer || soon < rescuer->offer_at) rescuer->offer_at = soon;
    rescuer->offer = before;
  }
  if (rescuer->offer == MAYDAY_NO_OFFER) return;
  if (rescuer->state == MAYDAY_RESCUER_HEALED) mayday_rescuer_forget_session(rescuer);
  rescuer->state = MAYDAY_RESCUER_OFFERING;
}

static void drop_offer(mayday_rescuer *rescuer, mayday_offered *offered, mayday_rescuer_end end, uint8_t reason) {
  offered->until = 0;
  mayday_rescuer_note_end(rescuer, end, reason);
  if (rescuer->offer == MAYDAY_NO_OFFER || offered != &rescuer->offers[rescuer->offer]) return;
  rescuer->offer = MAYDAY_NO_OFFER;
  rescuer->due = (uint8_t)(rescuer->due & ~MAYDAY_DUE_OFFER);
  rescuer->state = MAYDAY_RESCUER_LISTENING;
}

/* The offer with this nonce, or NULL. */
static mayday_offered *find_offer(mayday_rescuer *rescuer, const uint8_t *rescuer_nonce) {
  for (unsigned i = 0; i < MAYDAY_RESCUER_OFFERS; i++) {
    mayday_offered *offered = &rescuer->offers[i];
    if (is_open(rescuer, offered) && mayday_equal(offered->rescuer_nonce, rescuer_nonce, MAYDAY_NONCE_LENGTH)) return offered;
  }
  return NULL;
}

static void accepted(mayday_rescuer *rescuer, const mayday_frame *answer) {
  mayday_offered *offered = find_offer(rescuer, answer->as.accept.rescuer_nonce);
  if (offered == NULL || !mayday_equal(offered->target_nonce, answer->as.accept.target_nonce, MAYDAY_NONCE_LENGTH)) return;
  mayday_rescuer_begin(rescuer, offered, answer);
  memset(rescuer->offers, 0, sizeof rescuer->offers);
  rescuer->offer = MAYDAY_NO_OFFER;
}

/* With a link key the proof of the answer is checked here, before anything follows from it (14.3). */
void mayday_rescuer_answer(mayday_rescuer *rescuer, const mayday_frame *answer) {
  mayday_offered *offered;
  switch (answer->kind) {
    case MAYDAY_ACCEPT:
      accepted(rescuer, answer);
      return;
    case MAYDAY_REFUSE:
      offered = find_offer(rescuer, answer->as.refuse.rescuer_nonce);
      if (offered == NULL) return;
      mayday_rescuer_remember(rescuer, offered->target_nonce, MAYDAY_REFUSED_IMAGE, MAYDAY_REFUSED_FOR_MS);
      drop_offer(rescuer, offered, MAYDAY_END_REFUSED, answer->as.refuse.reason);
      return;
    case MAYDAY_DEFER:
      offered = find_offer(rescuer, answer->as.defer.rescuer_nonce);
      if (offered == NULL) return;
      mayday_rescuer_remember_deferral(rescuer, offered->target_nonce, answer->as.defer.seconds);
      drop_offer(rescuer, offered, MAYDAY_END_DEFERRED, answer->as.defer.reason);
      return;
    case MAYDAY_STAND_DOWN:
      offered = find_offer(rescuer, answer->as.stand_down.rescuer_nonce);
      if (offered == NULL) return;
      mayday_rescuer_remember(rescuer, offered->target_nonce, MAYDAY_STOOD_DOWN, answer->as.stand_down.retry_ms);
      drop_offer(rescuer, offered, MAYDAY_END_STOOD_DOWN, 0);
      return;
    default:
      offered = find_offer(rescuer, answer->as.bye.rescuer_nonce);
      if (offered != NULL) drop_offer(rescuer, offered, MAYDAY_END_BYE, answer->as.bye.reason);
      return;
  }
}

void mayday_rescuer_offer_again(mayday_rescuer *rescuer) {
  mayday_time soonest = rescuer->offer_sent_at + MAYDAY_ANSWER_INTERVAL_MS;
  if (soonest < rescuer->now) soonest = rescuer->now;
  if (rescuer->offer != MAYDAY_NO_OFFER && soonest < rescuer->offer_at) rescuer->offer_at = soonest;
}

void mayday_rescuer_tend_offers(mayday_rescuer *rescuer) {
  if (rescuer->offer == MAYDAY_NO_OFFER) return;
  mayday_offered *offered = &rescuer->offers[rescuer->offer];
  if (!is_open(rescuer, offered)) {
    drop_offer(rescuer, offered, MAYDAY_END_UNANSWERED, 0);
  } else if (rescuer->now >= rescuer->offer_at) {
    uint32_t wait = mayday_repeat_ms(&rescuer->offers_said, mayday_turn_ms(&rescuer->rtt), MAYDAY_OFFER_INTERVAL_MS);
    rescuer->offer_at = rescuer->now + wait;
    rescuer->offer_sent_at = rescuer->now;
    mayday_rescuer_say(rescuer, MAYDAY_DUE_OFFER);
  }
}
