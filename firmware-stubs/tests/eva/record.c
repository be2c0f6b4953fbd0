/* The boot record of a board whose flash reads as anything: both sectors, all entries, what they add up to. */
#include "any.h"

#include "flash/map.h"
#include "flash/record.h"

int main(void) {
  static const mayday_sectors sectors = {64, 1024};
  static const mayday_port port = {.flash_read = any_read, .flash_erase = any_erase, .flash_program = any_program};
  static mayday_board board;
  static mayday_layout layout;
  layout.sectors = &sectors;
  layout.sector_runs = 1;
  layout.erased = 0xff;
  layout.write_unit = 16;
  layout.recovery_size = 1024;
  layout.slot_size = 32768;
  board.port = &port;
  board.layout = &layout;
  mayday_map_build(&layout, &board.map);
  mayday_record_read(&board);
  return 0;
}
