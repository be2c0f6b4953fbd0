/* A whole board with its target: the input says what a rescuer sends, right or with some bytes changed, how much time passes, when
 * the power goes, and when the flash fails. Whatever that is, the rules of flash are kept, and nothing boots but the one image that
 * is signed. */
#include "input.h"
#include "../ram_flash.h"
#include "../small_image.h"

#include "mayday/target.h"
#include "session/walk.h"
#include "wire/frame.h"

#define BLOCK_LOG2 10u
#define BLOCK 1024u
#define IMAGE_BYTES 20100u
#define SLOT_BYTES 24576u
#define SECTORS 64u
#define FRAME_ROOM 1100u
#define POLLS_MAX 60u

/* What an input is made of, a byte each; all others are bytes of the line. */
enum { TIME, LONG_TIME, OFFER, MANIFEST, WANTED_RUN, UNIFORM, WANTED_BLOCK, PROBE, LATER, DONE_ACK, BYE, QUERY, BEACON, NONE, RESTART, FAIL, RAW, KINDS };

typedef struct world {
  ram_flash flash;
  mayday_port port;
  mayday_line line;
  mayday_layout layout;
  mayday_sectors sectors;
  mayday_identity identity;
  mayday_key key;
  mayday_board board;
  mayday_target target;
  small_image image;
  uint32_t now;
  uint16_t packet;
  uint8_t nonce; /* of the last offer */
  uint8_t frame[MAYDAY_FRAME_ROOM(1024)];
  uint8_t blocks[2u * MAYDAY_BLOCK_ROOM(BLOCK)];
  uint8_t bytes[SECTORS * BLOCK];
} world;

static world the_world;

static uint32_t now_ms(void *context) {
  (void)context;
  return the_world.now;
}

static bool give_chance(void *context, uint8_t *bytes, size_t length) {
  (void)context;
  memset(bytes, 0x21, length);
  return true;
}

/* Right is the signature of the one image, and of nothing else. */
static uint32_t verify(void *context, const uint8_t key[32], const uint8_t signature[64], const uint8_t *message, size_t length) {
  const small_image *image = &the_world.image;
  (void)context;
  (void)key;
  bool is_right = length == 301 && memcmp(message + 45, image->envelope + 45, 256) == 0 && memcmp(signature, image->envelope + 303, 64) == 0;
  return is_right ? MAYDAY_SIGNATURE_RIGHT : MAYDAY_SIGNATURE_WRONG;
}

static size_t take_all(void *context, const uint8_t *bytes, size_t length) {
  (void)context;
  (void)bytes;
  return length;
}

static void set_up(world *world, input *in) {
  static const uint8_t KEY[32] = {7};
  uint8_t shape = take8(in);
  small_image image = world->image.data == NULL ? image_make(IMAGE_BYTES, BLOCK_LOG2, 1, 3, (shape & 8u) != 0) : world->image;
  if (world->image.data == NULL) image_sign(&image, KEY);
  memset(world, 0, sizeof *world);
  world->image = image;
  world->sectors.size = (shape & 1u) != 0 ? 4096u : 1024u;
  world->sectors.count = SECTORS * BLOCK / world->sectors.size;
  world->layout.sectors = &world->sectors;
  world->layout.sector_runs = 1;
  world->layout.is_ab = (shape & 2u) != 0 && world->sectors.size == 1024u;
  world->layout.are_manifests_in_record = (shape & 4u) != 0 && world->sectors.size == 4096u;
  world->layout.erased = (shape & 16u) != 0 ? 0x00 : 0xff;
  world->layout.write_unit = 16;
  world->layout.recovery_size = 1024;
  world->layout.slot_size = world->layout.is_ab ? 21000u : SLOT_BYTES;
  world->flash.bytes = world->bytes;
  world->flash.size = sizeof world->bytes;
  world->flash.erased = world->layout.erased;
  world->flash.write_unit = 16;
  world->flash.fails_in = -1;
  memset(world->bytes, world->layout.erased, sizeof world->bytes);
  world->port = ram_port(&world->flash);
  world->port.now_ms = now_ms;
  world->port.tx = take_all;
  world->port.random = give_chance;
  world->port.verify = verify;
  world->key.roles = 1;
  memcpy(world->key.bytes, KEY, sizeof KEY);
  world->key.counter_max = UINT32_MAX;
  world->key.step_max = MAYDAY_STEP_DEFAULT;
  memset(world->identity.node_id, 0x54, 8);
  world->identity.vendor = VENDOR;
  world->identity.hardware_class = HARDWARE_CLASS;
  world->identity.keys = &world->key;
  world->identity.key_count = 1;
  world->identity.is_update_allowed = true;
  world->identity.is_single_update_allowed = true;
  world->line.baud = (shape & 32u) != 0 ? 115200u : 0u;
  world->line.rto_floor_ms = 10;
  world->line.is_deaf_while_writing = (shape & 64u) != 0;
}

