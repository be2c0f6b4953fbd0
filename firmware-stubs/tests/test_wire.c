/* Frames and COBS (PROTOCOL.md 2.1, 3 to 5), by wire-v1.json, and by the vectors of what this side skips. */
#include "check.h"
#include "json.h"
#include "wire/cobs.h"
#include "wire/frame.h"

#include <stdlib.h>

#define ROOM 4200u

static const char *const kinds[] = {"query",     "beacon", "distress", "offer", "accept", "standDown", "refuse", "bye",  "defer",
                                    "none",      "ack",    "grant",    "request", "busy", "done",      "later",  "doneAck", "object",
                                    "probe",     "data"};
static const mayday_frame_kind numbers[] = {
    MAYDAY_QUERY, MAYDAY_BEACON, MAYDAY_DISTRESS, MAYDAY_OFFER, MAYDAY_ACCEPT, MAYDAY_STAND_DOWN, MAYDAY_REFUSE,
    MAYDAY_BYE,   MAYDAY_DEFER,  MAYDAY_NONE,     MAYDAY_ACK,   MAYDAY_GRANT,  MAYDAY_REQUEST,    MAYDAY_BUSY,
    MAYDAY_DONE,  MAYDAY_LATER,  MAYDAY_DONE_ACK, MAYDAY_OBJECT, MAYDAY_PROBE, MAYDAY_DATA};

/* Numbers of names, in the order of their codes, from 1. */
static const char *const failures[] = {"empty", "receiving", "hash", "signature", "manifest", "counter", "hardware", "reverted"};
static const char *const refusals[] = {"signature", "unsigned", "hardware", "version",     "counter",  "size",  "block-size",
                                       "role",      "manifest", "healthy",  "quarantined", "protocol", "flash", "link-key"};
static const char *const deferrals[] = {"begun", "wear"};

#define CODE_OF(names, text) code_of(names, sizeof(names) / sizeof(names)[0], text)

/* 255 for what is no name of the list. */
static uint8_t code_of(const char *const *names, size_t count, const char *text) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(names[i], text) == 0) return (uint8_t)(i + 1);
  }
  return 255;
}

static uint8_t *copy_hex(const json *text, size_t *length) {
  static uint8_t bytes[ROOM];
  *length = json_hex(text, bytes, sizeof bytes);
  uint8_t *copy = malloc(*length + 1);
  memcpy(copy, bytes, *length);
  return copy;
}

static const uint8_t *bytes_of(const json *from, const char *name) {
  static const uint8_t zeros[8];
  size_t length;
  const json *text = json_find(from, name);
  return text == NULL ? zeros : copy_hex(text, &length);
}

static bool flag_of(const json *from, const char *name) {
  const json *flag = json_find(from, name);
  return flag != NULL && flag->kind == JSON_TRUE;
}

static mayday_version version_of(const json *from) {
  const json *version = json_get(from, "version");
  return (mayday_version){(uint16_t)json_u64(version, "major"), (uint16_t)json_u64(version, "minor"),
                          (uint16_t)json_u64(version, "patch")};
}

static uint8_t number_of(const json *from, const char *name) {
  return (uint8_t)json_u64(from, name);
}

static void fill_beacon(const json *from, mayday_frame *out) {
  const json *failure = json_find(from, "failure");
  out->as.beacon.node_id = bytes_of(from, "nodeId");
  out->as.beacon.boot_nonce = bytes_of(from, "bootNonce");
  out->as.beacon.hardware_id = bytes_of(from, "hardwareId");
  out->as.beacon.revision = (uint16_t)json_u64(from, "revision");
  out->as.beacon.failure = failure == NULL ? 0 : CODE_OF(failures, failure->text);
  out->as.beacon.version = version_of(from);
  out->as.beacon.sequence = json_u64(from, "sequence");
  out->as.beacon.floor = (uint32_t)json_u64(from, "counterFloor");
  out->as.beacon.installed = bytes_of(from, "installedDigest");
  out->as.beacon.receiving = bytes_of(from, "receivingDigest");
  out->as.beacon.flags = (uint8_t)((failure == NULL ? MAYDAY_BEACON_FLAG_BOOTABLE : 0u) |
                                   (flag_of(from, "isProvider") ? MAYDAY_BEACON_FLAG_PROVIDER : 0u) |
                                   (json_find(from, "receivingDigest") ? MAYDAY_BEACON_FLAG_RECEIVING : 0u) |
                                   (json_find(from, "installedDigest") ? MAYDAY_BEACON_FLAG_INSTALLED : 0u) |
                                   (flag_of(from, "wantsLinkKey") ? MAYDAY_BEACON_FLAG_LINK_KEY : 0u) |
                                   (flag_of(from, "isTrial") ? MAYDAY_BEACON_FLAG_TRIAL : 0u) |
                                   (flag_of(from, "wantsUpdate") ? MAYDAY_BEACON_FLAG_WANTS_UPDATE : 0u) |
                                   (flag_of(from, "isServed") ? MAYDAY_BEACON_FLAG_SERVED : 0u));
}

