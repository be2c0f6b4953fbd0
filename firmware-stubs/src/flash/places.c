/* Manifests at the end of the boot record's sectors (PROTOCOL.md 13.3): a place for each area, the same in both. */
#include "flash/flash.h"
#include "flash/map.h"
#include "flash/record.h"

#if MAYDAY_WITH_RECORD_MANIFESTS
static uint32_t place_in(const mayday_board *board, uint8_t sector, uint8_t area) {
  return board->map.record[sector].offset + board->map.journal_size + area * MAYDAY_PLACE_SIZE;
}

bool mayday_record_place(const mayday_board *board, uint8_t area, uint32_t *offset) {
  if (board->record.active < 0 || area >= board->map.area_count) return false;
  *offset = place_in(board, (uint8_t)board->record.active, area);
  return true;
}

/* Copies what a place reads, read once, whether it is right or not. What cannot be read stays blank. */
static bool copy(mayday_board *board, uint32_t source, uint32_t target) {
  uint8_t piece[MAYDAY_STRIDE_MAX];
  for (uint32_t at = 0; at < MAYDAY_PLACE_SIZE; at += sizeof piece) {
    bool is_read = mayday_flash_read(board, source + at, piece, sizeof piece);
    if (!is_read || mayday_all_are(piece, sizeof piece, board->layout->erased)) continue;
    if (!mayday_flash_program(board, target + at, piece, sizeof piece)) return false;
    if (!mayday_flash_holds(board, target + at, piece, sizeof piece)) return mayday_flash_fail(board);
  }
  return true;
}

bool mayday_places_copy(mayday_board *board, uint8_t from, uint8_t to, uint8_t without) {
  const mayday_record *record = &board->record;
  for (uint8_t area = 0; area < board->map.area_count; area++) {
    bool is_named = mayday_state_names_area(&record->state, area) || (record->given >= 0 && record->given == area);
    if (!is_named || area == without) continue;
    if (!copy(board, place_in(board, from, area), place_in(board, to, area))) return false;
  }
  return true;
}
#else
/* A translation unit may not be empty. */
typedef int mayday_places_none;
#endif
