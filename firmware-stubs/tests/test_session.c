/* Replays the sessions of vectors/session-v1.json with the C target (vectors/README.md), and shows it in them what it skips: where an
 * image lies, of vectors/locator-v1.json. */
#include "base/bytes.h"
#include "base/sha256.h"
#include "check.h"
#include "image/tree.h"
#include "json.h"
#include "mayday/ed25519.h"
#include "mayday/target.h"
#include "ram_flash.h"
#include "session/calls.h"
#include "wire/frame.h"

#include <stdlib.h>

#define QUEUE_MAX 64u
#define FRAME_ROOM 128u

typedef struct replay {
  ram_flash flash;
  mayday_port port;
  mayday_line line;
  mayday_sectors sectors;
  mayday_layout layout;
  mayday_identity identity;
  mayday_key key;
  mayday_board board;
  mayday_target target;
  uint32_t now;
  uint8_t nonce[8];
  struct {
    uint8_t bytes[FRAME_ROOM];
    size_t length;
  } queue[QUEUE_MAX];
  size_t queued;
  const char *name;
  uint8_t frame[MAYDAY_FRAME_ROOM(512)];
  uint8_t blocks[MAYDAY_BLOCK_ROOM(1024)];
} replay;

static replay the_replay;

static uint32_t now_ms(void *context) {
  (void)context;
  return the_replay.now;
}

static bool give_nonce(void *context, uint8_t *bytes, size_t length) {
  (void)context;
  memcpy(bytes, the_replay.nonce, length < sizeof the_replay.nonce ? length : sizeof the_replay.nonce);
  return true;
}

/* Acks are asked for at their places; busy and queries may be said at any time. */
static bool is_free(const uint8_t *frame) {
  return (frame[0] & 15u) == MAYDAY_FRAME_CLASS_TARGET_CONTROL ? frame[0] >> 4 == MAYDAY_TARGET_CONTROL_TYPE_ACK || frame[0] >> 4 == MAYDAY_TARGET_CONTROL_TYPE_BUSY
                                                               : frame[1] == MAYDAY_ANNOUNCE_TYPE_QUERY;
}

static bool keep_frame(void *context, const uint8_t *frame, size_t length) {
  replay *replay = context;
  if (is_free(frame) || replay->queued == QUEUE_MAX || length > FRAME_ROOM) return true;
  memcpy(replay->queue[replay->queued].bytes, frame, length);
  replay->queue[replay->queued++].length = length;
  return true;
}

/* The bytes of a block by the rule of a session. */
static void fill_block(const json *rule, uint8_t *out, uint32_t length) {
  const json *fill = json_find(rule, "fill");
  uint32_t start = fill == NULL ? (uint32_t)json_u64(rule, "start") : 0;
  for (uint32_t i = 0; i < length; i++) out[i] = (uint8_t)(fill != NULL ? (uint32_t)fill->number : start + 5u * i + i / 256u);
}

static void fill_slot(replay *replay, const json *rules, uint32_t size, uint32_t block) {
  uint32_t at = 0;
  JSON_EACH(rule, rules) {
    fill_block(rule, replay->flash.bytes + replay->board.map.slots[0].offset + at, mayday_least32(block, size - at));
    at += block;
  }
}

static void open_board(replay *replay) {
  bool is_open = mayday_board_open(&replay->board, &replay->port, &replay->layout, &replay->identity, replay->blocks);
  CHECK(is_open, "%s: the board starts", replay->name);
}