static void fill_offer(const json *from, mayday_frame *out) {
  out->as.offer.rescuer_id = bytes_of(from, "rescuerId");
  out->as.offer.rescuer_nonce = bytes_of(from, "rescuerNonce");
  out->as.offer.target_nonce = bytes_of(from, "targetNonce");
  out->as.offer.digest = bytes_of(from, "digest");
  out->as.offer.version = version_of(from);
  out->as.offer.size = (uint32_t)json_u64(from, "size");
  out->as.offer.counter = (uint32_t)json_u64(from, "counter");
  const uint64_t block_size = json_u64(from, "blockSize");
  out->as.offer.block_log2 = 0;
  while ((UINT64_C(1) << out->as.offer.block_log2) < block_size) out->as.offer.block_log2++;
  /* An offer that says nothing stands for the largest blocks. */
  if (block_size == 0) out->as.offer.block_log2 = 16;
}

static void fill_accept(const json *from, mayday_frame *out) {
  const json *asks = json_find(from, "asks");
  out->as.accept.target_nonce = bytes_of(from, "targetNonce");
  out->as.accept.rescuer_nonce = bytes_of(from, "rescuerNonce");
  out->as.accept.digest = bytes_of(from, "digest");
  out->as.accept.payload_max = (uint16_t)json_u64(from, "payloadMax");
  out->as.accept.open_blocks = number_of(from, "openBlocks");
  unsigned how = number_of(from, "codecs");
  if (asks != NULL) how |= MAYDAY_ACCEPT_FLAG_RUN;
  if (asks != NULL && strcmp(asks->text, "run") != 0) how |= MAYDAY_ACCEPT_FLAG_PATH;
  if (asks != NULL && strcmp(asks->text, "blank") == 0) how |= MAYDAY_ACCEPT_FLAG_BLANK;
  out->as.accept.asks = (uint8_t)how;
}

/* What a request names with a level alone (5.10). */
static uint8_t level_of_text(const char *text) {
  return strcmp(text, "locator") == 0 ? MAYDAY_LOCATOR_LEVEL : MAYDAY_MANIFEST_LEVEL;
}

static void fill_list(const json *from, mayday_frame *out) {
  const bool is_grant = out->kind == MAYDAY_GRANT;
  const json *list = json_get(from, is_grant ? "entries" : "wanted");
  uint8_t *entry = malloc(list->count * 5 + 1);
  out->as.list.sequence = (uint16_t)json_u64(from, "sequence");
  out->as.list.count = (uint8_t)list->count;
  out->as.list.entries = entry;
  JSON_EACH(item, list) {
    const bool is_text = item->kind == JSON_TEXT;
    uint64_t number = is_text ? 0 : json_u64(item, is_grant ? "first" : "index");
    if (!is_grant) *entry++ = is_text ? level_of_text(item->text) : number_of(item, "level");
    for (int i = 0; i < 3; i++, number >>= 8) *entry++ = (uint8_t)(number & 0xff);
    if (!is_grant) continue;
    *entry++ = number_of(item, "count");
    *entry++ = (uint8_t)(json_u64(item, "attempt") | json_u64(item, "codecs") << 4);
  }
}

