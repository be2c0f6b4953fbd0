/* A target's clock of 32 bits: near the end of the port's clock, and after weeks of calling (session/clock.c). */
#include "check.h"
#include "mayday/target.h"
#include "ram_flash.h"
#include "wire/frame.h"

#define SECTOR 1024u
#define DAY UINT32_C(86400000)
#define KEPT_MAX 128u

static uint8_t memory[SECTOR * 64u], frame_room[MAYDAY_FRAME_ROOM(128)], blocks[MAYDAY_BLOCK_ROOM(1024)];
static ram_flash flash;
static mayday_port port;
static mayday_board board;
static mayday_target target;
static uint32_t now;

/* Frames that were sent, but queries, and when. */
static struct {
  uint32_t at;
  uint8_t type;
  uint32_t seconds; /* of a defer */
} kept[KEPT_MAX];
static size_t kept_count, queries;

static uint32_t now_ms(void *context) {
  (void)context;
  return now;
}

static bool keep(void *context, const uint8_t *bytes, size_t length) {
  mayday_frame frame;
  (void)context;
  if (kept_count == KEPT_MAX || mayday_frame_parse(bytes, length, target.tag, &frame) != MAYDAY_FAULT_NONE) return true;
  if (frame.kind == MAYDAY_QUERY) {
    queries++;
    return true;
  }
  kept[kept_count].at = now;
  kept[kept_count].type = (uint8_t)frame.kind;
  kept[kept_count++].seconds = frame.kind == MAYDAY_DEFER ? frame.as.defer.seconds : 0;
  return true;
}

/* A board without an image, whose clock begins at `start`. */
static void begin(uint32_t start) {
  static const mayday_sectors sectors = {64, SECTOR};
  static const mayday_layout layout = {
      .sectors = &sectors, .sector_runs = 1, .erased = 0xff, .write_unit = 8, .recovery_size = SECTOR, .slot_size = 32768};
  static const mayday_identity identity = {
      .node_id = {1, 2, 3, 4, 5, 6, 7, 8}, .vendor = "acme", .hardware_class = "pump-7", .is_unsigned_allowed = true};
  static const mayday_line line = {.baud = 0, .rto_floor_ms = 10, .send_frame = keep};
  const mayday_memory room = {.frame = frame_room, .frame_size = sizeof frame_room, .blocks = blocks, .blocks_size = sizeof blocks};
  memset(memory, 0xff, sizeof memory);
  memset(&flash, 0, sizeof flash);
  flash.bytes = memory;
  flash.size = sizeof memory;
  flash.erased = 0xff;
  flash.write_unit = 8;
  flash.fails_in = -1;
  port = ram_port(&flash);
  port.now_ms = now_ms;
  now = start;
  kept_count = queries = 0;
  CHECK(mayday_board_open(&board, &port, &layout, &identity, blocks), "the board opens");
  CHECK(mayday_target_init(&target, &board, &line, &room, false), "the target starts");
}

static void run(uint32_t ms) {
  for (uint32_t i = 0; i < ms; i++) {
    (void)mayday_target_poll(&target);
    now++;
  }
}

/* Lets days pass in which nobody polls but once a week. */
static void sleep_days(uint32_t days) {
  for (; days > 0; days -= 7u) {
    now += 7u * DAY;
    (void)mayday_target_poll(&target);
    CHECK(target.now < UINT32_C(1) << 31, "the target's clock is below 2^31 after a look");
  }
  kept_count = 0;
}

static void offer(uint8_t rescuer_nonce) {
  static const uint8_t id[8] = {9, 9}, digest[8] = {7, 7, 7};
  uint8_t nonce[8] = {rescuer_nonce}, bytes[128];
  mayday_frame frame;
  memset(&frame, 0, sizeof frame);
  frame.kind = MAYDAY_OFFER;
  frame.as.offer.rescuer_id = id;
  frame.as.offer.rescuer_nonce = nonce;
  frame.as.offer.target_nonce = target.boot_nonce;
  frame.as.offer.digest = digest;
  frame.as.offer.block_log2 = 10;
  size_t length = mayday_frame_write(&frame, bytes, sizeof bytes - 4u);
  kept_count = 0;
  mayday_target_frame(&target, bytes, mayday_frame_close(bytes, length, 0));
}

static void check_calls(const char *when) {
  kept_count = 0;
  run(20000);
  CHECK(kept_count >= 10u && kept_count <= 12u, "%s, a target calls every two seconds, not %zu times in 20 s", when, kept_count);
  for (size_t i = 1; i < kept_count; i++) {
    uint32_t passed = kept[i].at - kept[i - 1u].at;
    CHECK(kept[i].type == MAYDAY_DISTRESS && passed >= 1800u && passed <= 2000u, "%s, a call comes %lu ms after the one before",
          when, (unsigned long)passed);
  }
}

/* The end of the port's clock changes nothing. */
static void check_port_wrap(void) {
  uint32_t first[KEPT_MAX];
  begin(0);
  run(100000);
  size_t count = kept_count;
  for (size_t i = 0; i < count; i++) first[i] = kept[i].at;
  begin(0xffff0000u);
  run(100000);
  CHECK(count > 60u && kept_count == count, "a target whose clock begins near its end calls as often as another one");
  for (size_t i = 0; i < count && i < kept_count; i++)
    CHECK(kept[i].at - 0xffff0000u == first[i], "call %zu comes at the same time", i);
}

static void check_weeks(void) {
  begin(0);
  run(30000);
  for (int i = 0; i < 8; i++) {
    sleep_days(21);
    check_calls("after some weeks more");
  }
  CHECK(queries == 0 && !target.calls.is_knock_over, "no session fell silent: queries neither were sent nor are over");
}

/* What is kept of times is set back with the clock: the pause after eight images in an hour (6.5), and a session's limits. */
static void check_set_back(void) {
  begin(0);
  run(1000);
  (void)mayday_target_poll(&target);
  target.now = (UINT32_C(1) << 31) - 1000u;
  for (size_t i = 0; i < MAYDAY_CHANGES_MAX; i++) target.changes[i] = target.now;
  run(3000);
  CHECK(target.now < UINT32_C(1) << 31 && target.now > UINT32_C(1) << 30, "the clock was set back by 2^30");
  offer(1);
  CHECK(kept_count == 1 && kept[0].type == MAYDAY_DEFER && kept[0].seconds == 3597u, "after three seconds of an hour the rest is named");
  now += 3597u * 1000u - 1u;
  offer(2);
  CHECK(kept_count == 1 && kept[0].type == MAYDAY_DEFER && kept[0].seconds == 1u, "a millisecond before its end the hour is not over");
  now++;
  offer(3);
  CHECK(kept_count == 1 && kept[0].type == MAYDAY_ACCEPT, "when it is over, an offer is accepted");
  target.now = (UINT32_C(1) << 31) - 10u;
  target.session.heard_at = target.now;
  target.session.repeat_at = target.now + 100u;
  target.session.lease_end = target.now + MAYDAY_LEASE_MIN_MS;
  run(MAYDAY_LEASE_MIN_MS - 10u);
  CHECK(mayday_target_poll(&target) == MAYDAY_TARGET_SERVED, "the lease is set back with the clock");
  run(100);
  CHECK(mayday_target_poll(&target) == MAYDAY_TARGET_CALLING, "and ends");
  check_calls("after a session over which the clock was set back");
}

int main(void) {
  check_port_wrap();
  check_weeks();
  check_set_back();
  return check_end("a target's clock");
}
