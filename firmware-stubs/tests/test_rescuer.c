/* The rescuer against boards that call, refuse, fall silent and lie (PROTOCOL.md 2.4, 5, 6.2, 6.5, 8.6). */
#include "base/bytes.h"
#include "base/sha256.h"
#include "check.h"
#include "image/tree.h"
#include "rescuer_scene.h"
#include "wire/cobs.h"

static scene the_scene;
static const json *the_session;

static const uint8_t TARGET_ID[8] = "target01", BOOT_NONCE[8] = "started1", STARTED_AGAIN[8] = "started2", OTHER_ID[8] = "other-01";

static scene *fresh(void) {
  scene_set(&the_scene, the_session);
  CHECK(scene_start(&the_scene), "the rescuer starts");
  return &the_scene;
}

/* A distress of a board for which the image is. */
static mayday_frame distress_of(const scene *scene) {
  mayday_frame frame;
  memset(&frame, 0, sizeof frame);
  frame.kind = MAYDAY_DISTRESS;
  frame.as.beacon.node_id = TARGET_ID;
  frame.as.beacon.boot_nonce = BOOT_NONCE;
  frame.as.beacon.hardware_id = scene->hardware_id;
  frame.as.beacon.revision = 2;
  frame.as.beacon.failure = 1;
  frame.as.beacon.installed = frame.as.beacon.receiving = scene->manifest.digest;
  return frame;
}

/* The kind of the frame that it sent last, or 0. */
static unsigned kind_sent(const scene *scene) {
  mayday_frame frame;
  if (scene->sent_length == 0) return 0;
  uint32_t tag = (scene->sent[0] & 15u) != 0 ? scene->rescuer.tag : 0;
  return mayday_frame_parse(scene->sent, scene->sent_length, tag, &frame) == MAYDAY_FAULT_NONE ? (unsigned)frame.kind : 0xffu;
}

static unsigned answer_to(scene *scene, const mayday_frame *frame) {
  scene_hear_frame(scene, frame, 0);
  (void)scene_poll(scene);
  return kind_sent(scene);
}

static void accept_offer(scene *scene, uint8_t asks) {
  mayday_frame frame;
  memset(&frame, 0, sizeof frame);
  frame.kind = MAYDAY_ACCEPT;
  frame.as.accept.target_nonce = BOOT_NONCE;
  frame.as.accept.rescuer_nonce = scene->nonce;
  frame.as.accept.digest = scene->manifest.digest;
  frame.as.accept.payload_max = 512;
  frame.as.accept.open_blocks = 4;
  frame.as.accept.asks = asks;
  scene_hear_frame(scene, &frame, 0);
}

/* A session that has begun. */
static scene *serving(uint8_t asks) {
  scene *scene = fresh();
  mayday_frame distress = distress_of(scene);
  CHECK(answer_to(scene, &distress) == MAYDAY_OFFER, "a distress is answered with an offer");
  accept_offer(scene, asks);
  CHECK(scene->rescuer.state == MAYDAY_RESCUER_SERVING, "an accept begins a session");
  return scene;
}