static void fill_packet(const json *from, mayday_frame *out) {
  const uint16_t packet = (uint16_t)json_u64(from, "packetNumber");
  size_t length = 0;
  const uint8_t *payload = out->kind == MAYDAY_PROBE ? NULL : copy_hex(json_get(from, "payload"), &length);
  if (out->kind == MAYDAY_PROBE) {
    out->as.probe.packet = packet;
  } else if (out->kind == MAYDAY_DATA) {
    out->as.data.packet = packet;
    out->as.data.codec = number_of(from, "codec");
    out->as.data.attempt = number_of(from, "attempt");
    out->as.data.position = (uint16_t)json_u64(from, "position");
    out->as.data.payload = payload;
    out->as.data.length = (uint16_t)length;
  } else {
    const json *name = json_get(from, "name");
    out->as.object.packet = packet;
    out->as.object.object_kind = number_of(name, "kind");
    out->as.object.level = number_of(json_get(name, "node"), "level");
    out->as.object.index = (uint32_t)json_u64(json_get(name, "node"), "index");
    out->as.object.offset = (uint16_t)json_u64(from, "offset");
    out->as.object.total = (uint16_t)json_u64(from, "total");
    out->as.object.payload = payload;
    out->as.object.length = (uint16_t)length;
  }
}

static mayday_frame frame_of(const json *from) {
  mayday_frame out = {.kind = MAYDAY_QUERY};
  const char *tag = json_text(from, "tag");
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    if (strcmp(kinds[i], tag) == 0) out.kind = numbers[i];
  }
  switch (out.kind) {
    case MAYDAY_QUERY:
      CHECK(strcmp(tag, "query") == 0, "the kind %s is known", tag);
      out.as.query.node_id = bytes_of(from, "nodeId");
      out.as.query.boot_nonce = bytes_of(from, "bootNonce");
      break;
    case MAYDAY_BEACON:
    case MAYDAY_DISTRESS:
      fill_beacon(from, &out);
      break;
    case MAYDAY_OFFER:
      fill_offer(from, &out);
      break;
    case MAYDAY_ACCEPT:
      fill_accept(from, &out);
      break;
    case MAYDAY_STAND_DOWN:
      out.as.stand_down.target_id = bytes_of(from, "targetId");
      out.as.stand_down.rescuer_nonce = bytes_of(from, "rescuerNonce");
      out.as.stand_down.rescuer_id = bytes_of(from, "winnerId");
      out.as.stand_down.retry_ms = (uint16_t)json_u64(from, "retryAfterMs");
      break;
    case MAYDAY_REFUSE:
      out.as.refuse.target_nonce = bytes_of(from, "targetNonce");
      out.as.refuse.rescuer_nonce = bytes_of(from, "rescuerNonce");
      out.as.refuse.digest = bytes_of(from, "digest");
      out.as.refuse.reason = CODE_OF(refusals, json_text(from, "reason"));
      break;
    case MAYDAY_BYE:
      out.as.bye.target_nonce = bytes_of(from, "targetNonce");
      out.as.bye.rescuer_nonce = bytes_of(from, "rescuerNonce");
      out.as.bye.reason = number_of(from, "reason");
      break;
    case MAYDAY_DEFER:
      out.as.defer.target_nonce = bytes_of(from, "targetNonce");
      out.as.defer.rescuer_nonce = bytes_of(from, "rescuerNonce");
      out.as.defer.digest = bytes_of(from, "digest");
      out.as.defer.reason = CODE_OF(deferrals, json_text(from, "reason"));
      out.as.defer.seconds = (uint32_t)json_u64(from, "seconds");
      break;
    case MAYDAY_NONE:
      out.as.none.rescuer_id = bytes_of(from, "rescuerId");
      out.as.none.target_nonce = bytes_of(from, "targetNonce");
      out.as.none.reason = strcmp(json_text(from, "reason"), "no-image") == 0 ? 0 : CODE_OF(refusals, json_text(from, "reason"));
      break;
    case MAYDAY_ACK:
      out.as.ack.highest = (uint16_t)json_u64(from, "highest");
      out.as.ack.delay = number_of(from, "delayUnits");
      out.as.ack.bitmap = bytes_of(from, "bitmap");
      break;
    case MAYDAY_GRANT:
    case MAYDAY_REQUEST:
      fill_list(from, &out);
      break;
    case MAYDAY_BUSY:
    case MAYDAY_LATER:
      out.as.pause.ms = (uint16_t)json_u64(from, "forMs");
      break;
    case MAYDAY_DONE:
    case MAYDAY_DONE_ACK:
      out.as.done.digest = bytes_of(from, "digest");
      break;
    default:
      fill_packet(from, &out);
      break;
  }
  return out;
}

