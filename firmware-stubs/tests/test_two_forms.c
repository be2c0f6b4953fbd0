/* A rescuer and a target on one line that damages bytes: both forms of frames (PROTOCOL.md 2.5). The clock is virtual. */
#include "check.h"
#include "image/envelope.h"
#include "mayday/rescuer.h"
#include "mayday/target.h"
#include "ram_flash.h"
#include "small_image.h"
#include "wire/cobs.h"

#define BAUD 115200u
#define BYTES_A_S (BAUD / 10u)
#define SLOT 65536u
#define FLASH (SLOT + 8192u)
#define QUEUE 65536u

/* Bytes on their way, and what happens to them. */
typedef struct wire {
  uint8_t bytes[QUEUE];
  size_t first, length;
  uint32_t spare;    /* thousandths of a byte that the line may still carry */
  uint32_t chance;
  uint32_t ber;      /* bits in 2^32 that are wrong */
  uint32_t lost;     /* bytes in 2^32 that are lost */
  unsigned long carried;
} wire;

typedef struct world {
  uint32_t now;
  wire to_target, to_rescuer;
  ram_flash flash;
  mayday_sectors sectors;
  mayday_layout layout;
  mayday_identity identity;
  mayday_key key;
  mayday_port target_port, rescuer_port;
  mayday_line line;
  mayday_board board;
  mayday_target target;
  mayday_manifest manifest;
  mayday_source source;
  mayday_self self;
  mayday_rescuer rescuer;
  uint8_t hardware_id[8], chance;
  uint8_t frame[MAYDAY_FRAME_ROOM(1024)];
  uint8_t blocks[4u * MAYDAY_BLOCK_ROOM(1024)];
  uint8_t held[MAYDAY_CODED_ROOM(1024)];
  uint8_t bytes[FLASH];
} world;

static world the_world;
static small_image the_image;

static uint32_t now_ms(void *context) {
  (void)context;
  return the_world.now;
}

static size_t put(wire *wire, const uint8_t *bytes, size_t length) {
  size_t count = 0;
  /* A UART takes some bytes at once. */
  for (; count < length && count < 16u && wire->length < QUEUE; count++)
    wire->bytes[(wire->first + wire->length++) % QUEUE] = bytes[count];
  return count;
}

static size_t send_to_rescuer(void *context, const uint8_t *bytes, size_t length) {
  (void)context;
  return put(&the_world.to_rescuer, bytes, length);
}

static size_t send_to_target(void *context, const uint8_t *bytes, size_t length) {
  (void)context;
  return put(&the_world.to_target, bytes, length);
}

static bool give_chance(void *context, uint8_t *bytes, size_t length) {
  (void)context;
  memset(bytes, ++the_world.chance, length);
  return true;
}

static uint32_t verify(void *context, const uint8_t key[32], const uint8_t signature[64], const uint8_t *message, size_t length) {
  (void)context;
  (void)key;
  return length == 301 && signature[0] == 0x11 && message[0] != 0 ? MAYDAY_SIGNATURE_RIGHT : MAYDAY_SIGNATURE_WRONG;
}

static bool read_image(void *context, uint32_t offset, uint8_t *bytes, size_t length) {
  (void)context;
  memcpy(bytes, the_image.data + offset, length);
  return true;
}

static uint32_t chance(wire *wire) {
  wire->chance ^= wire->chance << 13;
  wire->chance ^= wire->chance >> 17;
  wire->chance ^= wire->chance << 5;
  return wire->chance;
}

/* Takes a byte from the line, if it carries one now. */
static bool carry(wire *wire, uint8_t *byte) {
  while (wire->length > 0 && wire->spare >= 1000u) {
    wire->spare -= 1000u;
    wire->carried++;
    *byte = wire->bytes[wire->first];
    wire->first = (wire->first + 1u) % QUEUE;
    wire->length--;
    for (unsigned bit = 0; bit < 8u; bit++)
      if (wire->ber != 0 && chance(wire) < wire->ber) *byte = (uint8_t)(*byte ^ 1u << bit);
    if (wire->lost == 0 || chance(wire) >= wire->lost) return true;
  }
  if (wire->length == 0) wire->spare = 0;
  return false;
}