static void choice(void) {
  scene *scene = fresh();
  CHECK(!scene_wait(scene, 30000), "a rescuer that hears nothing says nothing");
  mayday_frame frame = distress_of(scene);
  frame.as.beacon.hardware_id = BOOT_NONCE;
  CHECK(answer_to(scene, &frame) == MAYDAY_NONE && scene->sent[18] == MAYDAY_REFUSAL_CODE_HARDWARE, "other hardware is told so");
  CHECK(answer_to(scene, &frame) == 0, "but at most once a second");
  scene->now += 1000;
  frame = distress_of(scene);
  frame.as.beacon.floor = scene->manifest.counter + 1u;
  CHECK(answer_to(scene, &frame) == MAYDAY_NONE && scene->sent[18] == MAYDAY_REFUSAL_CODE_COUNTER, "a floor above the counter, too");
  scene->now += 1000;
  frame = distress_of(scene);
  frame.as.beacon.flags = MAYDAY_BEACON_FLAG_SERVED;
  CHECK(answer_to(scene, &frame) == 0, "a board that is served elsewhere is not answered");
  frame = distress_of(scene);
  frame.kind = MAYDAY_BEACON;
  frame.as.beacon.failure = 0;
  frame.as.beacon.flags = MAYDAY_BEACON_FLAG_BOOTABLE;
  CHECK(answer_to(scene, &frame) == 0, "a beacon asks for nothing");
  frame.as.beacon.flags |= MAYDAY_BEACON_FLAG_WANTS_UPDATE;
  frame.as.beacon.sequence = scene->manifest.order.sequence;
  frame.as.beacon.version.major = scene->manifest.order.version[0];
  frame.as.beacon.version.minor = scene->manifest.order.version[1];
  frame.as.beacon.version.patch = scene->manifest.order.version[2];
  CHECK(answer_to(scene, &frame) == MAYDAY_NONE && scene->sent[18] == MAYDAY_REFUSAL_CODE_VERSION, "a board that runs it is told so");
  frame.as.beacon.sequence--;
  CHECK(answer_to(scene, &frame) == MAYDAY_OFFER, "one that boots something older and wants an update is offered it");
  scene = fresh();
  scene->source.is_signed = false;
  frame = distress_of(scene);
  CHECK(answer_to(scene, &frame) == MAYDAY_NONE && scene->sent[18] == MAYDAY_REFUSAL_CODE_UNSIGNED, "an unsigned image is not offered");
}

static void offers(void) {
  scene *scene = fresh();
  mayday_frame frame = distress_of(scene);
  (void)answer_to(scene, &frame);
  uint32_t from = scene->now;
  uint32_t turn = mayday_turn_ms(&scene->rescuer.rtt);
  CHECK(turn == 50 && scene_wait(scene, 250) && scene->now - from == turn, "an offer is repeated after a turn");
  from = scene->now;
  CHECK(scene_wait(scene, 500) && scene->now - from == 2u * turn, "and then after twice as long");
  from = scene->now;
  CHECK(scene_wait(scene, 500) && scene->now - from == 4u * turn, "and after twice as long once more");
  from = scene->now;
  CHECK(!scene_wait(scene, 249) && scene_wait(scene, 2) && scene->now - from == 250, "and after 250 ms at most");
  uint8_t nonce[8];
  memcpy(nonce, scene->sent + 10, sizeof nonce);
  scene_hear_frame(scene, &frame, 0);
  from = scene->now;
  CHECK(scene_wait(scene, 200) && scene->now - from == turn / 2u, "the same distress again shortens that to half a turn");
  CHECK(mayday_equal(nonce, scene->sent + 10, sizeof nonce), "a repeat keeps its nonce");
  /* Noise keeps the link alive, so that it does not fall silent. */
  for (unsigned i = 0; i < 60; i++) {
    mayday_frame beacon = frame;
    beacon.kind = MAYDAY_BEACON;
    beacon.as.beacon.flags = MAYDAY_BEACON_FLAG_BOOTABLE;
    scene_hear_frame(scene, &beacon, 0);
    for (unsigned ms = 0; ms < 100; ms++) (void)scene_wait(scene, 1);
  }
  CHECK(scene->rescuer.state == MAYDAY_RESCUER_LISTENING && scene->rescuer.end == MAYDAY_END_UNANSWERED, "an offer ends after 5 s");
  accept_offer(scene, 0);
  CHECK(scene->rescuer.state == MAYDAY_RESCUER_LISTENING, "an accept of an offer that is over begins nothing");
}