/* Installs the image of the session, and starts it so often that it is proven. */
static void install(replay *replay, const json *image, uint32_t size, uint32_t block) {
  uint8_t envelope[MAYDAY_ENVELOPE_MAX], bytes[1024], hash[32], offered[8];
  mayday_manifest manifest;
  mayday_writer writer;
  size_t length = json_hex(json_get(image, "envelope"), envelope, sizeof envelope);
  uint8_t digest[32];
  json_hex(json_get(image, "digest"), digest, sizeof digest);
  memcpy(offered, digest, sizeof offered);
  uint8_t reason = mayday_board_judge(&replay->board, envelope, length, offered, block, &manifest);
  CHECK(reason == 0, "%s: the board takes the image: %u", replay->name, reason);
  mayday_writer_init(&writer, &replay->board);
  mayday_writer_open(&writer, &manifest);
  CHECK(mayday_writer_begin(&writer, envelope, (uint16_t)length), "%s: the writer begins", replay->name);
  uint32_t number = 0;
  JSON_EACH(rule, json_get(image, "blocks")) {
    uint32_t part = mayday_least32(block, size - number * block);
    fill_block(rule, bytes, part);
    mayday_leaf_hash(&mayday_sha256, bytes, part, hash);
    CHECK(mayday_writer_write(&writer, number, hash, bytes) == MAYDAY_WRITTEN, "%s: block %lu is written", replay->name, (unsigned long)number);
    mayday_writer_unit_done(&writer, number);
    number++;
  }
  CHECK(mayday_writer_commit(&writer, NULL, 0) == 0, "%s: the installed image boots", replay->name);
  for (int start = 0; start < 2; start++) {
    open_board(replay);
    CHECK(mayday_board_attempt(&replay->board), "%s: the board boots", replay->name);
  }
}

static void set_up(replay *replay, const json *session) {
  const json *target = json_get(session, "target"), *image = json_get(session, "image");
  uint32_t size = (uint32_t)json_u64(image, "size"), block = (uint32_t)json_u64(image, "blockSize");
  memset(replay, 0, sizeof *replay);
  replay->name = json_text(session, "name");
  replay->sectors.size = block;
  replay->sectors.count = 64;
  replay->layout.sectors = &replay->sectors;
  replay->layout.sector_runs = 1;
  replay->layout.erased = 0xff;
  replay->layout.write_unit = 16;
  replay->layout.recovery_size = 1024;
  replay->layout.slot_size = 32768;
  replay->flash.size = replay->sectors.count * block;
  replay->flash.bytes = malloc(replay->flash.size);
  memset(replay->flash.bytes, 0xff, replay->flash.size);
  replay->flash.erased = 0xff;
  replay->flash.write_unit = 16;
  replay->flash.fails_in = -1;
  replay->port = ram_port(&replay->flash);
  replay->port.now_ms = now_ms;
  replay->port.random = give_nonce;
  replay->port.verify = mayday_ed25519_verify;
  json_hex(json_get(target, "nodeId"), replay->identity.node_id, 8);
  json_hex(json_get(target, "bootNonce"), replay->nonce, 8);
  json_hex(json_get(target, "trustedKey"), replay->key.bytes, 32);
  replay->key.roles = 1;
  replay->key.counter_max = UINT32_MAX;
  replay->key.step_max = MAYDAY_STEP_DEFAULT;
  replay->identity.vendor = json_text(target, "vendor");
  replay->identity.hardware_class = json_text(target, "hardwareClass");
  replay->identity.revision = (uint16_t)json_u64(target, "revision");
  replay->identity.keys = &replay->key;
  replay->identity.key_count = 1;
  open_board(replay);
  if (json_bool(target, "isImageInstalled")) install(replay, image, size, block);
  fill_slot(replay, json_get(target, "slotBefore"), size, block);
  open_board(replay);
  CHECK(replay->board.decision.failure == json_u64(target, "failure"), "%s: the board does not boot, by reason %u", replay->name,
        replay->board.decision.failure);
  CHECK(replay->board.record.state.floor == json_u64(target, "counterFloor"), "%s: the floor is %lu", replay->name,
        (unsigned long)replay->board.record.state.floor);
  replay->line.rto_floor_ms = 255;
  replay->line.send_frame = keep_frame;
  replay->line.context = replay;
  const mayday_memory memory = {.frame = replay->frame, .frame_size = sizeof replay->frame, .blocks = replay->blocks, .blocks_size = sizeof replay->blocks};
  CHECK(mayday_target_init(&replay->target, &replay->board, &replay->line, &memory, false), "%s: the target starts", replay->name);
  replay->target.payload_max = (uint16_t)json_u64(target, "payloadMax");
  replay->target.asks_run = strcmp(json_text(target, "asks"), "run") == 0;
}