static void set_up(double ber, double lost, bool is_target_hunting) {
  static const uint8_t KEY[32] = {7};
  world *world = &the_world;
  if (the_image.data == NULL) {
    the_image = image_make(60000, 10, 1, 3, false);
    image_sign(&the_image, KEY);
  }
  memset(world, 0, sizeof *world);
  world->to_target.chance = 7;
  world->to_rescuer.chance = 9;
  world->to_target.ber = world->to_rescuer.ber = (uint32_t)(ber * 4294967296.0);
  world->to_target.lost = world->to_rescuer.lost = (uint32_t)(lost * 4294967296.0);
  world->sectors = (mayday_sectors){FLASH / 1024u, 1024};
  world->layout.sectors = &world->sectors;
  world->layout.sector_runs = 1;
  world->layout.erased = 0xff;
  world->layout.write_unit = 16;
  world->layout.recovery_size = 1024;
  world->layout.slot_size = SLOT;
  world->flash.bytes = world->bytes;
  world->flash.size = FLASH;
  world->flash.erased = 0xff;
  world->flash.write_unit = 16;
  world->flash.fails_in = -1;
  memset(world->bytes, 0xff, FLASH);
  world->key.roles = 1;
  memcpy(world->key.bytes, KEY, sizeof KEY);
  world->key.counter_max = UINT32_MAX;
  world->key.step_max = MAYDAY_STEP_DEFAULT;
  memset(world->identity.node_id, 0x54, 8);
  world->identity.vendor = VENDOR;
  world->identity.hardware_class = HARDWARE_CLASS;
  world->identity.keys = &world->key;
  world->identity.key_count = 1;
  world->target_port = ram_port(&world->flash);
  world->target_port.now_ms = now_ms;
  world->target_port.tx = send_to_rescuer;
  world->target_port.random = give_chance;
  world->target_port.verify = verify;
  world->line.baud = BAUD;
  world->line.rto_floor_ms = 10;
  CHECK(mayday_board_open(&world->board, &world->target_port, &world->layout, &world->identity, world->blocks), "the board opens");
  const mayday_memory memory = {.frame = world->frame,
                                .frame_size = sizeof world->frame,
                                .blocks = world->blocks,
                                .blocks_size = sizeof world->blocks,
                                .held = is_target_hunting ? world->held : NULL,
                                .held_size = is_target_hunting ? (uint16_t)sizeof world->held : 0u};
  CHECK(mayday_target_init(&world->target, &world->board, &world->line, &memory, false), "the target starts");
  world->rescuer_port.now_ms = now_ms;
  world->rescuer_port.tx = send_to_target;
  world->rescuer_port.random = give_chance;
  CHECK(mayday_manifest_read(the_image.envelope + 45, 256, VENDOR, HARDWARE_CLASS, &world->manifest) == 0, "the manifest is right");
  mayday_hash_all(&mayday_sha256, the_image.envelope + 45, 256, world->manifest.digest);
  mayday_hardware_id(&mayday_sha256, VENDOR, HARDWARE_CLASS, world->hardware_id);
  world->source.read = read_image;
  world->source.envelope = the_image.envelope;
  world->source.envelope_length = the_image.length;
  world->source.is_signed = true;
  world->source.manifest = &world->manifest;
  world->source.hardware_id = world->hardware_id;
  world->source.leaves = the_image.leaves[0];
  world->self.node_id = (const uint8_t *)"rescuer1";
  CHECK(mayday_rescuer_init(&world->rescuer, &world->rescuer_port, &world->line, &world->source, &world->self), "the rescuer starts");
}

/* A millisecond passes. */
static void pass(void) {
  world *world = &the_world;
  uint8_t byte;
  world->now++;
  world->to_target.spare += BYTES_A_S;
  world->to_rescuer.spare += BYTES_A_S;
  while (carry(&world->to_target, &byte)) mayday_target_byte(&world->target, byte);
  while (carry(&world->to_rescuer, &byte)) mayday_rescuer_byte(&world->rescuer, byte);
  for (unsigned i = 0; i < 50u; i++) {
    (void)mayday_target_poll(&world->target);
    if (mayday_target_idle_ms(&world->target) > 0) break;
  }
  for (unsigned i = 0; i < 50u; i++) {
    (void)mayday_rescuer_poll(&world->rescuer);
    if (!mayday_rescuer_is_busy(&world->rescuer)) break;
  }
}

/* Heals the board; returns the share of the line that was the image. */
static double heal(const char *what) {
  world *world = &the_world;
  while (world->now < 120000u && mayday_target_poll(&world->target) != MAYDAY_TARGET_HEALED) pass();
  const uint8_t *slot = world->bytes + world->board.map.slots[0].offset;
  CHECK(world->target.is_healed && memcmp(slot, the_image.data, the_image.size) == 0 && world->flash.faults == 0, "%s: the board is healed", what);
  return (double)the_image.size / ((double)world->now * BYTES_A_S / 1000.0);
}

