#include "linkkey/guard.h"

#if MAYDAY_WITH_LINK_KEY

#include "base/sha256.h"
#include "linkkey/keys.h"
#include "linkkey/mac.h"
#include "session/calls.h"

static mayday_secret secret_of(const mayday_target *target) {
  mayday_secret secret;
  secret.hash = mayday_hash_of(target->port);
  secret.bytes = target->line->link_key;
  secret.length = target->line->link_key_length;
  return secret;
}

/* The running session. */
static void pair_session(const mayday_target *target, mayday_pairing *pairing) {
  pairing->target_nonce = target->guard.target_nonce;
  pairing->rescuer_nonce = target->session.rescuer_nonce;
  pairing->target_id = target->board->identity->node_id;
  pairing->rescuer_id = target->session.rescuer_id;
  pairing->digest = target->session.digest;
  pairing->call_digest = target->guard.call_digest;
}

/* The session that an offer with a proof would begin. `call_digest` is NULL when the offer answers no call. The name of one that
 * an offer proves is the first half of its proof. */
static void pair_offer(const mayday_target *target, const mayday_frame *offer, mayday_pairing *pairing) {
  pairing->target_nonce = offer->as.offer.target_nonce;
  pairing->rescuer_nonce = offer->as.offer.rescuer_nonce;
  pairing->target_id = target->board->identity->node_id;
  pairing->rescuer_id = offer->as.offer.rescuer_id;
  pairing->digest = offer->as.offer.digest;
  pairing->call_digest = offer->proof_length == 0 ? NULL : mayday_handshakes_find_call(&target->guard.handshakes, offer->proof);
}

bool mayday_guard_is_usable(const mayday_line *line) {
  if (line->link_key == NULL) return true;
  return line->link_key_length >= MAYDAY_LINK_KEY_MIN && line->link_key_length <= MAYDAY_LINK_KEY_MAX;
}

/* The next nonce of this start. After the last one nothing is said any more. */
static void take_nonce(mayday_target *target, uint8_t nonce[8]) {
  mayday_guard *guard = &target->guard;
  uint8_t random[MAYDAY_NONCE_LENGTH] = {0};
  const mayday_secret secret = secret_of(target);
  if (target->port->random != NULL) (void)target->port->random(target->port->context, random, sizeof random);
  mayday_link_key_nonce(&secret, target->board->identity->node_id, guard->start, guard->nonces, random, nonce);
  if (++guard->nonces == 0) guard->start = 0;
}

void mayday_guard_start(mayday_target *target) {
  if (!mayday_guard_is_keyed(target)) return;
  target->guard.start = mayday_board_take_start(target->board);
  take_nonce(target, target->boot_nonce);
}

static bool is_in_session(const mayday_target *target) {
  return target->session.state != MAYDAY_SESSION_NONE;
}

const uint8_t *mayday_guard_nonce(const mayday_target *target) {
  return mayday_guard_is_keyed(target) && is_in_session(target) ? target->guard.target_nonce : target->boot_nonce;
}

static size_t prove(const mayday_target *target, const mayday_pairing *pairing, const uint8_t *extra, uint8_t *bytes,
                    size_t length) {
  uint8_t key[32];
  const mayday_secret secret = secret_of(target);
  mayday_link_key_derive(&secret, pairing, NULL, MAYDAY_LINK_KEY_USE_TARGET_HANDSHAKE, key);
  return mayday_proof_put(secret.hash, key, extra, bytes, length);
}

size_t mayday_guard_protect(mayday_target *target, mayday_frame_kind kind, const mayday_frame *offer, uint8_t *bytes,
                            size_t length) {
  mayday_guard *guard = &target->guard;
  mayday_pairing pairing;
  if (!mayday_guard_is_keyed(target)) return length;
  if (guard->start == 0) return 0;
  switch (kind) {
    case MAYDAY_DISTRESS:
      mayday_handshakes_note_call(&guard->handshakes, mayday_hash_of(target->port), bytes, length);
      return length;
    case MAYDAY_QUERY:
    case MAYDAY_BEACON:
      return length;
    case MAYDAY_STAND_DOWN:
    case MAYDAY_DEFER:
    case MAYDAY_REFUSE:
    case MAYDAY_ACCEPT:
    case MAYDAY_BYE:
      break;
    default:
      return mayday_seal_put(&guard->seal, mayday_hash_of(target->port), bytes, length);
  }
  if (offer != NULL) pair_offer(target, offer, &pairing);
  else pair_session(target, &pairing);
  return prove(target, &pairing, kind == MAYDAY_ACCEPT ? guard->accept_nonce : NULL, bytes, length);
}