static bool same(const uint8_t *a, const uint8_t *b, size_t length) {
  return memcmp(a, b, length) == 0;
}

#define SAME8(member) same(a->as.member, b->as.member, 8)
#define SAME(member) (a->as.member == b->as.member)
#define SAME_VERSION(message) \
  (SAME(message.version.major) && SAME(message.version.minor) && SAME(message.version.patch))

/* Reasons that this version does not know are any number that is none of its own. */
static bool same_reason(uint8_t a, uint8_t b, uint8_t known_max) {
  return a == b || (a == 255 && (b == 0 || b > known_max));
}

/* Whether a frame that was read, `b`, has all members of the one that the vector describes. */
static bool same_frame(const mayday_frame *a, const mayday_frame *b) {
  if (a->kind != b->kind) return false;
  switch (a->kind) {
    case MAYDAY_QUERY:
      return SAME8(query.node_id) && SAME8(query.boot_nonce);
    case MAYDAY_BEACON:
    case MAYDAY_DISTRESS:
      return SAME8(beacon.node_id) && SAME8(beacon.boot_nonce) && SAME8(beacon.hardware_id) && SAME(beacon.revision) &&
             SAME(beacon.flags) && SAME(beacon.failure) && SAME_VERSION(beacon) && SAME(beacon.sequence) &&
             SAME(beacon.floor) && SAME8(beacon.installed) && SAME8(beacon.receiving);
    case MAYDAY_OFFER:
      return SAME8(offer.rescuer_id) && SAME8(offer.rescuer_nonce) && SAME8(offer.target_nonce) && SAME8(offer.digest) &&
             SAME_VERSION(offer) && SAME(offer.size) && SAME(offer.counter) && SAME(offer.block_log2);
    case MAYDAY_ACCEPT:
      return SAME8(accept.target_nonce) && SAME8(accept.rescuer_nonce) && SAME8(accept.digest) && SAME(accept.payload_max) &&
             SAME(accept.open_blocks) && SAME(accept.asks);
    case MAYDAY_STAND_DOWN:
      return SAME8(stand_down.target_id) && SAME8(stand_down.rescuer_nonce) && SAME8(stand_down.rescuer_id) &&
             SAME(stand_down.retry_ms);
    case MAYDAY_REFUSE:
      return SAME8(refuse.target_nonce) && SAME8(refuse.rescuer_nonce) && SAME8(refuse.digest) &&
             same_reason(a->as.refuse.reason, b->as.refuse.reason, 14);
    case MAYDAY_BYE:
      return SAME8(bye.target_nonce) && SAME8(bye.rescuer_nonce) && SAME(bye.reason);
    case MAYDAY_DEFER:
      return SAME8(defer.target_nonce) && SAME8(defer.rescuer_nonce) && SAME8(defer.digest) && SAME(defer.seconds) &&
             same_reason(a->as.defer.reason, b->as.defer.reason, 2);
    case MAYDAY_NONE:
      return SAME8(none.rescuer_id) && SAME8(none.target_nonce) &&
             (SAME(none.reason) || (b->as.none.reason != 0 && same_reason(a->as.none.reason, b->as.none.reason, 14)));
    case MAYDAY_ACK:
      return SAME(ack.highest) && SAME(ack.delay) && same(a->as.ack.bitmap, b->as.ack.bitmap, 14);
    case MAYDAY_GRANT:
    case MAYDAY_REQUEST:
      return SAME(list.sequence) && SAME(list.count) &&
             same(a->as.list.entries, b->as.list.entries, a->as.list.count * (a->kind == MAYDAY_GRANT ? 5u : 4u));
    case MAYDAY_BUSY:
    case MAYDAY_LATER:
      return SAME(pause.ms);
    case MAYDAY_DONE:
    case MAYDAY_DONE_ACK:
      return SAME8(done.digest);
    case MAYDAY_PROBE:
      return SAME(probe.packet);
    case MAYDAY_DATA:
      return SAME(data.packet) && SAME(data.attempt) && SAME(data.codec) && SAME(data.position) && SAME(data.length) &&
             same(a->as.data.payload, b->as.data.payload, a->as.data.length);
    case MAYDAY_OBJECT:
      return SAME(object.packet) && SAME(object.object_kind) && SAME(object.level) && SAME(object.index) &&
             SAME(object.offset) && SAME(object.total) && SAME(object.length) &&
             same(a->as.object.payload, b->as.object.payload, a->as.object.length);
  }
  return false;
}

