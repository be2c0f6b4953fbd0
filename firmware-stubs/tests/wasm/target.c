/* A board and its target as a module of WebAssembly: one instance is one board. The host gives clock, line, flash, chance and the
 * check of signatures; what is passed by reference lies in the exchange. */
#include "base/bytes.h"
#include "host.h"
#include "mayday/target.h"

#define SECTOR_RUNS_MAX 16u
#define KEYS_MAX 4u
#define LINK_KEY_MAX 1024u

IMPORT("read") uint32_t host_read(uint32_t offset, uint8_t *bytes, uint32_t length);
IMPORT("erase") uint32_t host_erase(uint32_t offset, uint32_t length);
IMPORT("program") uint32_t host_program(uint32_t offset, const uint8_t *bytes, uint32_t length);
IMPORT("verify") uint32_t host_verify(const uint8_t *key, const uint8_t *signature, const uint8_t *message, uint32_t length);

static struct {
  mayday_sectors sectors[SECTOR_RUNS_MAX];
  mayday_layout layout;
  mayday_identity identity;
  mayday_key keys[KEYS_MAX];
  mayday_port port;
  mayday_board board;
  mayday_line line;
  mayday_target target;
  char vendor[33], hardware_class[33];
  uint8_t link_key[LINK_KEY_MAX];
  uint8_t frame[MAYDAY_FRAME_ROOM(MAYDAY_PAYLOAD_MAX)];
#if MAYDAY_WITH_FEC
  uint8_t held[MAYDAY_CODED_ROOM(MAYDAY_PAYLOAD_MAX)];
#endif
  uint8_t blocks[MAYDAY_OPEN_BLOCKS_MAX * MAYDAY_BLOCK_ROOM(MAYDAY_BLOCK_MAX)];
} the;

static bool flash_read(void *context, uint32_t offset, uint8_t *bytes, size_t length) {
  (void)context;
  return host_read(offset, bytes, length) != 0;
}

static bool flash_erase(void *context, uint32_t offset, uint32_t length) {
  (void)context;
  return host_erase(offset, length) != 0;
}

static bool flash_program(void *context, uint32_t offset, const uint8_t *bytes, size_t length) {
  (void)context;
  return host_program(offset, bytes, length) != 0;
}

static uint32_t verify(void *context, const uint8_t key[32], const uint8_t signature[64], const uint8_t *message, size_t length) {
  (void)context;
  return host_verify(key, signature, message, length) != 0 ? MAYDAY_SIGNATURE_RIGHT : MAYDAY_SIGNATURE_WRONG;
}

EXPORT("add_sectors") void add_sectors(uint32_t count, uint32_t size) {
  mayday_sectors *run = &the.sectors[the.layout.sector_runs++];
  run->count = count;
  run->size = size;
}

EXPORT("set_layout")
void set_layout(uint32_t is_ab, uint32_t in_record, uint32_t erased, uint32_t write_unit, uint32_t recovery_size, uint32_t slot_size) {
  the.layout.sectors = the.sectors;
  the.layout.is_ab = is_ab != 0;
  the.layout.are_manifests_in_record = in_record != 0;
  the.layout.erased = (uint8_t)erased;
  the.layout.write_unit = (uint16_t)write_unit;
  the.layout.recovery_size = recovery_size;
  the.layout.slot_size = slot_size;
}

/* In `exchange`: the node id, then vendor and class, each in 33 bytes that end with zeros. */
EXPORT("set_identity") void set_identity(uint32_t revision, uint32_t unsigned_allowed, uint32_t update_allowed, uint32_t single_allowed) {
  memcpy(the.identity.node_id, the_exchange, 8);
  memcpy(the.vendor, the_exchange + 8, sizeof the.vendor);
  memcpy(the.hardware_class, the_exchange + 8 + sizeof the.vendor, sizeof the.hardware_class);
  the.identity.vendor = the.vendor;
  the.identity.hardware_class = the.hardware_class;
  the.identity.revision = (uint16_t)revision;
  the.identity.keys = the.keys;
  the.identity.is_unsigned_allowed = unsigned_allowed != 0;
  the.identity.is_update_allowed = update_allowed != 0;
  the.identity.is_single_update_allowed = single_allowed != 0;
}

