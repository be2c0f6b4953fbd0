/* What guards a link with a key: any state of the guard, of its seal and of what it remembers of handshakes, with any key or none. Frames
 * of a session of all lengths up to 64 and of the longest, any bytes, which lie at the end of their memory; messages with any proof
 * that the reader of frames may give, or none; each of the calls that a target makes. The reader of frames, the hash and the board are
 * stood in for. */
#include "any.h"

#include "base/sha256.h"
#include "linkkey/guard.h"
#include "linkkey/keys.h"
#include "session/calls.h"

#define EXACT_MAX 64u
#define MESSAGE_MAX 96u

static uint8_t heard[MAYDAY_FRAME_MAX], said[MESSAGE_MAX + MAYDAY_PROTECTION_MAX];
static mayday_board board;
static mayday_target target;

const mayday_hash *mayday_hash_of(const mayday_port *port) {
  (void)port;
  return &any_hash;
}

void mayday_hash_all(const mayday_hash *hash, const uint8_t *bytes, size_t length, uint8_t digest[32]) {
  (void)hash;
  //@ assert \valid_read(bytes + (0 .. length - 1));
  (void)bytes;
  (void)length;
  make_any(digest, 32);
}

uint32_t mayday_board_take_start(mayday_board *of) {
  (void)of;
  return any32();
}

void mayday_calls_ask(mayday_target *of) {
  (void)of;
}

bool mayday_frame_has_crc(const uint8_t *bytes, size_t length, uint32_t tag) {
  (void)tag;
  //@ assert length >= MAYDAY_FRAME_MIN && \valid_read(bytes + (0 .. length - 1));
  (void)bytes;
  (void)length;
  return any_bool();
}

mayday_fault mayday_frame_read(const uint8_t *body, size_t length, mayday_frame *out) {
  (void)out;
  //@ assert length > 0 && \valid_read(body + (0 .. length - 1));
  (void)body;
  (void)length;
  return (mayday_fault)Frama_C_interval(MAYDAY_FAULT_NONE, MAYDAY_FAULT_MALFORMED);
}

mayday_fault mayday_frame_parse(const uint8_t *bytes, size_t length, uint32_t tag, mayday_frame *out) {
  (void)tag;
  (void)out;
  //@ assert \valid_read(bytes + (0 .. length - 1));
  (void)bytes;
  (void)length;
  return (mayday_fault)Frama_C_interval(MAYDAY_FAULT_NONE, MAYDAY_FAULT_MALFORMED);
}

static bool any_random(void *context, uint8_t *bytes, size_t length) {
  (void)context;
  make_any(bytes, length);
  return any_bool();
}

/* The state before a call. A session that runs, or none. */
static void any_state(void) {
  mayday_guard *guard = &target.guard;
  target.tag = any32();
  target.session.state = (mayday_session_state)Frama_C_interval(MAYDAY_SESSION_NONE, MAYDAY_SESSION_ACCEPTING);
  make_any(target.boot_nonce, sizeof target.boot_nonce);
  make_any(target.session.rescuer_nonce, 8);
  make_any(target.session.rescuer_id, 8);
  make_any(target.session.digest, 8);
  guard->start = any32();
  guard->nonces = any32();
  make_any(guard->handshakes.calls, sizeof guard->handshakes.calls);
  make_any(guard->handshakes.spent, sizeof guard->handshakes.spent);
  guard->handshakes.call_count = Frama_C_unsigned_char_interval(0, MAYDAY_SENT_CALLS_MAX);
  guard->handshakes.spent_count = Frama_C_unsigned_char_interval(0, MAYDAY_SPENT_OFFERS_MAX);
  make_any(guard->target_nonce, 8);
  make_any(guard->accept_nonce, 8);
  make_any(guard->call_digest, 32);
  make_any(guard->seal.own_key, 32);
  make_any(guard->seal.peer_key, 32);
  guard->seal.seen = (uint64_t)any32() << 32 | any32();
  guard->seal.highest = any32();
  guard->seal.next = any32();
  guard->seal.is_exhausted = any_bool();
}