static void answers(void) {
  scene *scene = fresh();
  mayday_frame distress = distress_of(scene), answer;
  (void)answer_to(scene, &distress);
  memset(&answer, 0, sizeof answer);
  answer.kind = MAYDAY_REFUSE;
  answer.as.refuse.target_nonce = BOOT_NONCE;
  answer.as.refuse.rescuer_nonce = OTHER_ID;
  answer.as.refuse.digest = scene->manifest.digest;
  answer.as.refuse.reason = MAYDAY_REFUSAL_CODE_SIGNATURE;
  scene_hear_frame(scene, &answer, 0);
  CHECK(scene->rescuer.state == MAYDAY_RESCUER_OFFERING, "a refusal of another offer ends nothing");
  answer.as.refuse.rescuer_nonce = scene->nonce;
  scene_hear_frame(scene, &answer, 0);
  CHECK(scene->rescuer.end == MAYDAY_END_REFUSED && scene->rescuer.end_reason == MAYDAY_REFUSAL_CODE_SIGNATURE, "a refusal is told");
  scene->now += 59000;
  CHECK(answer_to(scene, &distress) == 0, "this start is neither offered the image for a minute, nor told that there is none");
  distress.as.beacon.boot_nonce = STARTED_AGAIN;
  CHECK(answer_to(scene, &distress) == MAYDAY_OFFER, "its next start is");
  memset(&answer, 0, sizeof answer);
  answer.kind = MAYDAY_STAND_DOWN;
  answer.as.stand_down.target_id = TARGET_ID;
  answer.as.stand_down.rescuer_nonce = scene->nonce;
  answer.as.stand_down.rescuer_id = OTHER_ID;
  answer.as.stand_down.retry_ms = 5000;
  scene_hear_frame(scene, &answer, 0);
  CHECK(scene->rescuer.state == MAYDAY_RESCUER_LISTENING && answer_to(scene, &distress) == 0, "one that is served by another is left alone");
  scene->now += 5000;
  CHECK(answer_to(scene, &distress) == MAYDAY_OFFER, "until its time is over");
  memset(&answer, 0, sizeof answer);
  answer.kind = MAYDAY_DEFER;
  answer.as.defer.target_nonce = STARTED_AGAIN;
  answer.as.defer.rescuer_nonce = scene->nonce;
  answer.as.defer.digest = scene->manifest.digest;
  answer.as.defer.reason = 1;
  answer.as.defer.seconds = UINT32_MAX;
  scene_hear_frame(scene, &answer, 0);
  CHECK(answer_to(scene, &distress) == 0, "one that defers it is not offered it");
  scene->now += 60000;
  CHECK(answer_to(scene, &distress) == MAYDAY_OFFER, "for a minute at most");
}

static void questions(void) {
  scene *scene = fresh();
  mayday_frame query;
  memset(&query, 0, sizeof query);
  query.kind = MAYDAY_QUERY;
  query.as.query.node_id = TARGET_ID;
  query.as.query.boot_nonce = BOOT_NONCE;
  CHECK(answer_to(scene, &query) == MAYDAY_BEACON && scene->sent[28] == (MAYDAY_BEACON_FLAG_BOOTABLE | MAYDAY_BEACON_FLAG_PROVIDER),
        "a query is answered with the beacon of a provider");
  CHECK(answer_to(scene, &query) == 0 && scene_wait(scene, 201) && kind_sent(scene) == MAYDAY_BEACON, "at most five times a second");
  query.as.query.node_id = scene->node_id;
  scene->now += 2000;
  (void)scene_poll(scene);
  CHECK(scene->rescuer.mute.is_mute && answer_to(scene, &query) == 0 && scene->rescuer.mute.is_mute, "an own query heard back is nothing");
  scene = serving(0);
  while (scene_poll(scene)) {
  }
  query.as.query.node_id = TARGET_ID;
  CHECK(answer_to(scene, &query) == MAYDAY_PROBE, "in a session a query is answered with a probe");
}