static uint32_t tag_of(const json *vector) {
  return json_find(vector, "tag") == NULL ? 0 : (uint32_t)json_u64(vector, "tag");
}

/* Reads a copy of the bytes in memory that is exactly as long, so that a step past the end is seen. */
static mayday_fault parse(const uint8_t *bytes, size_t length, uint32_t tag, mayday_frame *out) {
  uint8_t *copy = malloc(length == 0 ? 1 : length);
  memcpy(copy, bytes, length);
  return mayday_frame_parse(length == 0 ? copy + 1 : copy, length, tag, out);
}

static void check_read(const json *vector) {
  const char *name = json_text(vector, "name");
  const mayday_frame expected = frame_of(json_get(vector, "frame"));
  size_t length, wire_length;
  uint8_t *bytes = copy_hex(json_get(vector, "frameHex"), &length);
  uint8_t *wire = copy_hex(json_get(vector, "wireHex"), &wire_length);
  mayday_frame actual;
  CHECK(parse(bytes, length, tag_of(vector), &actual) == MAYDAY_FAULT_NONE, "%s is a frame", name);
  CHECK(same_frame(&expected, &actual), "%s is read field by field", name);
  CHECK(actual.proof == NULL && actual.proven_length == 0, "%s has no proof", name);
  const size_t decoded = mayday_cobs_decode(wire + 1, wire_length - 2);
  CHECK(decoded == length && same(wire + 1, bytes, length), "%s is decoded from the wire", name);
}

static void check_written(const json *vector) {
  const char *name = json_text(vector, "name");
  const mayday_frame frame = frame_of(json_get(vector, "frame"));
  size_t length, wire_length;
  const uint8_t *bytes = copy_hex(json_get(vector, "frameHex"), &length);
  const uint8_t *wire = copy_hex(json_get(vector, "wireHex"), &wire_length);
  uint8_t *out = malloc(length), *encoded = malloc(MAYDAY_COBS_LENGTH(length));
  CHECK(mayday_frame_write(&frame, out, length - 4) == length - 4, "%s is written", name);
  CHECK(mayday_frame_close(out, length - 4, tag_of(vector)) == length && same(out, bytes, length), "%s has these bytes", name);
  CHECK(mayday_cobs_encode(out, length, encoded) == wire_length - 2 && same(encoded, wire + 1, wire_length - 2),
        "%s has these bytes on the wire", name);
  for (size_t room = 0; room < length - 4 && room < 200; room++) {
    uint8_t *small = malloc(room + 1);
    CHECK(mayday_frame_write(&frame, small, room) == 0, "%s does not fit %zu bytes", name, room);
    free(small);
  }
}

static void check_faults(const json *wire) {
  static const char *const names[] = {"", "tooShort", "badCrc", "foreignVersion", "unauthentic", "unknown", "malformed"};
  JSON_EACH(vector, json_get(wire, "faults")) {
    size_t length;
    mayday_frame out;
    const uint8_t *bytes = copy_hex(json_get(vector, "frameHex"), &length);
    const mayday_fault fault = parse(bytes, length, tag_of(vector), &out);
    CHECK(strcmp(names[fault], json_text(vector, "fault")) == 0, "%s is %s, and not %s", json_text(vector, "name"),
          json_text(vector, "fault"), names[fault]);
  }
}