static void parse(size_t length) {
  mayday_frame frame;
  any_state();
  (void)mayday_guard_parse(&target, heard + sizeof heard - length, length, &frame);
}

/* A message with a proof of `length` bytes, which ends where its memory does; 0: a wrong one, or none. */
static void any_message(mayday_frame *out, uint16_t before, uint8_t length, const uint8_t *proof) {
  const uint8_t *bytes = heard + sizeof heard - before - length;
  out->proof = proof == NULL ? NULL : bytes + before;
  out->proof_length = length;
  out->proven_length = (uint16_t)(length == 0 ? 0 : before + length - MAYDAY_LINK_MAC_LENGTH);
}

/* An offer, as a target takes it. */
static void offered(uint16_t before, uint8_t length, const uint8_t *proof) {
  mayday_frame offer = {.kind = MAYDAY_OFFER};
  any_message(&offer, before, length, proof);
  offer.as.offer.rescuer_id = heard;
  offer.as.offer.rescuer_nonce = heard + 8;
  offer.as.offer.target_nonce = heard + 16;
  offer.as.offer.digest = heard + 24;
  any_state();
  if (mayday_guard_judge(&target, &offer, any_bool()) != MAYDAY_OFFER_GOOD) return;
  if (!mayday_guard_claim(&target, &offer)) return;
  mayday_guard_begin(&target, &offer);
}

static void bye(uint16_t before, uint8_t length, const uint8_t *proof) {
  mayday_frame message = {.kind = MAYDAY_BYE};
  any_message(&message, before, length, proof);
  any_state();
  (void)mayday_guard_believes(&target, &message);
}

/* Every message has room for what is put behind it (session.c of this folder). One about an offer follows a right proof of it. */
static void protect(mayday_frame_kind kind, bool is_about_offer) {
  static mayday_frame offer;
  size_t length = (size_t)Frama_C_interval(1, MESSAGE_MAX);
  any_state();
  any_message(&offer, 64, 16, heard);
  offer.as.offer.rescuer_id = heard;
  offer.as.offer.rescuer_nonce = heard + 8;
  offer.as.offer.target_nonce = heard + 16;
  offer.as.offer.digest = heard + 24;
  (void)mayday_guard_protect(&target, kind, is_about_offer ? &offer : NULL, said, length);
}

static void everything(void) {
  any_state();
  mayday_guard_start(&target);
  (void)mayday_guard_nonce(&target);
  //@ loop unroll EXACT_MAX + 1;
  for (size_t length = 0; length <= EXACT_MAX; length++) parse(length);
  parse(sizeof heard);
  //@ loop unroll 80;
  for (uint16_t before = 20; before < 90; before++) {
    offered(before, 16, heard);
    bye(before, 8, heard);
  }
  offered(52, 0, heard);
  offered(52, 0, NULL);
  bye(20, 0, heard);
  bye(20, 0, NULL);
  protect(MAYDAY_QUERY, false);
  protect(MAYDAY_DISTRESS, false);
  protect(MAYDAY_ACCEPT, false);
  protect(MAYDAY_BYE, false);
  protect(MAYDAY_REFUSE, true);
  protect(MAYDAY_STAND_DOWN, true);
  protect(MAYDAY_ACK, false);
}

int main(void) {
  static uint8_t link_key[MAYDAY_LINK_KEY_MAX];
  static mayday_identity identity;
  static mayday_port port = {.hash = &any_hash};
  static mayday_line line;
  make_any(link_key, sizeof link_key);
  make_any(heard, sizeof heard);
  make_any(said, sizeof said);
  make_any(identity.node_id, 8);
  port.random = any_bool() ? any_random : NULL;
  board.port = target.port = &port;
  board.identity = &identity;
  target.board = &board;
  target.line = &line;
  line.link_key_length = (uint16_t)Frama_C_interval(0, UINT16_MAX);
  if (mayday_guard_is_usable(&line)) everything();
  line.link_key = link_key;
  if (mayday_guard_is_usable(&line)) everything();
  return 0;
}
