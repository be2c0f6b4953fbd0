/* A board from its start on, and the writer of its slots: any call in any order, without end. With two slots, and with one that has
 * long write units; and where the flash is too small. Its flash is stood in for, and what judges envelopes: envelope.c and manifest.c
 * of this folder follow that. */
#include "any_flash.h"
#include "frames.h"

#include "board/inner.h"
#include "image/envelope.h"

/* Whole write units, up to which a short block is filled. */
#define BLOCK 1024u

static uint8_t scratch[MAYDAY_SCRATCH_BYTES], block[BLOCK], envelope[MAYDAY_ENVELOPE_MAX], hash[32];
static mayday_board board;
static mayday_writer writer;
static mayday_manifest manifest;

const mayday_hash *mayday_hash_of(const mayday_port *port) {
  return port->hash;
}

uint8_t mayday_envelope_check(const mayday_port *port, const mayday_policy *policy, uint8_t *bytes, size_t length,
                              mayday_manifest *out, uint32_t *step_max) {
  (void)port;
  (void)policy;
  //@ assert \valid(bytes + (0 .. length - 1)) && \valid(out) && \valid(step_max);
  (void)bytes;
  (void)length;
  any_manifest(out);
  *step_max = any32();
  return any_bool() ? 0 : Frama_C_unsigned_char_interval(1, 14);
}

void mayday_hardware_id(const mayday_hash *of, const char *vendor, const char *hardware_class, uint8_t out[8]) {
  (void)of;
  (void)vendor;
  (void)hardware_class;
  make_any(out, 8);
}

int mayday_order_compare(const mayday_order *a, const mayday_order *b) {
  //@ assert \valid_read(a) && \valid_read(b);
  (void)a;
  (void)b;
  return Frama_C_interval(-1, 1);
}

/* `before` counts nodes before this one: fewer than 256 of them need 8 hashes, and no image has more than 2^20. */
void mayday_fold_next(const mayday_hash *of, uint8_t *parts, uint32_t before, bool is_last, uint8_t node[32]) {
  (void)of;
  //@ assert before + (is_last ? 0 : 1) < (1 << MAYDAY_LEVELS_MAX);
  //@ assert \valid(node + (0 .. 31)) && \valid(parts + (0 .. 32 * 8 - 1));
  //@ assert before + (is_last ? 0 : 1) < 256 || \valid(parts + (0 .. 32 * MAYDAY_LEVELS_MAX - 1));
  (void)before;
  (void)is_last;
  (void)parts;
  make_any(node, 32);
}

static uint32_t any_floor(void *context) {
  (void)context;
  return any32();
}

static bool any_raise(void *context, uint32_t floor) {
  (void)context;
  (void)floor;
  return any_bool();
}

static void any_watchdog(void *context) {
  (void)context;
}

static uint16_t any_length(void) {
  return (uint16_t)Frama_C_interval(1, MAYDAY_ENVELOPE_MAX);
}

static void judge(void) {
  make_any(envelope, sizeof envelope);
  if (mayday_board_judge(&board, envelope, any_length(), hash, BLOCK, &manifest) == 0) mayday_writer_open(&writer, &manifest);
}

static void read(void) {
  mayday_status status;
  mayday_board_read(&board, any32(), block, (size_t)Frama_C_interval(1, BLOCK));
  mayday_board_envelope(&board, envelope);
  mayday_board_status(&board, &status);
}

static void look(void) {
  uint32_t first, end;
  mayday_writer_unit(&writer, any32(), &first, &end);
  mayday_writer_is_touched(&writer, any32());
  mayday_writer_has(&writer, any8(), any32(), hash);
}

static void anything(void) {
  switch (any8()) {
    case 0: judge(); break;
    case 1: read(); break;
    case 2: look(); break;
    case 3: mayday_board_take_start(&board); break;
    case 4: mayday_board_decide(&board); break;
    case 5: mayday_board_attempt(&board); break;
    case 6: mayday_board_confirm(&board); break;
    case 7: mayday_writer_begin(&writer, envelope, any_length()); break;
    case 8: mayday_writer_copy(&writer, any32(), hash, block); break;
    case 9: mayday_writer_write(&writer, any32(), hash, block); break;
    case 10: mayday_writer_unit_done(&writer, any32()); break;
    case 11: mayday_writer_commit(&writer, any_bool() ? envelope : NULL, any_length()); break;
    default: mayday_writer_leave(&writer); break;
  }
}

static void start(const mayday_layout *layout) {
  static const mayday_key key = {.roles = 1, .counter_max = UINT32_MAX, .step_max = MAYDAY_STEP_DEFAULT};
  static const mayday_identity identity = {.vendor = "acme",
                                           .hardware_class = "pump-7",
                                           .keys = &key,
                                           .key_count = 1,
                                           .is_update_allowed = true,
                                           .is_single_update_allowed = true};
  static const mayday_port port = {.flash_read = any_read,
                                   .flash_erase = any_erase,
                                   .flash_program = any_program,
                                   .floor_read = any_floor,
                                   .floor_raise = any_raise,
                                   .watchdog = any_watchdog,
                                   .hash = &any_hash};
  mayday_board_open(&board, &port, layout, &identity, scratch);
  mayday_writer_init(&writer, &board);
  while (any_bool()) anything();
}

int main(void) {
  static const mayday_sectors sectors = {64, 1024}, pages = {64, 4096};
  mayday_layout layout = {.sectors = &sectors, .sector_runs = 1, .erased = 0xff, .write_unit = 16};
  make_any(block, sizeof block);
  make_any(envelope, sizeof envelope);
  make_any(hash, sizeof hash);
  layout.recovery_size = 1024;
  layout.slot_size = 16384;
  layout.is_ab = true;
  start(&layout);
  layout.sectors = &pages;
  layout.write_unit = 128;
  layout.erased = 0;
  layout.is_ab = false;
  layout.are_manifests_in_record = true;
  start(&layout);
  /* Too large for this flash. */
  layout.slot_size = 65536u * 16u;
  start(&layout);
  return 0;
}