/* Every beginning of every frame, with a right CRC, is read without a step past its end. */
static void check_cuts(const json *wire) {
  JSON_EACH(vector, json_get(wire, "frames")) {
    size_t length;
    const uint8_t *bytes = copy_hex(json_get(vector, "frameHex"), &length);
    for (size_t cut = 0; cut + 4 < length && cut < 200; cut++) {
      uint8_t *shorter = malloc(cut + 4);
      mayday_frame out;
      memcpy(shorter, bytes, cut);
      const size_t closed = mayday_frame_close(shorter, cut, tag_of(vector));
      const mayday_fault fault = mayday_frame_parse(shorter, closed, tag_of(vector), &out);
      const bool may_be_packet = (bytes[0] & 0x0f) == 3 || (bytes[0] & 0x08) != 0;
      CHECK(fault != MAYDAY_FAULT_NONE || may_be_packet, "%s is no frame with %zu bytes", json_text(vector, "name"), cut);
      free(shorter);
    }
  }
}

/* What is no frame to a node that knows its type is none to this side either, which may not know it. */
static void check_refused(const json *vectors) {
  JSON_EACH(vector, json_get(vectors, "faults")) {
    size_t length;
    mayday_frame out;
    const uint8_t *bytes = copy_hex(json_get(vector, "frameHex"), &length);
    CHECK(parse(bytes, length, tag_of(vector), &out) != MAYDAY_FAULT_NONE, "%s is no frame", json_text(vector, "name"));
  }
}

/* Frames of types that this side skips; an accept is read as one without its limits. */
static void check_skipped(const json *list) {
  JSON_EACH(vector, list) {
    const char *name = json_text(vector, "name");
    const json *said = json_get(vector, "frame");
    size_t length;
    mayday_frame read;
    const uint8_t *bytes = copy_hex(json_get(vector, "frameHex"), &length);
    const mayday_fault fault = parse(bytes, length, tag_of(vector), &read);
    if (strcmp(json_text(said, "tag"), "accept") != 0) {
      CHECK(fault == MAYDAY_FAULT_UNKNOWN, "%s is unknown", name);
      continue;
    }
    const mayday_frame expected = frame_of(said);
    CHECK(fault == MAYDAY_FAULT_NONE && same_frame(&expected, &read), "%s is an accept like others", name);
    CHECK(read.proof == NULL && read.proven_length == 0, "%s has no proof", name);
  }
}

/* This side keeps its line at the meeting rate (4.9) and asks for blocks in its own order (5.21): it skips what is said about another
 * rate, the limits of an accept, and which blocks a rescuer has. */
static void check_rates(const json *vectors) {
  check_skipped(json_get(vectors, "frames"));
  check_skipped(json_get(vectors, "decodeOnly"));
  check_refused(vectors);
}

/* It passes no words about images on (5.19, 5.20), with a proof or without. */
static void check_advice(const json *advice) {
  check_skipped(json_get(advice, "frames"));
  check_skipped(json_get(json_get(advice, "proofs"), "frames"));
}

/* Frames whose extensions alone are skipped: calls that say what their board takes behind an offer (6.10), each read as one without;
 * offers that say where the image lies, read likewise, and the request and the object that follow from them (6.11), read like others. */
static void check_read_all(const json *vectors) {
  JSON_EACH(vector, json_get(vectors, "frames")) check_read(vector);
  JSON_EACH(vector, json_get(vectors, "decodeOnly")) check_read(vector);
  check_refused(vectors);
}

/* A link key's frames: announcements with a proof (14.3). */
static void check_proofs(const json *keys) {
  JSON_EACH(vector, json_get(keys, "handshake")) {
    const char *name = json_text(vector, "name");
    const mayday_frame expected = frame_of(json_get(vector, "frame"));
    size_t length;
    mayday_frame actual;
    const uint8_t *bytes = copy_hex(json_get(vector, "frameHex"), &length);
    const bool is_long = expected.kind == MAYDAY_OFFER || expected.kind == MAYDAY_ACCEPT;
    CHECK(mayday_frame_parse(bytes, length, 0, &actual) == MAYDAY_FAULT_NONE && same_frame(&expected, &actual),
          "%s with a proof is read", name);
    /* Without MAYDAY_WITH_LINK_KEY only that there is one is known. */
    const bool is_known = MAYDAY_WITH_LINK_KEY != 0;
    const uint8_t proof = is_long ? 16 : 8;
    CHECK(actual.proof_length == (is_known ? proof : 0) && actual.proof == bytes + length - 4 - proof, "the proof of %s is found", name);
    CHECK(actual.proven_length == (is_known ? length - 12 : 0), "the proof of %s is over what stands before its last 8 bytes", name);
    uint8_t *more = malloc(length + 2);
    memcpy(more, bytes, length - 4);
    memcpy(more + length - 4, "\x7f", 2);
    const size_t closed = mayday_frame_close(more, length - 2, 0);
    CHECK(mayday_frame_parse(more, closed, 0, &actual) == MAYDAY_FAULT_NONE && actual.proof != NULL && actual.proof_length == 0,
          "a proof that is not the last extension of %s is wrong", name);
  }
}

