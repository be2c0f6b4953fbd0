/* The link key: vectors/link-key-v1.json completely, the window of counters, what handshakes remember, and what a target does
 * and says with a key that the vectors do not show (PROTOCOL.md 14). */
#include "base/bytes.h"
#include "base/hmac.h"
#include "base/sha256.h"
#include "check.h"
#include "json.h"
#include "linkkey/handshakes.h"
#include "linkkey/keys.h"
#include "linkkey/mac.h"
#include "linkkey/seal.h"
#include "wire/frame.h"

#if MAYDAY_WITH_LINK_KEY
#include "mayday/target.h"
#include "ram_flash.h"
#include "session/session.h"
#endif

#define FRAME_ROOM 160u

static const mayday_hash *const hash = &mayday_sha256;

static uint8_t link_key[64];
static mayday_secret secret;
static uint32_t session_tag;
static struct {
  uint8_t target_nonce[8], rescuer_nonce[8], target_id[8], rescuer_id[8], digest[8], call_digest[32], accept_nonce[8];
} id;
static mayday_pairing pairing;

static void hex(const json *object, const char *name, uint8_t *out, size_t length) {
  size_t got = json_hex(json_get(object, name), out, length);
  CHECK(got == length, "%s has %u bytes", name, (unsigned)length);
}

static void test_hkdf(const json *vectors) {
  JSON_EACH(vector, vectors) {
    uint8_t ikm[64], salt[64], info[64], okm[64], got[32];
    const char *name = json_text(vector, "name");
    mayday_hkdf hkdf;
    size_t length = json_hex(json_get(vector, "okm"), okm, sizeof okm);
    size_t info_length = json_hex(json_get(vector, "info"), info, sizeof info);
    mayday_hkdf_begin(&hkdf, hash, ikm, json_hex(json_get(vector, "ikm"), ikm, sizeof ikm), salt,
                      json_hex(json_get(vector, "salt"), salt, sizeof salt));
    mayday_hkdf_add(&hkdf, info, info_length);
    mayday_hkdf_end(&hkdf, got);
    CHECK(memcmp(got, okm, sizeof got) == 0, "HKDF gives the key of %s", name);
    /* The second block, which nothing but this vector needs. */
    static const uint8_t second_block = 2;
    mayday_hmac_begin(&hkdf.hmac, hash, hkdf.extracted, sizeof hkdf.extracted);
    mayday_hmac_add(&hkdf.hmac, got, sizeof got);
    mayday_hmac_add(&hkdf.hmac, info, info_length);
    mayday_hmac_add(&hkdf.hmac, &second_block, 1);
    mayday_hmac_end(&hkdf.hmac, got);
    CHECK(length > 32 && memcmp(got, okm + 32, length - 32) == 0, "and its second block is that of %s", name);
  }
}

static void test_hmac(const json *vectors) {
  JSON_EACH(vector, vectors) {
    uint8_t key[64], bytes[64], mac[32], got[32];
    mayday_hmac hmac;
    hex(vector, "mac", mac, sizeof mac);
    mayday_hmac_begin(&hmac, hash, key, json_hex(json_get(vector, "key"), key, sizeof key));
    mayday_hmac_add(&hmac, bytes, json_hex(json_get(vector, VECTOR_BYTES), bytes, sizeof bytes));
    mayday_hmac_end(&hmac, got);
    CHECK(memcmp(got, mac, sizeof mac) == 0, "HMAC gives the MAC of %s", json_text(vector, "name"));
  }
}

static void test_calls(const json *vectors) {
  mayday_handshakes handshakes;
  memset(&handshakes, 0, sizeof handshakes);
  JSON_EACH(vector, vectors) {
    uint8_t frame[FRAME_ROOM], digest[32];
    const char *name = json_text(vector, "name");
    size_t length = json_hex(json_get(vector, "frameHex"), frame, sizeof frame);
    mayday_frame read;
    hex(vector, "digest", digest, sizeof digest);
    CHECK(mayday_frame_parse(frame, length, 0, &read) == MAYDAY_FAULT_NONE && read.kind == MAYDAY_DISTRESS, "%s is a distress", name);
    CHECK((read.as.beacon.flags & MAYDAY_BEACON_FLAG_LINK_KEY) != 0, "%s says that its sender has a link key", name);
    CHECK(mayday_handshakes_find_call(&handshakes, digest) == NULL, "%s is not known before it is sent", name);
    mayday_handshakes_note_call(&handshakes, hash, frame, length - MAYDAY_CRC_LENGTH);
    const uint8_t *found = mayday_handshakes_find_call(&handshakes, digest);
    CHECK(found != NULL && memcmp(found, digest, sizeof digest) == 0, "the digest of %s is found by its first 8 bytes", name);
  }
}