/* What boots is the image, byte for byte. */
static void look(const world *world) {
  HOLDS(world->flash.faults == 0);
  if (world->board.decision.failure != 0) return;
  const uint8_t *slot = world->bytes + world->board.map.slots[world->board.decision.slot].offset;
  HOLDS(memcmp(slot, world->image.data, world->image.size) == 0);
}

static void start(world *world) {
  world->flash.fails_in = -1;
  (void)mayday_board_open(&world->board, &world->port, &world->layout, &world->identity, world->blocks);
  (void)mayday_board_attempt(&world->board);
  look(world);
  const mayday_memory memory = {.frame = world->frame, .frame_size = sizeof world->frame, .blocks = world->blocks, .blocks_size = sizeof world->blocks};
  HOLDS(mayday_target_init(&world->target, &world->board, &world->line, &memory, true));
  world->packet = 0;
}

static void settle(world *world) {
  for (unsigned polls = 0; polls < POLLS_MAX; polls++) {
    (void)mayday_target_poll(&world->target);
    if (mayday_target_idle_ms(&world->target) > 0) break;
  }
  look(world);
}

/* Sends a frame, some bytes of it changed as the input says, with a right CRC. */
static void say(world *world, input *in, const mayday_frame *frame) {
  uint8_t bytes[FRAME_ROOM];
  size_t length = mayday_frame_write(frame, bytes, sizeof bytes - MAYDAY_CRC_LENGTH);
  if (length == 0) return;
  for (uint8_t changes = take8(in) & 3u; changes > 0; changes--) {
    uint32_t at = (uint32_t)take8(in) << 8 | take8(in);
    bytes[at % length] = (uint8_t)(bytes[at % length] ^ take8(in));
  }
  uint32_t tag = (bytes[0] & 15u) == MAYDAY_FRAME_CLASS_ANNOUNCE ? 0 : world->target.tag;
  mayday_target_frame(&world->target, bytes, mayday_frame_close(bytes, length, tag));
}

static void say_object(world *world, input *in, uint8_t kind, uint8_t level, uint32_t index, const uint8_t *bytes, uint16_t total) {
  uint16_t part = (uint16_t)(32u << (take8(in) % 5u));
  for (uint16_t at = 0; at < total; at = (uint16_t)(at + part)) {
    mayday_frame frame;
    memset(&frame, 0, sizeof frame);
    frame.kind = MAYDAY_OBJECT;
    frame.as.object.packet = world->packet++ & 0xfffu;
    frame.as.object.object_kind = kind;
    frame.as.object.level = level;
    frame.as.object.index = index;
    frame.as.object.offset = at;
    frame.as.object.total = total;
    frame.as.object.payload = bytes + at;
    frame.as.object.length = total - at < part ? (uint16_t)(total - at) : part;
    say(world, in, &frame);
  }
}

/* The hash of a node, by its leaves. */
static void node_hash(const world *world, uint8_t level, uint32_t index, uint8_t out[32]) {
  mayday_folding folding;
  mayday_folding_init(&folding);
  uint32_t first = index << level;
  for (uint32_t i = 0; i < UINT32_C(1) << level && first + i < world->image.shape.leaves; i++)
    mayday_folding_add(&mayday_sha256, &folding, world->image.leaves[first + i]);
  mayday_folding_end(&mayday_sha256, &folding, out);
}

static bool is_receiving(const world *world) {
  return world->target.session.state == MAYDAY_SESSION_RECEIVING && world->target.walk.depth > 0;
}

static void say_run(world *world, input *in, bool is_claim) {
  const mayday_shape *shape = &world->image.shape;
  uint8_t level = mayday_root_level(shape), hashes[16][32];
  uint32_t index = 0, first;
  if (is_receiving(world)) {
    level = mayday_walk_wanted(&world->target.walk)->level;
    index = mayday_walk_wanted(&world->target.walk)->index;
  }
  uint8_t count = mayday_run_length(shape, level, index, &first);
  if (is_claim) hashes[0][0] = take8(in);
  for (uint8_t i = 0; i < count && !is_claim; i++) node_hash(world, mayday_run_level(level), first + i, hashes[i]);
  uint8_t kind = is_claim ? MAYDAY_OBJECT_KIND_UNIFORM : MAYDAY_OBJECT_KIND_RUN;
  say_object(world, in, kind, level, index, hashes[0], is_claim ? 1u : (uint16_t)(count * 32u));
}