static void ends(void) {
  scene *scene = serving(0);
  uint32_t tag = scene->rescuer.tag;
  mayday_frame done, distress = distress_of(scene);
  memset(&done, 0, sizeof done);
  done.kind = MAYDAY_DONE;
  done.as.done.digest = scene->manifest.digest;
  scene_hear_frame(scene, &done, tag);
  CHECK(scene->rescuer.state == MAYDAY_RESCUER_SERVING, "a done before the manifest was acked is ignored");
  distress.as.beacon.node_id = OTHER_ID;
  scene_hear_frame(scene, &distress, 0);
  CHECK(scene->rescuer.state == MAYDAY_RESCUER_SERVING, "another board that calls ends no session that was heard lately");
  distress.as.beacon.node_id = TARGET_ID;
  CHECK(answer_to(scene, &distress) == MAYDAY_OFFER, "its target that calls ends it, and is offered the image again");
  scene = serving(0);
  (void)scene_wait(scene, 1000);
  for (unsigned i = 0; i < 21; i++) {
    CHECK(i > 19 || scene->rescuer.state == MAYDAY_RESCUER_SERVING, "a session outlives %u s of silence", i);
    for (unsigned ms = 0; ms < 1000; ms++) (void)scene_wait(scene, 1);
  }
  CHECK(scene->rescuer.end == MAYDAY_END_SILENT, "20 s of silence end it");
  scene = serving(0);
  mayday_frame defer;
  memset(&defer, 0, sizeof defer);
  defer.kind = MAYDAY_DEFER;
  defer.as.defer.target_nonce = BOOT_NONCE;
  defer.as.defer.rescuer_nonce = BOOT_NONCE;
  defer.as.defer.digest = scene->manifest.digest;
  defer.as.defer.reason = MAYDAY_DEFER_CODE_RING;
  defer.as.defer.seconds = 30;
  scene_hear_frame(scene, &defer, 0);
  CHECK(scene->rescuer.state == MAYDAY_RESCUER_SERVING, "a defer of another session ends none");
  defer.as.defer.rescuer_nonce = scene->nonce;
  scene_hear_frame(scene, &defer, 0);
  CHECK(scene->rescuer.state == MAYDAY_RESCUER_LISTENING && scene->rescuer.end == MAYDAY_END_DEFERRED &&
            scene->rescuer.end_reason == MAYDAY_DEFER_CODE_RING,
        "a board that finds in the manifest that it takes the image later ends the session");
  distress = distress_of(scene);
  scene->now += 29000;
  CHECK(answer_to(scene, &distress) == 0, "and is not offered it before");
  scene->now += 1000;
  CHECK(answer_to(scene, &distress) == MAYDAY_OFFER, "but then");
  scene = serving(0);
  mayday_rescuer_stop(&scene->rescuer, MAYDAY_BYE_REASON_STOPPED);
  CHECK(scene_poll(scene) && kind_sent(scene) == MAYDAY_BYE && scene->sent[18] == 1, "who gives up says bye");
  CHECK(!scene_poll(scene) && mayday_rescuer_poll(&scene->rescuer) == MAYDAY_RESCUER_STOPPED, "and nothing more");
  scene = serving(MAYDAY_ACCEPT_FLAG_RUN);
  scene->is_broken = true;
  unsigned kind = 0;
  for (unsigned i = 0; i < 10 && kind != MAYDAY_BYE; i++) kind = scene_poll(scene) ? kind_sent(scene) : 0;
  CHECK(kind == MAYDAY_BYE && scene->rescuer.end == MAYDAY_END_SOURCE, "an image that cannot be read ends the session");
}

static void silence(void) {
  scene *scene = serving(0);
  while (scene_poll(scene)) {
  }
  for (unsigned ms = 0; ms < 990; ms++) (void)scene_wait(scene, 1);
  CHECK(!scene->rescuer.mute.is_mute && scene->drops == 0, "it speaks for a second after it heard something");
  unsigned before = scene->frames;
  for (unsigned ms = 0; ms < 5000; ms++) (void)scene_wait(scene, 1);
  CHECK(scene->rescuer.mute.is_mute && scene->drops == 1, "then it is mute, and drops what the UART still has");
  CHECK(scene->frames - before <= 1, "a mute rescuer sends nothing");
  accept_offer(scene, 0);
  CHECK(scene_poll(scene), "the next valid frame ends that");
  mayday_rescuer_init(&scene->rescuer, &scene->port, &scene->line, &scene->source, &scene->self);
  mayday_frame distress = distress_of(scene);
  (void)answer_to(scene, &distress);
  static const char log[] = "U-Boot 2023.01\r\nHit any key to stop autoboot:  2\r\n";
  for (size_t i = 0; i + 1 < sizeof log; i++) mayday_rescuer_byte(&scene->rescuer, (uint8_t)log[i]);
  (void)mayday_rescuer_poll(&scene->rescuer);
  scene->now += 51;
  (void)mayday_rescuer_poll(&scene->rescuer);
  CHECK(scene->rescuer.mute.is_mute, "50 ms of text make it mute");
}

