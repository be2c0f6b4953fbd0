/* A board as a WebAssembly module, for the power-cut laboratory. Flash, hash and signature check are imports: a power cut is an
 * exception thrown out of one of them, after which the instance is of no use any more. */
#include "board/inner.h"
#include "flash/map.h"
#include "flash/record.h"
#include "libc.h"

#include <string.h>

/* Bytes that the host gives at a time, and of the longest message that it hashes: a block behind its first byte. */
#define PAGE 4096u
#define MESSAGE_MAX (1u + 65536u)

/* False: a bit of the page reads at random, or the flash ends within it. */
IMPORT("page") extern bool host_page(uint32_t offset, uint8_t *bytes);
IMPORT("read") extern bool host_read(uint32_t offset, uint8_t *bytes, size_t length);
IMPORT("erase") extern bool host_erase(uint32_t offset, uint32_t length);
IMPORT("program") extern bool host_program(uint32_t offset, const uint8_t *bytes, size_t length);
IMPORT("hash") extern void host_hash(const uint8_t *bytes, size_t length, uint8_t *digest);
IMPORT("verify") extern uint32_t host_verify(const uint8_t *key, const uint8_t *signature, const uint8_t *message, size_t length);

/* The page that was read last, as flash is read in small pieces. */
static uint8_t page[PAGE];
static uint32_t page_at = UINT32_MAX;

static bool read(void *context, uint32_t offset, uint8_t *bytes, size_t length) {
  (void)context;
  uint32_t at = offset % PAGE;
  if (at + length > PAGE) return host_read(offset, bytes, length);
  if (page_at != offset - at) {
    page_at = UINT32_MAX;
    if (!host_page(offset - at, page)) return host_read(offset, bytes, length);
    page_at = offset - at;
  }
  memcpy(bytes, page + at, length);
  return true;
}

static bool erase(void *context, uint32_t offset, uint32_t length) {
  (void)context;
  page_at = UINT32_MAX;
  return host_erase(offset, length);
}

static bool program(void *context, uint32_t offset, const uint8_t *bytes, size_t length) {
  (void)context;
  page_at = UINT32_MAX;
  return host_program(offset, bytes, length);
}

/* The message whose hash is being made; one at a time. */
static struct {
  const mayday_hash_state *of;
  size_t length;
  uint8_t bytes[MESSAGE_MAX];
} message;

static void hash_begin(mayday_hash_state *state) {
  if (message.of != NULL) __builtin_trap();
  message.of = state;
  message.length = 0;
}

static void hash_add(mayday_hash_state *state, const uint8_t *bytes, size_t length) {
  if (message.of != state || length > sizeof message.bytes - message.length) __builtin_trap();
  memcpy(message.bytes + message.length, bytes, length);
  message.length += length;
}

static void hash_end(mayday_hash_state *state, uint8_t digest[32]) {
  if (message.of != state) __builtin_trap();
  message.of = NULL;
  host_hash(message.bytes, message.length, digest);
}

static const mayday_hash host_sha256 = {hash_begin, hash_add, hash_end};

static uint32_t verify(void *context, const uint8_t key[32], const uint8_t signature[64], const uint8_t *message, size_t length) {
  (void)context;
  return host_verify(key, signature, message, length);
}

/* The host writes these before it opens the board. */
static mayday_sectors sectors[16];
static mayday_layout layout;
static mayday_key key = {{0}, 1, UINT32_MAX, MAYDAY_STEP_DEFAULT};
static mayday_identity identity;
static char names[2][33];
static mayday_port port;
static mayday_board board;
static mayday_writer writer;
static mayday_manifest accepted;
static uint8_t scratch[MAYDAY_SCRATCH_BYTES];
static uint8_t envelope[MAYDAY_ENVELOPE_MAX];
static uint8_t hash[32];
static uint8_t block[65536 + 256];

EXPORT("key") uint8_t *export_key(void) { return key.bytes; }
EXPORT("name") char *export_name(uint32_t which) { return names[which & 1u]; }
EXPORT("envelope") uint8_t *export_envelope(void) { return envelope; }
EXPORT("hash") uint8_t *export_hash(void) { return hash; }
EXPORT("block") uint8_t *export_block(void) { return block; }

EXPORT("sectors") void export_sectors(uint32_t run, uint32_t count, uint32_t size) {
  sectors[run & 15u].count = count;
  sectors[run & 15u].size = size;
  layout.sector_runs = (uint8_t)((run & 15u) + 1u);
}

EXPORT("layout") void export_layout(bool is_ab, bool are_manifests_in_record, uint32_t erased, uint32_t write_unit,
                                  uint32_t recovery_size, uint32_t slot_size) {
  layout.sectors = sectors;
  layout.is_ab = is_ab;
  layout.are_manifests_in_record = are_manifests_in_record;
  layout.erased = (uint8_t)erased;
  layout.write_unit = (uint16_t)write_unit;
  layout.recovery_size = recovery_size;
  layout.slot_size = slot_size;
}