/* In `exchange`: 32 bytes. */
EXPORT("add_key") void add_key(uint32_t roles, uint32_t counter_max, uint32_t step_max) {
  mayday_key *key = &the.keys[the.identity.key_count++];
  memcpy(key->bytes, the_exchange, sizeof key->bytes);
  key->roles = (uint8_t)roles;
  key->counter_max = counter_max;
  key->step_max = step_max;
}

/* In the exchange: the bytes of the secret. */
EXPORT("set_link_key") void set_link_key(uint32_t length) {
  if (length > LINK_KEY_MAX) length = LINK_KEY_MAX;
  memcpy(the.link_key, the_exchange, length);
  the.line.link_key = the.link_key;
  the.line.link_key_length = (uint16_t)length;
}

EXPORT("open") uint32_t open_board(void) {
  the.port.now_ms = now_ms;
  the.port.tx = tx;
  the.port.flash_read = flash_read;
  the.port.flash_erase = flash_erase;
  the.port.flash_program = flash_program;
  the.port.verify = verify;
  the.port.random = random_bytes;
  return mayday_board_open(&the.board, &the.port, &the.layout, &the.identity, the.blocks);
}

/* 0: it boots; else why not (PROTOCOL.md 5.2). */
EXPORT("failure") uint32_t failure(void) {
  return the.board.decision.failure;
}

EXPORT("attempt") uint32_t attempt(void) {
  return mayday_board_attempt(&the.board);
}

EXPORT("confirm") uint32_t confirm(void) {
  return mayday_board_confirm(&the.board);
}

/* `blocks`: bytes of block buffers; `payload_max`: 32 to 4096. */
EXPORT("start") uint32_t start(uint32_t baud, uint32_t rto_floor_ms, uint32_t is_deaf, uint32_t blocks, uint32_t payload_max, uint32_t is_forced) {
  mayday_memory memory = {.frame = the.frame};
  the.line.baud = baud;
  the.line.rto_floor_ms = (uint8_t)rto_floor_ms;
  the.line.is_deaf_while_writing = is_deaf != 0;
  memory.frame_size = MAYDAY_FRAME_ROOM(payload_max);
#if MAYDAY_WITH_FEC
  memory.held = the.held;
  memory.held_size = sizeof the.held;
#endif
  memory.blocks = the.blocks;
  memory.blocks_size = blocks < sizeof the.blocks ? blocks : sizeof the.blocks;
  bool is_started = mayday_target_init(&the.target, &the.board, &the.line, &memory, is_forced != 0);
  if (payload_max < the.target.payload_max) the.target.payload_max = (uint16_t)payload_max;
  return is_started;
}

/* Bytes of the line, in the exchange. */
EXPORT("bytes") void take_bytes(uint32_t length) {
  for (uint32_t i = 0; i < length; i++) mayday_target_byte(&the.target, the_exchange[i]);
}

EXPORT("poll") uint32_t poll(void) {
  return mayday_target_poll(&the.target);
}

EXPORT("idle_ms") uint32_t idle_ms(void) {
  return mayday_target_idle_ms(&the.target);
}

EXPORT("stop") void stop(void) {
  mayday_target_stop(&the.target);
}

/* Numbers of mayday_target_report, in the exchange: blocks written, frames, bad frames, sessions, refusal, none; with
 * MAYDAY_WITH_LINK_KEY unauthentic frames and the mismatch of keys, else zeros. */
EXPORT("report") void report(void) {
  const mayday_target_report *now = &the.target.report;
  mayday_put32(the_exchange, now->blocks_written);
  mayday_put32(the_exchange + 4, now->frames_in);
  mayday_put32(the_exchange + 8, now->frames_bad);
  mayday_put32(the_exchange + 12, now->sessions);
  mayday_put32(the_exchange + 16, now->refused);
  mayday_put32(the_exchange + 20, now->none);
  memset(the_exchange + 24, 0, 8);
#if MAYDAY_WITH_LINK_KEY
  mayday_put32(the_exchange + 24, now->frames_unauthentic);
  mayday_put32(the_exchange + 28, now->mismatch);
#endif
}
