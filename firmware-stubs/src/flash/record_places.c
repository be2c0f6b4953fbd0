#include "flash/record_places.h"
#include "flash/flash.h"
#include "flash/map.h"
#include "flash/record.h"

#if MAYDAY_WITH_RECORD_MANIFESTS

/* Bytes that are copied at a time: whole write units. */
#define PIECE MAYDAY_STRIDE_MAX

static uint32_t place_in(const mayday_board *board, unsigned sector, uint8_t area) {
  return board->map.record[sector].offset + board->map.journal_size + area * MAYDAY_PLACE_SIZE;
}

/* Copies what a place reads, read once, whether it is right or not. What cannot be read stays blank. */
static void copy_place(mayday_board *board, uint32_t source, uint32_t target) {
  uint8_t piece[PIECE];
  for (unsigned at = 0; at < MAYDAY_PLACE_SIZE; at += PIECE) {
    bool is_read = mayday_flash_read(board, source + at, piece, PIECE);
    if (!is_read || mayday_all_are(piece, PIECE, board->layout->erased)) continue;
    (void)mayday_flash_program(board, target + at, piece, PIECE);
    if (!mayday_flash_holds(board, target + at, piece, PIECE)) (void)mayday_flash_fail(board);
  }
}

void mayday_places_copy(mayday_board *board, uint8_t to, uint8_t without) {
  const mayday_record *record = &board->record;
  for (uint8_t area = 0; area < mayday_area_count(board->layout); area++) {
    bool is_named = mayday_state_names_area(&record->state, area) || record->given == (int8_t)area;
    if (is_named && area != without) copy_place(board, place_in(board, to ^ 1u, area), place_in(board, to, area));
  }
}

bool mayday_record_place(const mayday_board *board, uint8_t area, uint32_t *offset) {
  if (board->record.active < 0 || area >= mayday_area_count(board->layout)) return false;
  *offset = place_in(board, (unsigned)board->record.active, area);
  return true;
}

bool mayday_record_blank_place(mayday_board *board, uint8_t area, uint32_t *offset) {
  mayday_record *record = &board->record;
  if (board->has_failed) return false;
  record->given = -1;
  bool is_blank = record->at != 0 && mayday_record_place(board, area, offset) &&
                  mayday_flash_is_erased(board, *offset, MAYDAY_PLACE_SIZE);
  if (!is_blank && !mayday_record_restart(board, area)) return false;
  if (!mayday_record_place(board, area, offset)) return false;
  record->given = (int8_t)area;
  return true;
}

#endif