static void say_block(world *world, input *in) {
  const mayday_open_block *open = NULL;
  for (uint8_t i = 0; i < world->target.blocks.max && open == NULL; i++)
    if (world->target.blocks.open[i].state == MAYDAY_BLOCK_OPEN) open = &world->target.blocks.open[i];
  uint32_t number = open == NULL ? take8(in) % world->image.shape.leaves : open->number;
  uint32_t length = mayday_block_length(&world->image.shape, number);
  for (uint32_t at = 0; at < length; at += 512u) {
    mayday_frame frame;
    memset(&frame, 0, sizeof frame);
    frame.kind = MAYDAY_DATA;
    frame.as.data.packet = world->packet++ & 0xfffu;
    /* Of an image below 2 MiB. */
    frame.as.data.attempt = open == NULL ? 0 : open->failures & 1u;
    frame.as.data.position = (uint16_t)((number * (BLOCK / 32u) + at / 32u) & 0xffffu);
    frame.as.data.payload = world->image.data + number * BLOCK + at;
    frame.as.data.length = (uint16_t)(length - at < 512u ? length - at : 512u);
    say(world, in, &frame);
  }
}

static void say_message(world *world, input *in, uint8_t kind) {
  static const uint8_t OTHER[8] = {0x52, 2, 3, 4, 5, 6, 7, 8};
  uint8_t rescuer_nonce[8];
  memset(rescuer_nonce, world->nonce, sizeof rescuer_nonce);
  mayday_frame frame;
  memset(&frame, 0, sizeof frame);
  if (kind == OFFER) {
    world->nonce = take8(in);
    memset(rescuer_nonce, world->nonce, sizeof rescuer_nonce);
    frame.kind = MAYDAY_OFFER;
    frame.as.offer.rescuer_id = OTHER;
    frame.as.offer.rescuer_nonce = rescuer_nonce;
    frame.as.offer.target_nonce = world->target.boot_nonce;
    frame.as.offer.digest = world->image.digest;
    frame.as.offer.size = world->image.size;
    frame.as.offer.block_log2 = BLOCK_LOG2;
    if (world->target.session.state == MAYDAY_SESSION_NONE) world->packet = 0;
  } else if (kind == PROBE) {
    frame.kind = MAYDAY_PROBE;
    world->packet = (uint16_t)(world->packet + take8(in) % 3u);
    frame.as.probe.packet = world->packet & 0xfffu;
  } else if (kind == LATER) {
    frame.kind = MAYDAY_LATER;
    frame.as.pause.ms = (uint16_t)(take8(in) * 257u);
  } else if (kind == DONE_ACK) {
    frame.kind = MAYDAY_DONE_ACK;
    frame.as.done.digest = world->image.digest;
  } else if (kind == BYE) {
    frame.kind = MAYDAY_BYE;
    frame.as.bye.target_nonce = world->target.boot_nonce;
    frame.as.bye.rescuer_nonce = rescuer_nonce;
    frame.as.bye.reason = take8(in);
  } else if (kind == QUERY) {
    frame.kind = MAYDAY_QUERY;
    frame.as.query.node_id = OTHER;
    frame.as.query.boot_nonce = OTHER;
  } else if (kind == BEACON) {
    frame.kind = MAYDAY_BEACON;
    frame.as.beacon.node_id = OTHER;
    frame.as.beacon.boot_nonce = OTHER;
    frame.as.beacon.hardware_id = OTHER;
    frame.as.beacon.flags = MAYDAY_BEACON_FLAG_BOOTABLE;
    frame.as.beacon.installed = OTHER;
    frame.as.beacon.receiving = OTHER;
  } else {
    frame.kind = MAYDAY_NONE;
    frame.as.none.rescuer_id = OTHER;
    frame.as.none.target_nonce = world->target.boot_nonce;
    frame.as.none.reason = take8(in);
  }
  say(world, in, &frame);
}

static void take_step(world *world, input *in) {
  uint8_t kind = take8(in) % KINDS;
  switch (kind) {
    case TIME:
      world->now += take8(in);
      break;
    case LONG_TIME:
      world->now += take8(in) * UINT32_C(997);
      break;
    case MANIFEST:
      say_object(world, in, MAYDAY_OBJECT_KIND_MANIFEST, 0, 0, world->image.envelope, world->image.length);
      break;
    case WANTED_RUN:
    case UNIFORM:
      say_run(world, in, kind == UNIFORM);
      break;
    case WANTED_BLOCK:
      say_block(world, in);
      break;
    case RESTART:
      start(world);
      break;
    case FAIL:
      world->flash.fails_in = take8(in);
      break;
    case RAW:
      for (uint8_t count = take8(in); count > 0 && in->length > 0; count--) mayday_target_byte(&world->target, take8(in));
      break;
    default:
      say_message(world, in, kind);
      break;
  }
  settle(world);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  input in = {bytes, length};
  set_up(&the_world, &in);
  start(&the_world);
  settle(&the_world);
  while (in.length > 0) take_step(&the_world, &in);
  return 0;
}
