/* Before the first unit is touched: manifest, given up order, "receiving" (PROTOCOL.md 13.3, 13.5). */
#include "board/inner.h"
#include "flash/area.h"
#include "flash/map.h"
#include "flash/ranges.h"
#include "flash/record.h"
#include "image/envelope.h"

#include <string.h>

bool mayday_sectors_append(mayday_board *board, const mayday_sector_range *open, const mayday_sector_range *close) {
  uint8_t entry[MAYDAY_ENTRY_LENGTH];
  mayday_entry_sectors(entry, open, close);
  return mayday_record_append(board, entry, NULL);
}

bool mayday_manifest_store(mayday_writer *writer, const uint8_t *envelope, uint16_t length) {
  mayday_board *board = writer->board;
  const mayday_record_state *state = &board->record.state;
  mayday_sector_range sector;
  bool has_sector = mayday_area_sector(board, writer->area, &sector);
  bool is_named = state->is_receiving && state->receiving_area == writer->area;
  bool is_known = is_named && memcmp(state->receiving_digest, writer->digest, 32) == 0;
  if (has_sector && mayday_ranges_touch(&state->open, sector)) is_known = false;
  if (is_known && !mayday_area_holds(board, writer->area, envelope, length)) is_known = false;
  /* What does not even read right need not be copied to the sector that settling the record begins. */
  if ((has_sector || is_known) && !mayday_record_settle(board)) return false;
  /* In the record it is stable once it lies in a sector that this run began. */
  if (is_known && mayday_area_holds(board, writer->area, envelope, length)) return true;
  /* From here on what the entry says of the area is not so any more. */
  if (is_named && has_sector && !mayday_sectors_append(board, &sector, NULL)) return false;
  return mayday_area_write(board, writer->area, envelope, length);
}

bool mayday_manifest_close(mayday_writer *writer) {
  mayday_board *board = writer->board;
  mayday_sector_range sector;
  if (!mayday_area_sector(board, writer->area, &sector)) return true;
  return !mayday_ranges_touch(&board->record.state.open, sector) || mayday_sectors_append(board, NULL, &sector);
}

/* `single`: notes the order of the confirmed image that boots, before it is given up for another one (13.5). */
static bool note_given_up(mayday_board *board) {
  const mayday_record_state *state = &board->record.state;
  const mayday_slot_record *slot = &state->slots[0];
  const mayday_order *order = &state->given_up;
  uint8_t entry[MAYDAY_ENTRY_LENGTH];
  if (mayday_is_ab(board->layout)) return true;
  bool is_confirmed = (slot->flags & MAYDAY_SLOT_CONFIRMED) != 0;
  bool is_noted = state->has_given_up && (state->is_receiving || !is_confirmed);
  if (board->decision.failure == 0 && is_confirmed) {
    order = &board->order;
    is_noted = true;
  }
  /* What was noted before a cut, and did not come to pass, is forgotten. */
  bool is_same = is_noted == state->has_given_up && (!is_noted || mayday_order_compare(order, &state->given_up) == 0);
  if (is_same) return true;
  mayday_entry_order(entry, is_noted ? order : NULL);
  return mayday_record_append(board, entry, NULL);
}

static bool note_receiving(mayday_writer *writer) {
  mayday_board *board = writer->board;
  const mayday_record_state *state = &board->record.state;
  uint8_t entry[MAYDAY_ENTRY_LENGTH];
  bool is_same = state->is_receiving && state->receiving_slot == writer->slot && state->receiving_area == writer->area &&
                 memcmp(state->receiving_digest, writer->digest, 32) == 0;
  if (is_same) return true;
  mayday_entry_receiving(entry, writer->slot, writer->area);
  return note_given_up(board) && mayday_record_append(board, entry, writer->digest);
}

bool mayday_writer_begin(mayday_writer *writer, const uint8_t *envelope, uint16_t length) {
  mayday_board *board = writer->board;
  if (!writer->is_open || board->has_failed) return false;
  if (writer->is_begun) return true;
  if (!mayday_manifest_store(writer, envelope, length)) return false;
  if (!note_receiving(writer) || !mayday_manifest_close(writer)) return false;
  writer->is_begun = true;
  bool is_untouched = board->decision.failure == 0 && board->decision.slot != writer->slot;
  if (!is_untouched) board->decision.failure = MAYDAY_BOOT_FAILURE_CODE_RECEIVING;
  return true;
}