/* Numbers at the edges of what this version knows (12.1). */
static void check_edges(void) {
  const uint8_t zeros[14] = {0};
  mayday_frame frame = {.kind = MAYDAY_BYE}, read;
  uint8_t out[80];
  for (unsigned reason = 0; reason < 256; reason++) {
    frame.as.bye.target_nonce = frame.as.bye.rescuer_nonce = zeros;
    frame.as.bye.reason = (uint8_t)reason;
    size_t length = mayday_frame_write(&frame, out, sizeof out);
    CHECK(mayday_frame_read(out, length, &read) == MAYDAY_FAULT_NONE, "a bye of reason %u is read", reason);
    CHECK(read.as.bye.reason == (reason >= 1 && reason <= 3 ? reason : 1), "a bye of reason %u", reason);
  }
  frame = (mayday_frame){.kind = MAYDAY_OFFER};
  for (unsigned log2 = 0; log2 < 256; log2++) {
    frame.as.offer.block_log2 = (uint8_t)log2;
    size_t length = mayday_frame_write(&frame, out, sizeof out);
    CHECK(mayday_frame_read(out, length, &read) == MAYDAY_FAULT_NONE, "an offer of blocks of 2^%u is read", log2);
    CHECK(read.as.offer.block_log2 == (log2 >= 10 && log2 <= 16 ? log2 : 16), "an offer of blocks of 2^%u", log2);
  }
  frame = (mayday_frame){.kind = MAYDAY_DISTRESS};
  for (unsigned failure = 0; failure < 256; failure++) {
    frame.as.beacon.failure = (uint8_t)failure;
    size_t length = mayday_frame_write(&frame, out, sizeof out);
    CHECK(mayday_frame_read(out, length, &read) == MAYDAY_FAULT_NONE, "a distress of reason %u is read", failure);
    CHECK(read.as.beacon.failure == (failure >= 1 && failure <= 8 ? failure : 1), "a distress of reason %u", failure);
  }
  /* A digest of a beacon that its flags do not name is zeros, whatever it points to. */
  static const uint8_t ones[8] = {1, 1, 1, 1, 1, 1, 1, 1};
  frame.as.beacon.installed = frame.as.beacon.receiving = ones;
  for (unsigned flags = 0; flags < 32; flags++) {
    frame.kind = flags < 16 ? MAYDAY_DISTRESS : MAYDAY_BEACON;
    frame.as.beacon.flags = (uint8_t)flags;
    mayday_frame_write(&frame, out, sizeof out);
    CHECK(out[46] == ((flags & 8u) != 0), "the installed digest with the flags %u", flags);
    CHECK(out[54] == ((flags & 4u) != 0), "the digest being received with the flags %u", flags);
  }
  CHECK(mayday_frame_read((const uint8_t *)"\x10\x10", 2, &read) == MAYDAY_FAULT_UNKNOWN, "announcement type 10 is unknown");
  CHECK(mayday_frame_read((const uint8_t *)"\x10\x0f", 2, &read) == MAYDAY_FAULT_UNKNOWN, "announcement type 0F is unknown");
  CHECK(mayday_frame_read((const uint8_t *)"\x10\x0b", 2, &read) == MAYDAY_FAULT_UNKNOWN, "announcement type 0B is unknown");
  for (unsigned type = 0; type < 16; type++) {
    const uint8_t target[20] = {(uint8_t)(type << 4 | 1)}, rescuer[20] = {(uint8_t)(type << 4 | 2)};
    CHECK((mayday_frame_read(target, 20, &read) == MAYDAY_FAULT_UNKNOWN) == (type > 4), "target control %u", type);
    CHECK((mayday_frame_read(rescuer, 20, &read) == MAYDAY_FAULT_UNKNOWN) == (type > 1), "rescuer control %u", type);
  }
}