/* The runs of a tree of `leaves` blocks against the rule of 7.4, computed from all leaves. */
static void runs_of(uint32_t leaves) {
  scene *scene = fresh();
  static uint8_t hashes[64][32];
  const mayday_shape shape = {leaves * 1024u - 5u, leaves, 10};
  scene->manifest.size = shape.size;
  scene->manifest.leaves = leaves;
  for (uint32_t i = 0; i < IMAGE_MAX; i++) scene->image[i] = (uint8_t)(i / 1024u * 7u + i % 251u);
  memset(scene->image, 0xee, 32u * 1024u);
  for (uint32_t i = 0; i < leaves; i++) mayday_leaf_hash(&mayday_sha256, scene->image + i * 1024u, mayday_block_length(&shape, i), hashes[i]);
  (void)mayday_rescuer_init(&scene->rescuer, &scene->port, &scene->line, &scene->source, &scene->self);
  mayday_frame frame = distress_of(scene);
  (void)answer_to(scene, &frame);
  accept_offer(scene, MAYDAY_ACCEPT_FLAG_RUN | MAYDAY_ACCEPT_FLAG_PATH | 3u);
  unsigned seen = 0;
  while (scene_poll(scene)) {
    if (mayday_frame_parse(scene->sent, scene->sent_length, scene->rescuer.tag, &frame) != MAYDAY_FAULT_NONE) continue;
    if (frame.kind != MAYDAY_OBJECT || frame.as.object.object_kind == MAYDAY_OBJECT_KIND_MANIFEST) continue;
    uint32_t first, level = frame.as.object.level;
    uint8_t count = mayday_run_length(&shape, (uint8_t)level, frame.as.object.index, &first);
    uint8_t run_level = mayday_run_level((uint8_t)level);
    seen++;
    if (frame.as.object.object_kind == MAYDAY_OBJECT_KIND_UNIFORM) {
      CHECK(run_level == 0 && frame.as.object.payload[0] == 0xee, "of %lu blocks the first 16 are uniform", (unsigned long)leaves);
      continue;
    }
    CHECK(frame.as.object.total == 32u * count, "a run has as many hashes as 7.4 says");
    for (uint32_t i = 0; i < frame.as.object.length / 32u; i++) {
      uint32_t node = first + frame.as.object.offset / 32u + i;
      uint32_t from = node << run_level, to = mayday_least32((node + 1u) << run_level, leaves);
      uint8_t folded[32];
      mayday_fold(&mayday_sha256, hashes[from], (uint8_t)(to - from), folded);
      CHECK(mayday_equal(folded, frame.as.object.payload + 32u * i, 32), "of %lu blocks node %lu of level %u has the right hash",
            (unsigned long)leaves, (unsigned long)node, run_level);
    }
  }
  CHECK(seen >= 2 && scene->bad_reads == 0, "the runs of %lu blocks were looked at", (unsigned long)leaves);
}