/* 0: it opened; 1: the layout is none; 2: the flash failed. */
EXPORT("open") uint32_t export_open(void) {
  port.flash_read = read;
  port.flash_erase = erase;
  port.flash_program = program;
  port.verify = verify;
  port.hash = &host_sha256;
  identity.vendor = names[0];
  identity.hardware_class = names[1];
  identity.keys = &key;
  identity.key_count = 1;
  identity.is_update_allowed = true;
  identity.is_single_update_allowed = true;
  if (!mayday_layout_is_right(&layout)) return 1;
  bool is_open = mayday_board_open(&board, &port, &layout, &identity, scratch);
  mayday_writer_init(&writer, &board);
  return is_open ? 0 : 2;
}

/* The decision as at a start, whatever runs. */
EXPORT("decide") void export_decide(void) {
  board.is_running = false;
  mayday_board_decide(&board);
}

EXPORT("attempt") bool export_attempt(void) { return mayday_board_attempt(&board); }
EXPORT("confirm") bool export_confirm(void) { return mayday_board_confirm(&board); }
EXPORT("failure") uint32_t export_failure(void) { return board.decision.failure; }
EXPORT("slot") uint32_t export_slot(void) { return board.decision.slot; }
EXPORT("is_trial") bool export_is_trial(void) { return board.decision.is_trial; }
EXPORT("digest") const uint8_t *export_digest(void) { return board.record.state.slots[board.decision.slot].digest; }
EXPORT("floor") uint32_t export_floor(void) { return board.record.state.floor; }
EXPORT("has_failed") bool export_has_failed(void) { return board.has_failed; }

/* What the record says of a slot: whether it knows one, then flags, boots, area and rank. */
EXPORT("slot_field") uint32_t export_slot_field(uint32_t slot, uint32_t field) {
  const mayday_slot_record *record = &board.record.state.slots[slot & 1u];
  switch (field) {
    case 0: return record->flags != 0;
    case 1: return (record->flags & MAYDAY_SLOT_CONFIRMED) != 0;
    case 2: return (record->flags & MAYDAY_SLOT_REVERTED) != 0;
    case 3: return (record->flags & MAYDAY_SLOT_UNPROVEN) != 0;
    case 4: return record->boots;
    case 5: return record->area;
    default: return record->rank;
  }
}

EXPORT("slot_digest") const uint8_t *export_slot_digest(uint32_t slot) { return board.record.state.slots[slot & 1u].digest; }

/* Why what the record names in a slot does not boot; 0 when it does. */
EXPORT("verify_slot") uint32_t export_verify_slot(uint32_t slot) {
  const mayday_slot_record *record = &board.record.state.slots[slot & 1u];
  mayday_image image = {.slot = (uint8_t)(slot & 1u), .area = record->area, .digest = record->digest};
  return mayday_image_check(&board, &image, 0);
}

/* Where the manifest of an area lies in the boot record; UINT32_MAX when nowhere. */
EXPORT("place") uint32_t export_place(uint32_t area) {
  uint32_t offset;
  return mayday_record_place(&board, (uint8_t)area, &offset) ? offset : UINT32_MAX;
}

/* An entry that says again what the floor is. */
EXPORT("add_entry") bool export_add_entry(void) {
  uint8_t entry[MAYDAY_ENTRY_LENGTH];
  bool is_there;
  (void)mayday_state_snapshot(&board.record.state, 0, entry, &is_there);
  return mayday_record_append(&board, entry, NULL);
}

EXPORT("status_floor") uint32_t export_status_floor(void) { return mayday_board_floor(&board); }
EXPORT("installed") const uint8_t *export_installed(void) { return board.is_installed ? board.installed : NULL; }
EXPORT("receiving") const uint8_t *export_receiving(void) { return board.record.state.is_receiving ? board.record.state.receiving_digest : NULL; }

EXPORT("judge") uint32_t export_judge(uint32_t length, const uint8_t *offered) {
  return mayday_board_judge(&board, envelope, length, offered, 65536, &accepted);
}

EXPORT("writer_open") void export_writer_open(void) { mayday_writer_open(&writer, &accepted); }
EXPORT("begin") bool export_begin(uint32_t length) { return mayday_writer_begin(&writer, envelope, (uint16_t)length); }
EXPORT("has") bool export_has(uint32_t level, uint32_t index) { return mayday_writer_has(&writer, (uint8_t)level, index, hash); }
EXPORT("is_touched") bool export_is_touched(uint32_t index) { return mayday_writer_is_touched(&writer, index); }
EXPORT("copy") bool export_copy(uint32_t index) { return mayday_writer_copy(&writer, index, hash, block); }
EXPORT("write") uint32_t export_write(uint32_t index) { return (uint32_t)mayday_writer_write(&writer, index, hash, block); }
EXPORT("unit_done") void export_unit_done(uint32_t index) { mayday_writer_unit_done(&writer, index); }
EXPORT("leave") void export_leave(void) { mayday_writer_leave(&writer); }

EXPORT("unit_end") uint32_t export_unit_end(uint32_t index) {
  uint32_t first, end;
  mayday_writer_unit(&writer, index, &first, &end);
  return end;
}

EXPORT("commit") uint32_t export_commit(uint32_t length) {
  return mayday_writer_commit(&writer, writer.is_begun ? NULL : envelope, (uint16_t)length);
}