static void check_limits(void) {
  uint8_t out[64];
  const uint8_t entries[66] = {0};
  mayday_frame frame = {.kind = MAYDAY_GRANT};
  frame.as.list.count = 11;
  frame.as.list.entries = entries;
  CHECK(mayday_frame_write(&frame, out, sizeof out) == 0, "a grant of 11 entries is not written");
  frame.kind = MAYDAY_REQUEST;
  frame.as.list.count = 13;
  CHECK(mayday_frame_write(&frame, out, sizeof out) == 0, "a request of 13 entries is not written");
  frame = (mayday_frame){.kind = MAYDAY_DATA};
  frame.as.data.payload = entries;
  CHECK(mayday_frame_write(&frame, out, sizeof out) == 0, "data without a payload is not written");
  static uint8_t large[4097], room[4200];
  frame.as.data.payload = large;
  frame.as.data.length = 4097;
  CHECK(mayday_frame_write(&frame, room, sizeof room) == 0, "a payload of 4097 bytes is not written");
  room[0] = 0x08;
  mayday_frame read;
  CHECK(mayday_frame_read(room, 4 + 4097, &read) == MAYDAY_FAULT_MALFORMED, "a payload of 4097 bytes is malformed");
  CHECK(mayday_frame_read(room, 4 + 4096, &read) == MAYDAY_FAULT_NONE, "a payload of 4096 bytes is read");
  CHECK(mayday_frame_read(room, 0, &read) == MAYDAY_FAULT_MALFORMED, "no byte at all is malformed");
}

static void check_cobs(void) {
  static const uint8_t wrong[][3] = {{2}, {3, 1}, {1, 5, 1}, {2, 0, 1}, {0, 1, 1}};
  static const size_t lengths[] = {1, 2, 3, 3, 3};
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    uint8_t *run = malloc(lengths[i]);
    memcpy(run, wrong[i], lengths[i]);
    CHECK(mayday_cobs_decode(run, lengths[i]) == 0, "run %zu that no frame gives is none", i);
    free(run);
  }
  CHECK(mayday_cobs_decode(NULL, 0) == 0, "an empty run is no frame");
  /* All lengths around the ends of pieces, with a zero at each of some places. */
  for (size_t length = 1; length < 520; length++) {
    for (size_t zero = 0; zero < 3; zero++) {
      uint8_t frame[520], *run = malloc(MAYDAY_COBS_LENGTH(length));
      for (size_t i = 0; i < length; i++) frame[i] = (uint8_t)(i % 255 + 1);
      if (zero > 0) frame[zero == 1 ? 0 : length - 1] = 0;
      const size_t encoded = mayday_cobs_encode(frame, length, run);
      CHECK(encoded <= MAYDAY_COBS_LENGTH(length) && memchr(run, 0, encoded) == NULL, "%zu bytes encoded have no zero", length);
      CHECK(mayday_cobs_decode(run, encoded) == length && same(run, frame, length), "%zu bytes come back", length);
      free(run);
    }
  }
}

int main(int argc, char **argv) {
  const char *vectors = argc > 1 ? argv[1] : "../vectors";
  const json *wire = json_load(vectors, "wire-v1.json");
  JSON_EACH(vector, json_get(wire, "frames")) check_written(vector);
  JSON_EACH(vector, json_get(wire, "frames")) check_read(vector);
  JSON_EACH(vector, json_get(wire, "decodeOnly")) check_read(vector);
  check_faults(wire);
  check_cuts(wire);
  check_rates(json_load(vectors, "rate-v1.json"));
  check_rates(json_load(vectors, "have-v1.json"));
  check_advice(json_load(vectors, "advice-v1.json"));
  check_read_all(json_load(vectors, "inline-v1.json"));
  check_read_all(json_load(vectors, "locator-v1.json"));
  check_proofs(json_load(vectors, "link-key-v1.json"));
  check_edges();
  check_limits();
  check_cobs();
  return check_end("wire");
}
