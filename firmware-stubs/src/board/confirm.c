/* Boots that are counted, and what confirms an image (PROTOCOL.md 13.4). */
#include "board/inner.h"
#include "flash/flash.h"
#include "flash/record.h"

/* Writes what is known of a slot, with these flags and boots. */
static bool change(mayday_board *board, uint8_t slot, uint8_t flags, uint8_t boots, uint32_t floor) {
  uint8_t entry[MAYDAY_ENTRY_LENGTH];
  const mayday_slot_record *record = &board->record.state.slots[slot];
  mayday_entry_slot(entry, MAYDAY_ENTRY_SLOT, slot, record, floor);
  entry[MAYDAY_ENTRY_AT_FLAGS] = flags;
  entry[MAYDAY_ENTRY_AT_COUNT] = boots;
  return mayday_record_append(board, entry, record->digest);
}

/* It ran, or its owner confirmed it: the floor rises. */
static bool prove(mayday_board *board) {
  board->decision.has_way_back = false;
  board->decision.is_trial = false;
  return change(board, board->decision.slot, MAYDAY_FLAG_CONFIRMED, 0, board->decision.manifest.counter);
}

/* Marks trials whose boots are used up. Returns false when the flash failed. */
static bool revert(mayday_board *board) {
  for (uint8_t i = 0; i < board->map.slot_count; i++) {
    const mayday_slot_record *record = &board->record.state.slots[i];
    if (!record->is_known || record->is_confirmed || record->is_reverted) continue;
    if (record->boots < MAYDAY_TRIAL_BOOTS_MAX) continue;
    if (!change(board, i, MAYDAY_FLAG_REVERTED, record->boots, 0)) return false;
    /* Only where this is called again without a start between. */
    if (board->decision.failure == 0 && board->decision.slot == i) mayday_board_decide(board);
  }
  return true;
}

static bool count_boot(mayday_board *board) {
  const mayday_slot_record *record = &board->record.state.slots[board->decision.slot];
  if (record->is_unproven && record->boots > 0) return prove(board);
  if (!board->decision.is_trial && !record->is_unproven) return true;
  uint8_t flags = record->is_unproven ? MAYDAY_FLAG_CONFIRMED | MAYDAY_FLAG_UNPROVEN : 0;
  return change(board, board->decision.slot, flags, (uint8_t)(record->boots + 1u), 0);
}

bool mayday_board_attempt(mayday_board *board) {
  if (!revert(board)) return mayday_board_give_up(board);
  if (board->decision.failure != 0) return true;
  if (!count_boot(board)) return mayday_board_give_up(board);
  board->is_running = true;
  mayday_status_update(board);
  mayday_floor_pass_on(board);
  return true;
}

bool mayday_board_confirm(mayday_board *board) {
  board->is_running = true;
  mayday_board_decide(board);
  if (board->decision.failure != 0) return false;
  const mayday_slot_record *record = &board->record.state.slots[board->decision.slot];
  bool is_done = record->is_confirmed && !record->is_unproven;
  if (!is_done || board->record.state.floor < board->decision.manifest.counter) {
    if (!prove(board)) return mayday_board_give_up(board);
  }
  mayday_status_update(board);
  mayday_floor_pass_on(board);
  return true;
}