/* By the names of the vectors. */
static uint8_t use_of(const char *name) {
  static const char *const names[] = {"targetHandshake", "rescuerHandshake", "targetSession", "rescuerSession"};
  for (uint8_t i = 0; i < 4; i++)
    if (strcmp(name, names[i]) == 0) return (uint8_t)(i + 1u);
  CHECK(false, "%s is a use of a key", name);
  return 0;
}

static void derive(uint8_t use, uint8_t key[32]) {
  bool is_of_session = use == MAYDAY_LINK_KEY_USE_TARGET_SESSION || use == MAYDAY_LINK_KEY_USE_RESCUER_SESSION;
  mayday_link_key_derive(&secret, &pairing, is_of_session ? id.accept_nonce : NULL, use, key);
}

static void test_keys(const json *vectors) {
  unsigned count = 0;
  JSON_EACH(vector, vectors) {
    uint8_t salt[24], info[80], okm[32], got[32];
    const char *name = json_text(vector, "use");
    hex(vector, "okm", okm, sizeof okm);
    derive(use_of(name), got);
    CHECK(memcmp(got, okm, sizeof okm) == 0, "the key of %s is that of the vectors", name);
    mayday_hkdf hkdf;
    mayday_hkdf_begin(&hkdf, hash, secret.bytes, secret.length, salt, json_hex(json_get(vector, "salt"), salt, sizeof salt));
    mayday_hkdf_add(&hkdf, info, json_hex(json_get(vector, "info"), info, sizeof info));
    mayday_hkdf_end(&hkdf, got);
    CHECK(memcmp(got, okm, sizeof okm) == 0, "so is that of the salt and info of %s", name);
    count++;
  }
  CHECK(count == 4, "there are four uses, and %u vectors", count);
}

static void test_handshake(const json *vectors) {
  JSON_EACH(vector, vectors) {
    uint8_t frame[FRAME_ROOM], again[FRAME_ROOM], own[32], others[32];
    const char *name = json_text(vector, "name");
    bool is_target = strcmp(json_text(vector, "sender"), "target") == 0;
    size_t length = json_hex(json_get(vector, "frameHex"), frame, sizeof frame);
    mayday_frame read;
    derive(is_target ? MAYDAY_LINK_KEY_USE_TARGET_HANDSHAKE : MAYDAY_LINK_KEY_USE_RESCUER_HANDSHAKE, own);
    derive(is_target ? MAYDAY_LINK_KEY_USE_RESCUER_HANDSHAKE : MAYDAY_LINK_KEY_USE_TARGET_HANDSHAKE, others);
    mayday_fault fault = mayday_frame_parse(frame, length, 0, &read);
    CHECK(fault == MAYDAY_FAULT_NONE && read.proof != NULL, "%s is read, and has a proof", name);
    if (fault != MAYDAY_FAULT_NONE || read.proof == NULL) continue;
    CHECK(mayday_proof_is_right(hash, own, &read), "the proof of %s is right", name);
    CHECK(!mayday_proof_is_right(hash, others, &read), "the proof of %s is wrong under the key of the other side", name);
    const uint8_t *extra = read.proof_length > MAYDAY_LINK_MAC_LENGTH ? read.proof : NULL;
    if (read.kind == MAYDAY_OFFER) CHECK(extra != NULL && memcmp(extra, id.call_digest, 8) == 0, "%s names its call", name);
    if (read.kind == MAYDAY_ACCEPT) CHECK(extra != NULL && memcmp(extra, id.accept_nonce, 8) == 0, "%s has the accept nonce", name);
    size_t bare = mayday_frame_write(&read, again, sizeof again - MAYDAY_PROOF_MAX - MAYDAY_CRC_LENGTH);
    size_t proven = mayday_proof_put(hash, own, extra, again, bare);
    CHECK(mayday_frame_close(again, proven, 0) == length && memcmp(again, frame, length) == 0, "%s is written as the vectors have it", name);
    for (size_t bit = 0; bit < 8 * (length - MAYDAY_CRC_LENGTH); bit += 5) {
      memcpy(again, frame, length);
      again[bit / 8] = (uint8_t)(again[bit / 8] ^ 1u << bit % 8);
      mayday_frame_close(again, length - MAYDAY_CRC_LENGTH, 0);
      bool is_right = mayday_frame_parse(again, length, 0, &read) == MAYDAY_FAULT_NONE && read.proof != NULL &&
                      mayday_proof_is_right(hash, own, &read);
      CHECK(!is_right, "the proof of %s with bit %u the other way is wrong", name, (unsigned)bit);
    }
  }
}

