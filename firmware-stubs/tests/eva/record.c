/* The boot record of a board whose flash reads as anything: both sectors, all entries, what they add up to. On a board with one
 * slot, which keeps manifests in its record and has long write units; and on one with two. */
#include "any.h"

#include "flash/map.h"
#include "flash/record.h"

static void read(const mayday_layout *layout) {
  static const mayday_port port = {.flash_read = any_read, .flash_erase = any_erase, .flash_program = any_program};
  static mayday_board board;
  board.port = &port;
  board.layout = layout;
  if (mayday_map_build(layout, &board.map)) mayday_record_read(&board);
}

int main(void) {
  static const mayday_sectors sectors = {64, 1024}, pages = {64, 4096};
  mayday_layout layout = {.sectors = &sectors, .sector_runs = 1, .erased = 0xff, .write_unit = 16};
  layout.recovery_size = 1024;
  layout.slot_size = 16384;
  layout.is_ab = true;
  read(&layout);
  layout.sectors = &pages;
  layout.write_unit = 128;
  layout.erased = 0;
  layout.is_ab = false;
  layout.are_manifests_in_record = true;
  read(&layout);
  /* Too large for this flash. */
  layout.slot_size = 65536u * 16u;
  read(&layout);
  return 0;
}