/* Polls until there is nothing to do at this moment. */
static void settle(replay *replay) {
  for (int i = 0; i < 10000; i++) {
    (void)mayday_target_poll(&replay->target);
    if (mayday_target_idle_ms(&replay->target) > 0) return;
  }
  CHECK(false, "%s: the target comes to rest", replay->name);
}

static void pass_time_until_sent(replay *replay) {
  for (int i = 0; i < 20000 && replay->queued == 0; i++) {
    replay->now++;
    settle(replay);
  }
}

/* The ack as it would be at this moment of the vector, whose times are finer than milliseconds. */
static size_t ack_now(const replay *replay, const json *step, uint8_t *out) {
  mayday_acks acks = replay->target.acks;
  uint32_t now_us = acks.highest_us + (uint32_t)json_u64(step, "delayUnits") * MAYDAY_ACK_DELAY_UNIT_US;
  out[0] = MAYDAY_FRAME_CLASS_TARGET_CONTROL;
  mayday_acks_build(&acks, now_us, out + 1);
  return mayday_frame_close(out, 1u + MAYDAY_ACK_BYTES, replay->target.tag);
}

static void expect_frame(replay *replay, const json *step, unsigned number) {
  uint8_t expected[FRAME_ROOM], made[FRAME_ROOM];
  const char *kind = json_text(step, "kind");
  size_t length = json_hex(json_get(step, "frameHex"), expected, sizeof expected);
  if (strcmp(kind, "ack") == 0) {
    size_t got = ack_now(replay, step, made);
    CHECK(got == length && memcmp(made, expected, length) == 0, "%s: step %u is this ack", replay->name, number);
    return;
  }
  if (json_find(step, "by") != NULL) pass_time_until_sent(replay);
  CHECK(replay->queued > 0, "%s: step %u is a %s, and nothing was sent", replay->name, number, kind);
  if (replay->queued == 0) return;
  bool is_same = replay->queue[0].length == length && memcmp(replay->queue[0].bytes, expected, length) == 0;
  CHECK(is_same, "%s: step %u is this %s; sent was %02x %02x", replay->name, number, kind, replay->queue[0].bytes[0], replay->queue[0].bytes[1]);
  memmove(&replay->queue[0], &replay->queue[1], (QUEUE_MAX - 1) * sizeof replay->queue[0]);
  replay->queued--;
}

/* An offer that says where its image lies (6.11): the same frame with the extension behind it. */
static size_t with_locator(uint8_t *frame, size_t length) {
  static const uint8_t extension[] = {MAYDAY_EXTENSION_TYPE_LOCATOR, 0};
  if (frame[0] != (MAYDAY_PROTOCOL_VERSION << 4 | MAYDAY_FRAME_CLASS_ANNOUNCE) || frame[1] != MAYDAY_ANNOUNCE_TYPE_OFFER) return length;
  memcpy(frame + length - MAYDAY_CRC_LENGTH, extension, sizeof extension);
  return mayday_frame_close(frame, length - MAYDAY_CRC_LENGTH + sizeof extension, 0);
}