/* The seals of a sender, and of who receives from it. */
static void begin_seals(mayday_seal *sender, mayday_seal *receiver, bool is_target) {
  derive(is_target ? MAYDAY_LINK_KEY_USE_TARGET_SESSION : MAYDAY_LINK_KEY_USE_RESCUER_SESSION, sender->own_key);
  derive(is_target ? MAYDAY_LINK_KEY_USE_RESCUER_SESSION : MAYDAY_LINK_KEY_USE_TARGET_SESSION, sender->peer_key);
  memcpy(receiver->own_key, sender->peer_key, sizeof receiver->own_key);
  memcpy(receiver->peer_key, sender->own_key, sizeof receiver->peer_key);
  mayday_seal_begin(sender);
  mayday_seal_begin(receiver);
}

static void test_sealed(const json *vectors) {
  mayday_seal senders[2], receivers[2];
  for (int side = 0; side < 2; side++) begin_seals(&senders[side], &receivers[side], side == 0);
  JSON_EACH(vector, vectors) {
    uint8_t frame[FRAME_ROOM], again[FRAME_ROOM];
    const char *name = json_text(vector, "name");
    int side = strcmp(json_text(vector, "sender"), "target") == 0 ? 0 : 1;
    size_t length = json_hex(json_get(vector, "frameHex"), frame, sizeof frame);
    size_t sealed = length - MAYDAY_CRC_LENGTH, bare = sealed - MAYDAY_SEAL_LENGTH;
    CHECK(mayday_frame_has_crc(frame, length, session_tag), "%s has its CRC", name);
    CHECK(mayday_seal_open(&receivers[1 - side], hash, frame, sealed) == 0, "%s is not taken by its own sender", name);
    for (size_t bit = 0; bit < 8 * sealed; bit++) {
      memcpy(again, frame, length);
      again[bit / 8] = (uint8_t)(again[bit / 8] ^ 1u << bit % 8);
      CHECK(mayday_seal_open(&receivers[side], hash, again, sealed) == 0, "%s with bit %u the other way is not taken", name, (unsigned)bit);
    }
    for (size_t cut = 0; cut < sealed; cut++)
      CHECK(mayday_seal_open(&receivers[side], hash, frame, cut) == 0, "%s is not taken when only %u bytes came", name, (unsigned)cut);
    mayday_frame read;
    CHECK(mayday_seal_open(&receivers[side], hash, frame, sealed) == bare, "%s is taken after all that", name);
    CHECK(mayday_frame_read(frame, bare, &read) == MAYDAY_FAULT_NONE, "%s is read without its seal", name);
    CHECK(mayday_seal_open(&receivers[side], hash, frame, sealed) == 0, "%s is not taken once more", name);
    CHECK(senders[side].next == json_u64(vector, "counter"), "%s is the next one of its sender", name);
    size_t written = mayday_frame_write(&read, again, sizeof again);
    written = mayday_seal_put(&senders[side], hash, again, written);
    CHECK(mayday_frame_close(again, written, session_tag) == length && memcmp(again, frame, length) == 0,
          "%s is written as the vectors have it", name);
  }
}