static void check_lines(void) {
  const world *world = &the_world;
  set_up(0, 0, true);
  double share = heal("a clean line");
  CHECK(share > 0.85 && !world->target.session.is_coded, "a clean line has no packet in the second form: %.3f", share);
  CHECK(mayday_forms_both(&world->target.forms) && mayday_forms_both(&world->rescuer.forms), "both know of each other that they hear it");
  set_up(1e-3, 0, true);
  share = heal("one wrong bit in a thousand");
  CHECK(share > 0.75 && world->target.session.is_coded && world->target.session.mended > 100, "the second form mends them: %.3f, %u bytes", share,
        world->target.session.mended);
  CHECK(world->rescuer.sender.mended > 100 && world->rescuer.form_sizer.damage.has_mended, "and the rescuer knows how many: %u",
        world->rescuer.sender.mended);
  set_up(1e-3, 0, false);
  const double without = heal("the same for a target that hears COBS only");
  CHECK(without < share && !mayday_forms_both(&world->rescuer.forms) && !world->target.session.is_coded, "it gets COBS: %.3f", without);
  set_up(4e-3, 0, true);
  share = heal("four wrong bits in a thousand");
  CHECK(share > 0.5, "worse lines are healed, too: %.3f", share);
  set_up(0, 5e-4, true);
  share = heal("one byte in 2000 lost");
  CHECK(share > 0.45, "what no code mends is sent again: %.3f", share);
}

static void feed(const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) mayday_target_byte(&the_world.target, bytes[i]);
}

/* A query of another node, in the second form. */
static size_t coded_query(uint8_t *frame, size_t *length, uint8_t *out) {
  memset(frame, 0x33, 18);
  frame[0] = 0x10;
  frame[1] = 0x01;
  *length = mayday_frame_close(frame, 18, 0);
  mayday_coder coder;
  size_t count = 0;
  mayday_coder_begin(&coder, frame, *length, MAYDAY_CONTROL_MENDABLE);
  while (mayday_coder_next(&coder, &out[count])) count++;
  return count;
}

/* Frames that begin and do not end. */
static void check_cut_frames(void) {
  uint8_t frame[32], coded[128], run[64];
  size_t length, count = coded_query(frame, &length, coded);
  mayday_target *target = &the_world.target;
  set_up(0, 0, true);
  feed(coded, count);
  CHECK(target->report.frames_in == 1 && target->calls.is_answer_due, "a query in the second form is heard");
  set_up(0, 0, true);
  feed(coded, count / 2u);
  CHECK(target->hunter.length == count / 2u, "what may be a frame is held");
  (void)mayday_target_poll(target);
  CHECK(mayday_target_idle_ms(target) <= 50u, "and looked at after the silence");
  the_world.now += 60u;
  (void)mayday_target_poll(target);
  CHECK(target->hunter.length == 0 && target->runs.length == 0, "which ends it");
  CHECK(target->report.frames_in == 0, "as no frame");
  run[0] = 0;
  const size_t whole = 1u + mayday_cobs_encode(frame, length, run + 1);
  run[whole] = 0;
  feed(coded, count / 2u);
  the_world.now += 100u;
  feed(run, whole + 1u);
  CHECK(target->report.frames_in == 1, "a frame in COBS behind it, and behind a silence, is heard");
  set_up(0, 0, true);
  coded[count - 1u] ^= 1u;
  frame[length - 1u] ^= 1u; /* its CRC */
  mayday_coder coder;
  mayday_coder_begin(&coder, frame, length, 1);
  for (count = 0; mayday_coder_next(&coder, &coded[count]);) count++;
  feed(coded, count);
  feed(run, whole + 1u);
  CHECK(target->report.frames_in == 1, "one with a wrong CRC is no frame, and the frame behind it is");
}

static void check_memory(void) {
  world *world = &the_world;
  mayday_memory memory = {.frame = world->frame, .frame_size = sizeof world->frame, .blocks = world->blocks, .blocks_size = sizeof world->blocks};
  set_up(0, 0, true);
  memory.held = world->held;
  memory.held_size = MAYDAY_CODED_ROOM(64u) - 1u;
  CHECK(!mayday_target_init(&world->target, &world->board, &world->line, &memory, false), "messages have to fit");
  memory.held_size = MAYDAY_CODED_ROOM(64u);
  CHECK(mayday_target_init(&world->target, &world->board, &world->line, &memory, false) && world->target.payload_max == 64u,
        "the largest payload is what fits both buffers: %u", world->target.payload_max);
  memory.held = NULL;
  CHECK(mayday_target_init(&world->target, &world->board, &world->line, &memory, false) && world->target.payload_max == 1024u,
        "without one the second form is not heard");
  CHECK(!world->target.forms.is_hunting, "and nothing says so");
}

int main(void) {
  check_lines();
  check_cut_frames();
  check_memory();
  image_free(&the_image);
  return check_end("two forms");
}