static void play(const json *session, bool is_located) {
  replay *replay = &the_replay;
  unsigned number = 0;
  set_up(replay, session);
  settle(replay);
  JSON_EACH(step, json_get(session, "steps")) {
    uint8_t frame[600];
    const json *from = json_find(step, "from");
    if (from != NULL && strcmp(from->text, "target") == 0) {
      expect_frame(replay, step, number);
    } else if (from != NULL && json_find(step, "lost") == NULL) {
      CHECK(replay->queued == 0, "%s: before step %u nothing is left over; %u frames are, the first %02x %02x", replay->name, number,
            (unsigned)replay->queued, replay->queue[0].bytes[0], replay->queue[0].bytes[1]);
      size_t length = json_hex(json_get(step, "frameHex"), frame, sizeof frame - 2u);
      mayday_target_frame(&replay->target, frame, is_located ? with_locator(frame, length) : length);
      settle(replay);
    }
    number++;
  }
  const json *image = json_get(session, "image");
  bool is_image = json_bool(json_get(session, "target"), "isSlotImageAfter");
  CHECK((replay->board.decision.failure == 0) == is_image, "%s: the board boots in the end, or not", replay->name);
  uint32_t number_of = 0, size = (uint32_t)json_u64(image, "size"), block = (uint32_t)json_u64(image, "blockSize");
  JSON_EACH(rule, json_get(image, "blocks")) {
    uint8_t bytes[1024];
    uint32_t part = mayday_least32(block, size - number_of * block);
    fill_block(rule, bytes, part);
    bool is_same = memcmp(replay->flash.bytes + replay->board.map.slots[0].offset + number_of * block, bytes, part) == 0;
    CHECK(is_same || !is_image, "%s: block %lu is that of the image", replay->name, (unsigned long)number_of);
    number_of++;
  }
  CHECK(replay->flash.faults == 0, "%s: the rules of NOR flash are kept", replay->name);
  free(replay->flash.bytes);
}

/* The session up to the accept. */
static void accept_offer(replay *replay, const json *session) {
  uint8_t frame[600];
  set_up(replay, session);
  settle(replay);
  JSON_EACH(step, json_get(session, "steps")) {
    if (json_find(step, "kind") == NULL || strcmp(json_text(step, "kind"), "offer") != 0) continue;
    mayday_target_frame(&replay->target, frame, json_hex(json_get(step, "frameHex"), frame, sizeof frame));
    settle(replay);
    break;
  }
  CHECK(replay->target.tag != 0, "%s: the offer is accepted", replay->name);
  replay->queued = 0;
}

/* A locator that nobody asked for is a packet like others: acked, and its content dropped. A request for one is nothing that a
 * rescuer says. */
static void drop_locators(const json *session, const json *vectors) {
  replay *replay = &the_replay;
  unsigned objects = 0;
  accept_offer(replay, session);
  JSON_EACH(vector, json_get(vectors, "frames")) {
    uint8_t frame[600];
    size_t length = json_hex(json_get(vector, "frameHex"), frame, sizeof frame);
    const char *name = json_text(vector, "name");
    if (json_find(vector, "tag") == NULL) continue;
    bool is_object = (frame[0] & 15u) == MAYDAY_FRAME_CLASS_OBJECT;
    const mayday_object_buffer run = replay->target.run, envelope = replay->target.envelope;
    const mayday_session_state state = replay->target.session.state;
    length = mayday_frame_close(frame, length - MAYDAY_CRC_LENGTH, replay->target.tag);
    uint32_t packet = (uint32_t)mayday_u16(frame) >> 4;
    mayday_target_frame(&replay->target, frame, length);
    settle(replay);
    objects += is_object;
    CHECK(!is_object || (replay->target.acks.has_any && replay->target.acks.highest == packet), "%s is acked", name);
    CHECK(memcmp(&run, &replay->target.run, sizeof run) == 0 && memcmp(&envelope, &replay->target.envelope, sizeof run) == 0,
          "%s changes neither run nor manifest", name);
    CHECK(replay->target.session.state == state && replay->queued == 0, "%s is answered by nothing else", name);
  }
  CHECK(objects == 2, "the locators of the vectors were heard");
  free(replay->flash.bytes);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  const json *sessions = json_get(json_load(argv[1], "session-v1.json"), "sessions");
  JSON_EACH(session, sessions) play(session, false);
  JSON_EACH(session, sessions) play(session, true);
  drop_locators(sessions->first, json_load(argv[1], "locator-v1.json"));
  return check_end("the sessions of vectors/session-v1.json");
}