mayday_fault mayday_guard_parse(mayday_target *target, const uint8_t *bytes, size_t length, mayday_frame *out) {
  bool is_sealed = mayday_guard_is_keyed(target) && length > 0 && (bytes[0] & 15u) != MAYDAY_FRAME_CLASS_ANNOUNCE;
  if (!is_sealed) return mayday_frame_parse(bytes, length, target->tag, out);
  if (length < MAYDAY_FRAME_MIN) return MAYDAY_FAULT_TOO_SHORT;
  if (target->tag == 0 || !mayday_frame_has_crc(bytes, length, target->tag)) return MAYDAY_FAULT_BAD_CRC;
  length = mayday_seal_open(&target->guard.seal, mayday_hash_of(target->port), bytes, length - MAYDAY_CRC_LENGTH);
  if (length > 0) return mayday_frame_read(bytes, length, out);
  target->report.frames_unauthentic++;
  return MAYDAY_FAULT_UNAUTHENTIC;
}

static bool is_proven(const mayday_target *target, const mayday_pairing *pairing, const mayday_frame *message) {
  uint8_t key[32];
  const mayday_secret secret = secret_of(target);
  if (message->proof_length == 0) return false;
  mayday_link_key_derive(&secret, pairing, NULL, MAYDAY_LINK_KEY_USE_RESCUER_HANDSHAKE, key);
  return mayday_proof_is_right(secret.hash, key, message);
}

static mayday_offer_verdict mismatch(mayday_target *target, mayday_key_mismatch how) {
  target->report.mismatch = (uint8_t)how;
  return MAYDAY_OFFER_FOREIGN;
}

mayday_offer_verdict mayday_guard_judge(mayday_target *target, const mayday_frame *offer, bool is_own) {
  if (!mayday_guard_is_keyed(target))
    return offer->proof == NULL ? MAYDAY_OFFER_GOOD : mismatch(target, MAYDAY_MISMATCH_NO_KEY_HERE);
  if (offer->proof != NULL) {
    mayday_pairing pairing;
    if (is_own) pair_session(target, &pairing);
    else pair_offer(target, offer, &pairing);
    if (pairing.call_digest != NULL && is_proven(target, &pairing, offer)) return MAYDAY_OFFER_GOOD;
    target->report.frames_unauthentic++;
    return pairing.call_digest == NULL ? MAYDAY_OFFER_UNASKED : mismatch(target, MAYDAY_MISMATCH_KEYS_DIFFER);
  }
  target->report.frames_unauthentic++;
  return mismatch(target, MAYDAY_MISMATCH_NO_KEY_THERE);
}

bool mayday_guard_claim(mayday_target *target, const mayday_frame *offer) {
  if (!mayday_guard_is_keyed(target)) return true;
  mayday_claim claim = mayday_handshakes_claim(&target->guard.handshakes, offer->as.offer.rescuer_nonce);
  if (claim != MAYDAY_FULL) return claim == MAYDAY_CLAIMED;
  /* All offers to calls of before are void from now on. A session continues under its own nonce. */
  take_nonce(target, target->boot_nonce);
  if (!is_in_session(target)) mayday_calls_ask(target);
  return false;
}

void mayday_guard_begin(mayday_target *target, const mayday_frame *offer) {
  mayday_guard *guard = &target->guard;
  mayday_pairing pairing;
  if (!mayday_guard_is_keyed(target)) return;
  pair_offer(target, offer, &pairing);
  memcpy(guard->target_nonce, pairing.target_nonce, MAYDAY_NONCE_LENGTH);
  memcpy(guard->call_digest, pairing.call_digest, sizeof guard->call_digest);
  take_nonce(target, guard->accept_nonce);
  const mayday_secret secret = secret_of(target);
  mayday_link_key_derive(&secret, &pairing, guard->accept_nonce, MAYDAY_LINK_KEY_USE_TARGET_SESSION, guard->seal.own_key);
  mayday_link_key_derive(&secret, &pairing, guard->accept_nonce, MAYDAY_LINK_KEY_USE_RESCUER_SESSION, guard->seal.peer_key);
  mayday_seal_begin(&guard->seal);
}

bool mayday_guard_believes(mayday_target *target, const mayday_frame *bye) {
  mayday_pairing pairing;
  if (!mayday_guard_is_keyed(target)) return true;
  pair_session(target, &pairing);
  if (is_proven(target, &pairing, bye)) return true;
  target->report.frames_unauthentic++;
  return false;
}

#endif
