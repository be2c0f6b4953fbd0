/* Calls that queries carry under a mask (PROTOCOL.md 5.1), by vectors/call-v1.json: what a target reads, which answers no calls; and
 * what a rescuer takes each query for, alone and in its machine. */
#include "check.h"
#include "rescuer_scene.h"
#include "wire/carried_call.h"
#include "wire/cobs.h"

#include <stdlib.h>

#define ROOM 128u
#define QUERY_LENGTH 18u

static scene the_scene;
static const json *the_session;

/* The frame of the vector, in memory that is exactly as long. */
static uint8_t *frame_of(const json *vector, size_t *length) {
  uint8_t bytes[ROOM];
  *length = json_hex(json_get(vector, "frameHex"), bytes, sizeof bytes);
  uint8_t *copy = malloc(*length);
  if (copy == NULL) exit(1);
  memcpy(copy, bytes, *length);
  return copy;
}

/* Who does not look for a call reads a query with the id and the nonce that were drawn for it. */
static void check_query(const json *vector) {
  const char *name = json_text(vector, "name");
  uint8_t wire[ROOM];
  size_t length, wire_length = json_hex(json_get(vector, "wireHex"), wire, sizeof wire);
  uint8_t *bytes = frame_of(vector, &length);
  mayday_frame frame;
  CHECK(mayday_frame_parse(bytes, length, 0, &frame) == MAYDAY_FAULT_NONE && frame.kind == MAYDAY_QUERY, "%s is a query", name);
  CHECK(frame.as.query.node_id == bytes + 2 && frame.as.query.boot_nonce == bytes + 10, "%s has its id and its nonce", name);
  CHECK(frame.proof == NULL && frame.proven_length == 0, "%s has no proof", name);
  CHECK(mayday_cobs_decode(wire + 1, wire_length - 2) == length && memcmp(wire + 1, bytes, length) == 0, "%s is decoded from the wire", name);
  free(bytes);
}

/* Both are read from bytes: equal where they are written to equal bytes. */
static bool is_same(const mayday_frame *a, const mayday_frame *b) {
  uint8_t of_a[ROOM], of_b[ROOM];
  size_t length = mayday_frame_write(a, of_a, sizeof of_a);
#if MAYDAY_WITH_FEC
  if (a->forms != b->forms) return false;
#endif
  return length > 0 && mayday_frame_write(b, of_b, sizeof of_b) == length && memcmp(of_a, of_b, length) == 0;
}

static void check_call(const json *vector) {
  const char *name = json_text(vector, "name");
  const json *call = json_find(vector, "callHex");
  size_t length;
  uint8_t *bytes = frame_of(vector, &length), expected_bytes[ROOM];
  mayday_frame frame, expected;
  (void)mayday_frame_parse(bytes, length, 0, &frame);
  const mayday_frame query = frame;
  CHECK(mayday_carried_call(bytes, length, &frame) == (call != NULL), "%s carries a call, or none", name);
  if (call == NULL) {
    CHECK(frame.kind == MAYDAY_QUERY && frame.as.query.node_id == query.as.query.node_id, "%s is left a query", name);
  } else {
    const size_t expected_length = json_hex(call, expected_bytes, sizeof expected_bytes);
    const uint8_t *masked = bytes + QUERY_LENGTH + 2u + MAYDAY_CALL_MASK_LENGTH;
    CHECK(mayday_frame_read(expected_bytes, expected_length, &expected) == MAYDAY_FAULT_NONE, "the call of %s is a frame", name);
    CHECK(is_same(&expected, &frame), "the call of %s is read field by field", name);
    CHECK(memcmp(masked, expected_bytes, expected_length) == 0, "the call of %s has these bytes", name);
  }
  free(bytes);
}

/* Every query that is shorter carries no call, and is looked at without a step past its end. */
static void check_cuts(const json *vector) {
  size_t length;
  uint8_t *bytes = frame_of(vector, &length);
  const size_t whole = QUERY_LENGTH + 2u + bytes[QUERY_LENGTH + 1u] + MAYDAY_CRC_LENGTH;
  for (size_t cut = 0; cut < whole; cut++) {
    uint8_t *shorter = malloc(cut + 1u);
    mayday_frame frame;
    if (shorter == NULL) exit(1);
    memcpy(shorter + 1, bytes, cut);
    CHECK(!mayday_carried_call(shorter + 1, cut, &frame), "%u bytes of %s carry no call", (unsigned)cut, json_text(vector, "name"));
    free(shorter);
  }
  free(bytes);
}

/* A rescuer that hears it for the first time: what it answers with. 0: nothing. */
static unsigned answer(const json *vector, bool is_own) {
  scene *scene = &the_scene;
  size_t length;
  uint8_t *bytes = frame_of(vector, &length), call[ROOM];
  const json *call_hex = json_find(vector, "callHex");
  mayday_frame said;
  scene_set(scene, the_session);
  if (is_own) scene->self.node_id = (const uint8_t *)"target01";
  CHECK(scene_start(scene), "the rescuer starts");
  scene_hear(scene, bytes, length);
  free(bytes);
  CHECK(is_own || !scene->rescuer.mute.is_mute, "%s is a valid frame", json_text(vector, "name"));
  if (!scene_poll(scene)) return 0;
  if (mayday_frame_parse(scene->sent, scene->sent_length, 0, &said) != MAYDAY_FAULT_NONE) return 0xffu;
  if (said.kind == MAYDAY_OFFER && call_hex != NULL) {
    (void)json_hex(call_hex, call, sizeof call);
    CHECK(memcmp(said.as.offer.target_nonce, call + 10, MAYDAY_NONCE_LENGTH) == 0, "the offer is to the call of %s", json_text(vector, "name"));
  }
  return (unsigned)said.kind;
}

static void check_rescuer(const json *vector) {
  const char *name = json_text(vector, "name");
  const bool is_call = json_find(vector, "callHex") != NULL;
  const unsigned kind = answer(vector, false);
  if (is_call) CHECK(kind == MAYDAY_OFFER || kind == MAYDAY_NONE, "%s is answered as a call, not with %x", name, kind);
  else CHECK(kind == MAYDAY_BEACON, "%s is answered as a query, not with %x", name, kind);
  CHECK((the_scene.rescuer.state == MAYDAY_RESCUER_OFFERING) == (kind == MAYDAY_OFFER), "%s: nothing else comes of it", name);
  CHECK(answer(vector, true) == 0 && the_scene.rescuer.mute.is_mute, "%s under the own id is an echo", name);
}

int main(int argc, char **argv) {
  if (argc != 2) return 1;
  const json *file = json_load(argv[1], "call-v1.json"), *carried = json_get(file, "carried");
  unsigned calls = 0;
  the_session = json_get(json_load(argv[1], "session-v1.json"), "sessions")->first;
  CHECK(json_u64(file, "protocolVersion") == MAYDAY_PROTOCOL_VERSION, "the vectors are of this version");
  JSON_EACH(vector, carried) {
    calls += json_find(vector, "callHex") != NULL;
    check_query(vector);
    check_call(vector);
    check_cuts(vector);
    check_rescuer(vector);
  }
  CHECK(calls >= 3 && calls < carried->count, "there are queries with a call, and without");
  return check_end("calls that queries carry");
}