static void test_nonces(const json *vectors) {
  JSON_EACH(vector, json_get(vectors, "of")) {
    uint8_t random[8], nonce[8], got[8];
    hex(vector, "random", random, sizeof random);
    hex(vector, "nonce", nonce, sizeof nonce);
    uint32_t start = (uint32_t)json_u64(vector, "start"), index = (uint32_t)json_u64(vector, "index");
    mayday_link_key_nonce(&secret, id.target_id, start, index, random, got);
    CHECK(memcmp(got, nonce, sizeof nonce) == 0, "nonce %u of start %u is that of the vectors", (unsigned)index, (unsigned)start);
  }
  uint8_t okm[32], got[32];
  hex(vectors, "okm", okm, sizeof okm);
  mayday_hkdf hkdf;
  mayday_hkdf_begin(&hkdf, hash, secret.bytes, secret.length, id.target_id, 8);
  mayday_hkdf_add(&hkdf, "mayday nonce 1", 14);
  mayday_hkdf_end(&hkdf, got);
  CHECK(memcmp(got, okm, sizeof okm) == 0, "the key of nonces is that of the vectors");
}

/* Whether a frame with this counter is taken. */
static bool takes(mayday_seal *sender, mayday_seal *receiver, uint32_t counter) {
  uint8_t frame[32] = {0x12};
  sender->next = counter;
  sender->is_exhausted = false;
  size_t length = mayday_seal_put(sender, hash, frame, 9);
  return mayday_seal_open(receiver, hash, frame, length) == 9;
}

static void test_window(void) {
  mayday_seal sender, receiver;
  begin_seals(&sender, &receiver, true);
  CHECK(takes(&sender, &receiver, 100), "the first counter may be any");
  CHECK(takes(&sender, &receiver, 37), "a counter 63 below the highest is taken");
  CHECK(!takes(&sender, &receiver, 37), "it is taken once");
  CHECK(!takes(&sender, &receiver, 36), "a counter 64 below the highest is not taken");
  CHECK(takes(&sender, &receiver, 101), "the next one is taken");
  CHECK(!takes(&sender, &receiver, 37), "the window moved on");
  CHECK(takes(&sender, &receiver, 99) && !takes(&sender, &receiver, 99) && !takes(&sender, &receiver, 100), "each within it is taken once");
  CHECK(takes(&sender, &receiver, 165) && takes(&sender, &receiver, 102) && !takes(&sender, &receiver, 101),
        "64 further on nothing of the old window is left");
  CHECK(takes(&sender, &receiver, 5000) && !takes(&sender, &receiver, 5000) && takes(&sender, &receiver, 4999) &&
            !takes(&sender, &receiver, 165),
        "so it is far ahead");
  CHECK(takes(&sender, &receiver, UINT32_MAX) && takes(&sender, &receiver, UINT32_MAX - 63u) &&
            !takes(&sender, &receiver, UINT32_MAX - 64u) && !takes(&sender, &receiver, 0),
        "at its end the counter does not start over");
  begin_seals(&sender, &receiver, true);
  CHECK(takes(&sender, &receiver, 0) && !takes(&sender, &receiver, 0) && takes(&sender, &receiver, 1), "0 is taken once");
  uint8_t frame[32] = {0x12};
  sender.next = UINT32_MAX;
  CHECK(mayday_seal_put(&sender, hash, frame, 9) == 21, "the last counter is used");
  CHECK(mayday_seal_put(&sender, hash, frame, 9) == 0, "after it nothing is sealed any more");
  begin_seals(&sender, &receiver, true);
  CHECK(mayday_seal_put(&sender, hash, frame, 0) == 12, "a seal of nothing has 12 bytes");
  CHECK(mayday_seal_open(&receiver, hash, frame, 12) == 0 && receiver.seen == 0, "it is no frame, and takes no counter");
}

/* `calls`: digits, each a call; `known`: those that are remembered in the end. */
static void test_calls_in_order(const char *calls, const char *known) {
  mayday_handshakes handshakes;
  memset(&handshakes, 0, sizeof handshakes);
  for (const char *call = calls; *call != 0; call++)
    mayday_handshakes_note_call(&handshakes, hash, (const uint8_t *)call, 1);
  for (uint8_t call = '0'; call <= '5'; call++) {
    uint8_t digest[32];
    mayday_hash_all(hash, &call, 1, digest);
    bool is_known = mayday_handshakes_find_call(&handshakes, digest) != NULL;
    CHECK(is_known == (strchr(known, call) != NULL), "of the calls %s, those of %s are known, and %c is%s", calls, known, call,
          is_known ? "" : " not");
  }
}