/* Grants as the target states them, blocks and attempts: which data frames follow. */
static void grants(void) {
  scene *scene = serving(0);
  uint32_t tag = scene->rescuer.tag;
  uint8_t entries[10] = {0, 0, 0, 2, 0x10, 3, 0, 0, 200, 0x31};
  mayday_frame grant, frame;
  memset(&grant, 0, sizeof grant);
  grant.kind = MAYDAY_GRANT;
  grant.as.list.sequence = 9;
  grant.as.list.count = 2;
  grant.as.list.entries = entries;
  scene_hear_frame(scene, &grant, tag);
  unsigned blocks = 0, raw = 0;
  while (scene_poll(scene)) {
    if (mayday_frame_parse(scene->sent, scene->sent_length, tag, &frame) != MAYDAY_FAULT_NONE || frame.kind != MAYDAY_DATA) continue;
    blocks |= 1u << frame.as.data.position / 32u;
    if (frame.as.data.position / 32u == 1) raw += frame.as.data.codec == 0 ? frame.as.data.length : 0;
    CHECK(frame.as.data.attempt == (frame.as.data.position / 32u >= 3 ? 1 : 0), "a chunk carries the attempt of its grant");
  }
  CHECK(blocks == 0x1b, "blocks 0, 1, 3 and 4 are sent, and none that the image does not have: %x", blocks);
  CHECK(raw == 1024, "a uniform block goes raw where only that is allowed");
  grant.as.list.sequence = 9;
  grant.as.list.count = 1;
  entries[0] = 2;
  scene_hear_frame(scene, &grant, tag);
  CHECK(!scene_poll(scene), "a grant of the same number is ignored");
  grant.as.list.sequence = 10;
  scene_hear_frame(scene, &grant, tag);
  CHECK(scene_poll(scene) && kind_sent(scene) == MAYDAY_DATA, "a newer one is not");
}

/* Any bytes, and frames with any content: nothing but the sanitizers looks. */
static void noise(void) {
  uint32_t state = 1;
  unsigned long frames = 0;
  for (unsigned round = 0; round < 60; round++) {
    scene *scene = serving((uint8_t)(round % 8u << 4 | 3u));
    for (unsigned i = 0; i < 400; i++) {
      uint8_t bytes[64], length;
      state = state * 1664525u + 1013904223u;
      length = (uint8_t)(1 + (state >> 16) % 58u);
      for (unsigned byte = 0; byte < length; byte++) {
        state = state * 1664525u + 1013904223u;
        bytes[byte] = (uint8_t)(state >> 24 & (i % 3u == 0 ? 7u : 0xffu));
      }
      static const uint8_t firsts[] = {0x01, 0x01, 0x11, 0x11, 0x21, 0x31, 0x41, 0x10};
      bytes[0] = firsts[i % sizeof firsts];
      if (bytes[0] == 0x01) {
        length = 18;
        mayday_put16(bytes + 1, (uint16_t)(scene->rescuer.sender.next - 1u - i % 5u));
      }
      if ((bytes[0] & 15u) == 1 && bytes[0] > 0x01 && bytes[0] < 0x31) {
        bytes[3] = (uint8_t)(bytes[3] % 11u);
        length = (uint8_t)(4u + bytes[3] * (bytes[0] == 0x11 ? 5u : 4u));
        mayday_put16(bytes + 1, (uint16_t)(i + 1u));
      }
      uint32_t tag = bytes[0] == 0x10 ? 0 : scene->rescuer.tag;
      scene_hear(scene, bytes, mayday_frame_close(bytes, length, tag));
      for (unsigned poll = 0; poll < 6; poll++) (void)scene_wait(scene, 1);
      scene->now += i % 7u == 0 ? 300u : 1u;
      for (unsigned byte = 0; byte < length; byte++) mayday_rescuer_byte(&scene->rescuer, bytes[byte]);
    }
    CHECK(scene->bad_reads == 0, "no byte beyond the image is read, whatever is asked for");
    CHECK(scene->rescuer.sender.count <= MAYDAY_RESCUER_PACKETS, "the packets in flight are bounded");
    frames += scene->frames;
  }
  CHECK(frames > 1000, "it sent frames meanwhile: %lu", frames);
}

int main(int argc, char **argv) {
  if (argc != 2) return 1;
  the_session = json_get(json_load(argv[1], "session-v1.json"), "sessions")->first;
  choice();
  offers();
  answers();
  questions();
  ends();
  silence();
  static const uint8_t trees[] = {33, 35, 36, 55, 63, 64};
  for (unsigned i = 0; i < sizeof trees; i++) runs_of(trees[i]);
  grants();
  noise();
  return check_end("rescuer");
}
