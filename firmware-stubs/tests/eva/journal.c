/* What is written into the boot record and the manifest areas: any event, any manifest in any area, in any order, without end, from
 * any state on. Flash reads as anything, also what was just written, and fails at any time. On a board with two slots, and on one
 * whose manifests lie in the record, which has long write units. What reads a sector of the record is stood in for: record.c of this
 * folder follows it. */
#include "any_state.h"

#include "flash/area.h"
#include "flash/map.h"
#include "flash/record.h"
#include "flash/record_scan.h"

static uint8_t envelope[MAYDAY_ENVELOPE_MAX], entry[MAYDAY_ENTRY_LENGTH], digest[32];
static mayday_board board;

void mayday_scan_sector(const mayday_board *of, uint8_t sector, mayday_scan *scan, mayday_record_state *state) {
  (void)of;
  //@ assert sector <= 1;
  (void)sector;
  make_any(scan, sizeof *scan);
  scan->counts = any_bool();
  scan->has_any = any_bool();
  scan->has_seal = any_bool();
  scan->is_blank = any_bool();
  scan->is_torn = any_bool();
  if (state != NULL) any_state(state);
}

bool mayday_is_later(uint32_t a, uint32_t b) {
  return a - b - 1u < UINT32_C(0x7fffffff);
}

int8_t mayday_scan_elect(const mayday_scan *first, const mayday_scan *second) {
  //@ assert \valid_read(first) && \valid_read(second);
  (void)first;
  (void)second;
  return (int8_t)Frama_C_interval(-1, 1);
}

/* An event that names an image comes with its digest, which may be one of the state's own. */
static void append_image(void) {
  const mayday_slot_record *slots = board.record.state.slots;
  uint8_t type = Frama_C_unsigned_char_interval(MAYDAY_ENTRY_INSTALLED, MAYDAY_ENTRY_RECEIVING);
  make_any(entry, sizeof entry);
  if (any_bool()) mayday_entry_receiving(entry, any8(), any8());
  if (any_bool()) mayday_entry_slot(entry, type, any8(), any_bool() ? &slots[1] : &slots[0], any32());
  entry[MAYDAY_ENTRY_AT_TYPE] = type;
  mayday_record_append(&board, entry, any_bool() ? digest : any_bool() ? slots[0].digest : slots[1].digest);
}

static void append(void) {
  mayday_sector_range open, close;
  mayday_order order;
  make_any(&open, sizeof open);
  make_any(&close, sizeof close);
  make_any(&order, sizeof order);
  make_any(entry, sizeof entry);
  switch (any8()) {
    case 0: mayday_entry_order(entry, any_bool() ? &order : NULL); break;
    case 1: mayday_entry_nonces(entry, any32()); break;
    case 2: mayday_entry_sectors(entry, any_bool() ? &open : NULL, any_bool() ? &close : NULL); break;
    case 3:
      entry[MAYDAY_ENTRY_AT_TYPE] = Frama_C_unsigned_char_interval(0, MAYDAY_ENTRY_INSTALLED - 1);
      mayday_record_append(&board, entry, NULL);
      return;
    default: entry[MAYDAY_ENTRY_AT_TYPE] = Frama_C_unsigned_char_interval(MAYDAY_ENTRY_SECTORS, 255); break;
  }
  mayday_record_append(&board, entry, NULL);
}

static void anything(void) {
  uint16_t length = (uint16_t)Frama_C_interval(1, MAYDAY_ENVELOPE_MAX);
  mayday_sector_range sector;
  switch (any8()) {
    case 0: mayday_record_settle(&board); break;
    case 1: mayday_area_read(&board, any8(), envelope); break;
    case 2: mayday_area_holds(&board, any8(), envelope, length); break;
    case 3: mayday_area_write(&board, any8(), envelope, length); break;
    case 4: mayday_area_sector(&board, any8(), &sector); break;
    case 5: append_image(); break;
    default: append(); break;
  }
}

static void start(const mayday_layout *layout) {
  static const mayday_port port = {.flash_read = any_read, .flash_erase = any_erase, .flash_program = any_program};
  memset(&board, 0, sizeof board);
  board.port = &port;
  board.layout = layout;
  board.record.active = -1;
  board.record.given = -1;
  if (!mayday_map_build(layout, &board.map)) return;
  mayday_record_read(&board);
  while (any_bool()) anything();
}

int main(void) {
  static const mayday_sectors sectors = {64, 1024}, pages = {64, 4096};
  mayday_layout layout = {.sectors = &sectors, .sector_runs = 1, .erased = 0xff, .write_unit = 16};
  make_any(envelope, sizeof envelope);
  make_any(digest, sizeof digest);
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
  return 0;
}