static void test_handshakes(void) {
  mayday_handshakes handshakes;
  test_calls_in_order("0123104", "0134");
  test_calls_in_order("01231334", "1234");
  test_calls_in_order("00", "0");
  memset(&handshakes, 0, sizeof handshakes);
  uint8_t nonce[8] = {0};
  for (nonce[3] = 0; nonce[3] < MAYDAY_SPENT_OFFERS_MAX; nonce[3]++)
    CHECK(mayday_handshakes_claim(&handshakes, nonce) == MAYDAY_CLAIMED, "offer %u may be taken", nonce[3]);
  for (nonce[3] = 0; nonce[3] < MAYDAY_SPENT_OFFERS_MAX; nonce[3]++)
    CHECK(mayday_handshakes_claim(&handshakes, nonce) == MAYDAY_SPENT, "offer %u is spent", nonce[3]);
  CHECK(mayday_handshakes_claim(&handshakes, nonce) == MAYDAY_FULL, "one more cannot be remembered");
  CHECK(mayday_handshakes_claim(&handshakes, nonce) == MAYDAY_CLAIMED, "after that all are forgotten");
}

#if MAYDAY_WITH_LINK_KEY

static uint8_t memory_of_flash[1u << 17];
static struct {
  ram_flash flash;
  mayday_port port;
  mayday_line line;
  mayday_layout layout;
  mayday_identity identity;
  mayday_board board;
  mayday_target target;
  uint32_t now;
  bool has_random;
  /* What the target sent last, but for busy and acks, and how many frames of each first two bytes. */
  uint8_t call[FRAME_ROOM], said[FRAME_ROOM];
  size_t call_length, said_length;
  unsigned frames;
  uint8_t frame[MAYDAY_FRAME_ROOM(256)];
  uint8_t blocks[MAYDAY_BLOCK_ROOM(1024)];
} rig;

static const mayday_sectors sectors = {32, 4096};
static const uint8_t rescuer_id[8] = {'r', 'e', 's', 'c', 'u', 'e', 'r', '1'};
static const uint8_t digest[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static uint32_t now_ms(void *context) {
  (void)context;
  return rig.now;
}

static bool no_random(void *context, uint8_t *bytes, size_t length) {
  (void)context;
  memset(bytes, 0x55, length);
  return rig.has_random;
}

static bool keep(void *context, const uint8_t *frame, size_t length) {
  (void)context;
  bool is_call = frame[0] == 0x10 && frame[1] == MAYDAY_ANNOUNCE_TYPE_DISTRESS;
  memcpy(is_call ? rig.call : rig.said, frame, length);
  if (is_call) rig.call_length = length;
  else rig.said_length = length;
  rig.frames++;
  return true;
}

static bool power_on(uint16_t key_length, long fails_in) {
  rig.flash.fails_in = -1;
  CHECK(mayday_board_open(&rig.board, &rig.port, &rig.layout, &rig.identity, rig.blocks), "the board opens");
  rig.flash.fails_in = fails_in;
  rig.line.link_key = key_length == 0 ? NULL : link_key;
  rig.line.link_key_length = key_length;
  rig.call_length = rig.said_length = rig.frames = 0;
  const mayday_memory memory = {.frame = rig.frame, .frame_size = sizeof rig.frame, .blocks = rig.blocks, .blocks_size = sizeof rig.blocks};
  return mayday_target_init(&rig.target, &rig.board, &rig.line, &memory, false);
}

static void set_up(void) {
  memset(&rig, 0, sizeof rig);
  memset(memory_of_flash, 0xff, sizeof memory_of_flash);
  rig.flash.bytes = memory_of_flash;
  rig.flash.size = sizeof memory_of_flash;
  rig.flash.erased = 0xff;
  rig.flash.write_unit = 8;
  rig.port = ram_port(&rig.flash);
  rig.port.now_ms = now_ms;
  rig.port.random = no_random;
  rig.layout.sectors = &sectors;
  rig.layout.sector_runs = 1;
  rig.layout.erased = 0xff;
  rig.layout.write_unit = 8;
  rig.layout.recovery_size = 8192;
  rig.layout.slot_size = 32768;
  memcpy(rig.identity.node_id, id.target_id, 8);
  rig.identity.vendor = "acme";
  rig.identity.hardware_class = "gate";
  rig.identity.is_unsigned_allowed = true;
  rig.line.rto_floor_ms = 10;
  rig.line.send_frame = keep;
  CHECK(mayday_layout_is_right(&rig.layout), "the layout is right");
}

static void pass(uint32_t ms) {
  for (uint32_t i = 0; i < ms; i++) {
    rig.now++;
    (void)mayday_target_poll(&rig.target);
  }
}

/* The key of the target's answers to the last offer. */
static uint8_t answer_key[32];

/* A proven offer to the last call, which the target gets; `number` makes its nonce. */
static void offer(uint8_t number, uint8_t spoil) {
  uint8_t frame[FRAME_ROOM], call[32], key[32], nonce[8] = {0};
  mayday_frame read, made;
  memset(&made, 0, sizeof made);
  CHECK(mayday_frame_parse(rig.call, rig.call_length, 0, &read) == MAYDAY_FAULT_NONE, "the target has called");
  mayday_hash_all(hash, rig.call, rig.call_length - MAYDAY_CRC_LENGTH, call);
  nonce[0] = number;
  mayday_pairing about = {read.as.beacon.boot_nonce, nonce, id.target_id, rescuer_id, digest, call};
  made.kind = MAYDAY_OFFER;
  made.as.offer.rescuer_id = rescuer_id;
  made.as.offer.rescuer_nonce = nonce;
  made.as.offer.target_nonce = about.target_nonce;
  made.as.offer.digest = digest;
  made.as.offer.block_log2 = 10;
  mayday_link_key_derive(&secret, &about, NULL, MAYDAY_LINK_KEY_USE_RESCUER_HANDSHAKE, key);
  mayday_link_key_derive(&secret, &about, NULL, MAYDAY_LINK_KEY_USE_TARGET_HANDSHAKE, answer_key);
  size_t length = mayday_frame_write(&made, frame, sizeof frame);
  length = mayday_proof_put(hash, key, call, frame, length);
  frame[length - 1] = (uint8_t)(frame[length - 1] ^ spoil);
  rig.said_length = 0;
  mayday_target_frame(&rig.target, frame, mayday_frame_close(frame, length, 0));
}

static bool has_said(uint8_t type) {
  return rig.said_length > 1 && rig.said[0] == 0x10 && rig.said[1] == type;
}

/* The same, with a right proof about the last offer. */
static bool has_proven(uint8_t type) {
  mayday_frame read;
  return has_said(type) && mayday_frame_parse(rig.said, rig.said_length, 0, &read) == MAYDAY_FAULT_NONE && read.proof != NULL &&
         mayday_proof_is_right(hash, answer_key, &read);
}

static void test_key_lengths(void) {
  set_up();
  CHECK(power_on(0, -1), "a target without a key starts");
  CHECK(rig.flash.programs == 0 && rig.flash.erases == 0, "it writes nothing");
  CHECK(!power_on(15, -1), "a key of 15 bytes is too short");
  CHECK(!power_on(1025, -1), "a key of 1025 bytes is too long");
  CHECK(power_on(16, -1), "a key of 16 bytes is long enough");
  CHECK(rig.flash.programs > 0, "with a key the number of the start is written");
}

static void test_starts(void) {
  uint8_t nonces[5][8];
  set_up();
  for (int i = 0; i < 5; i++) {
    rig.has_random = i > 2;
    CHECK(power_on(16, -1), "the target starts");
    CHECK(rig.target.guard.start == (uint32_t)i + 1u, "start %d takes its number", i + 1);
    memcpy(nonces[i], rig.target.boot_nonce, 8);
    for (int j = 0; j < i; j++) CHECK(memcmp(nonces[i], nonces[j], 8) != 0, "starts %d and %d have different boot nonces", j + 1, i + 1);
  }
}

static void test_no_number(void) {
  set_up();
  for (long fails_in = 0; fails_in < 2; fails_in++) {
    CHECK(power_on(16, fails_in), "a target whose flash fails starts all the same");
    CHECK(rig.target.guard.start == 0, "it has no number of this start");
    pass(3000);
    CHECK(rig.frames == 0, "it says nothing, and not %u frames", rig.frames);
    uint8_t query[FRAME_ROOM];
    mayday_frame made;
    memset(&made, 0, sizeof made);
    made.kind = MAYDAY_QUERY;
    made.as.query.node_id = rescuer_id;
    made.as.query.boot_nonce = digest;
    mayday_target_frame(&rig.target, query, mayday_frame_close(query, mayday_frame_write(&made, query, sizeof query), 0));
    pass(3000);
    CHECK(rig.frames == 0, "nor to who asks");
  }
  CHECK(power_on(0, 0), "without a key it needs none");
  pass(3000);
  CHECK(rig.frames > 0, "and calls");
}

static void test_offers(void) {
  set_up();
  CHECK(power_on(16, -1), "the target starts");
  pass(10);
  offer(1, 1);
  CHECK(has_said(MAYDAY_ANNOUNCE_TYPE_REFUSE) && rig.said_length == 31, "an offer with a wrong proof is refused, without a proof");
  CHECK(rig.target.report.mismatch == MAYDAY_MISMATCH_KEYS_DIFFER && rig.target.report.refused == MAYDAY_REFUSAL_CODE_LINK_KEY,
        "it is reported that the keys differ");
  CHECK(rig.target.report.sessions == 0 && rig.target.report.frames_unauthentic == 1, "it begins nothing, and is counted");
  uint8_t call[FRAME_ROOM];
  memcpy(call, rig.call, sizeof call);
  rig.call[28] ^= 0x20; /* a flag */
  mayday_frame_close(rig.call, rig.call_length - MAYDAY_CRC_LENGTH, 0);
  offer(1, 0);
  CHECK(rig.said_length == 0 && rig.target.report.frames_unauthentic == 2, "an offer to a call that was not sent is ignored, and counted");
  memcpy(rig.call, call, sizeof call);
  offer(1, 0);
  CHECK(has_proven(MAYDAY_ANNOUNCE_TYPE_ACCEPT) && rig.said_length == 52, "a proven offer is accepted, with a proof");
  uint8_t accept[FRAME_ROOM];
  memcpy(accept, rig.said, sizeof accept);
  offer(1, 0);
  CHECK(has_said(MAYDAY_ANNOUNCE_TYPE_ACCEPT) && memcmp(rig.said, accept, 52) == 0, "the same offer again gets the same accept");
  CHECK(rig.target.report.sessions == 1, "and begins no other session");
  offer(2, 1);
  CHECK(rig.said_length == 0 && rig.target.report.frames_unauthentic == 3, "in a session an offer with a wrong proof gets no answer");
  /* Others in the session, more than are remembered: a new boot nonce, and the session continues under its own. */
  uint8_t first[8], own[8];
  memcpy(first, rig.target.boot_nonce, 8);
  memcpy(own, rig.target.guard.target_nonce, 8);
  CHECK(memcmp(first, own, 8) == 0, "the session began under the boot nonce");
  for (uint8_t i = 2; i < 2 + MAYDAY_SPENT_OFFERS_MAX; i++) {
    offer(i, 0);
    CHECK(has_proven(MAYDAY_ANNOUNCE_TYPE_STAND_DOWN) && rig.said_length == 42, "offer %u is stood down, with a proof", i);
  }
  CHECK(memcmp(first, rig.target.boot_nonce, 8) != 0, "there is another boot nonce");
  CHECK(memcmp(own, rig.target.guard.target_nonce, 8) == 0 && rig.target.session.state == MAYDAY_SESSION_ACCEPTING, "the session continues");
  /* The call that it answered may be forgotten by then. */
  for (uint8_t i = 0; i < MAYDAY_SENT_CALLS_MAX; i++) mayday_handshakes_note_call(&rig.target.guard.handshakes, hash, &i, 1);
  offer(1, 0);
  CHECK(has_said(MAYDAY_ANNOUNCE_TYPE_ACCEPT) && memcmp(rig.said, accept, 52) == 0, "its own offer is still answered, under its nonce");
  offer(250, 0);
  CHECK(rig.said_length == 0, "other offers to calls of before are void");
  offer(1, 0);
  mayday_target_stop(&rig.target);
  mayday_frame read;
  CHECK(has_proven(MAYDAY_ANNOUNCE_TYPE_BYE) && mayday_frame_parse(rig.said, rig.said_length, 0, &read) == MAYDAY_FAULT_NONE, "it says bye");
  CHECK(memcmp(read.as.bye.target_nonce, own, 8) == 0, "under the nonce of the session");
}

/* Spent offers begin no session, in the same start. */
static void test_spent(void) {
  set_up();
  CHECK(power_on(16, -1), "the target starts");
  pass(10);
  for (uint8_t i = 1; i <= MAYDAY_SPENT_OFFERS_MAX; i++) {
    offer(i, 0);
    CHECK(has_said(MAYDAY_ANNOUNCE_TYPE_ACCEPT), "offer %u is accepted", i);
    mayday_session_lose(&rig.target, MAYDAY_LOSS_OTHER);
    pass(400);
  }
  for (uint8_t i = 1; i <= MAYDAY_SPENT_OFFERS_MAX; i++) {
    offer(i, 0);
    CHECK(rig.said_length == 0 && rig.target.session.state == MAYDAY_SESSION_NONE, "offer %u is spent", i);
  }
  uint8_t first[8];
  memcpy(first, rig.target.boot_nonce, 8);
  offer(250, 0);
  CHECK(rig.said_length == 0 && memcmp(first, rig.target.boot_nonce, 8) != 0, "one more is not accepted, and changes the boot nonce");
  pass(2);
  CHECK(memcmp(rig.call + 10, rig.target.boot_nonce, 8) == 0, "the target calls at once under the new one");
  offer(1, 0);
  CHECK(has_said(MAYDAY_ANNOUNCE_TYPE_ACCEPT), "an offer to that call is accepted");
}

static void test_exhausted(void) {
  set_up();
  CHECK(power_on(16, -1), "the target starts");
  pass(10);
  offer(1, 0);
  rig.target.guard.nonces = UINT32_MAX;
  mayday_session_lose(&rig.target, MAYDAY_LOSS_OTHER);
  pass(400);
  offer(2, 0);
  CHECK(rig.said_length == 0 && rig.target.guard.start == 0, "with the last nonce of its start the target falls silent");
  unsigned frames = rig.frames;
  pass(20000);
  CHECK(rig.frames == frames, "for good");
}

static void test_target(void) {
  test_key_lengths();
  test_starts();
  test_no_number();
  test_offers();
  test_spent();
  test_exhausted();
}

#else

static void test_target(void) {}

#endif

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  const json *file = json_load(argv[1], "link-key-v1.json");
  const json *identity = json_get(file, "identity");
  CHECK(json_u64(file, "protocolVersion") == MAYDAY_PROTOCOL_VERSION, "the vectors are of this version");
  secret.hash = hash;
  secret.bytes = link_key;
  secret.length = json_hex(json_get(file, "linkKey"), link_key, sizeof link_key);
  CHECK(secret.length == 16, "the key of the vectors has 16 bytes");
  session_tag = (uint32_t)json_u64(file, "sessionTag");
  hex(identity, "targetNonce", id.target_nonce, 8);
  hex(identity, "rescuerNonce", id.rescuer_nonce, 8);
  hex(identity, "targetId", id.target_id, 8);
  hex(identity, "rescuerId", id.rescuer_id, 8);
  hex(identity, "digest", id.digest, 8);
  hex(identity, "callDigest", id.call_digest, 32);
  hex(file, "acceptNonce", id.accept_nonce, 8);
  const mayday_pairing of_vectors = {id.target_nonce, id.rescuer_nonce, id.target_id, id.rescuer_id, id.digest, id.call_digest};
  pairing = of_vectors;
  CHECK(mayday_session_tag(id.target_nonce, id.rescuer_nonce, id.target_id, id.rescuer_id, id.digest) == session_tag,
        "the tag is that of the vectors");
  test_hkdf(json_get(file, "hkdf"));
  test_hmac(json_get(file, "hmac"));
  test_calls(json_get(file, "calls"));
  test_keys(json_get(file, "keys"));
  test_handshake(json_get(file, "handshake"));
  test_sealed(json_get(file, "sealed"));
  test_nonces(json_get(file, "nonces"));
  test_window();
  test_handshakes();
  test_target();
  return check_end("the link key, vectors/link-key-v1.json and beyond");
}
