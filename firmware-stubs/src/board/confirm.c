/* Boots that are counted, and what confirms an image (PROTOCOL.md 13.4). */
#include "board/inner.h"
#include "flash/flash.h"
#include "flash/map.h"
#include "flash/record.h"

bool mayday_slot_append(mayday_board *board, uint8_t slot, unsigned flags, uint8_t boots, uint32_t floor) {
  const mayday_slot_record *record = mayday_slot_known(board, slot);
  uint8_t entry[MAYDAY_ENTRY_LENGTH];
  mayday_entry_slot(entry, MAYDAY_ENTRY_SLOT, slot, record, floor);
  entry[MAYDAY_ENTRY_AT_FLAGS] = (uint8_t)(flags & ~(unsigned)MAYDAY_SLOT_KNOWN);
  entry[MAYDAY_ENTRY_AT_COUNT] = boots;
  return mayday_record_append(board, entry, record->digest);
}

/* What the decision boots ran, or its owner confirmed it: the floor rises. */
static bool prove(mayday_board *board) {
  mayday_decision *decision = &board->decision;
  decision->has_way_back = false;
  decision->is_trial = false;
  return mayday_slot_append(board, decision->slot, MAYDAY_SLOT_CONFIRMED, 0, decision->counter);
}

/* Marks trials whose boots are used up. Returns false when the flash failed. */
static bool revert(mayday_board *board) {
  for (uint8_t i = 0; i < mayday_slot_count(board->layout); i++) {
    const mayday_slot_record *record = mayday_slot_known(board, i);
    if (record->flags != MAYDAY_SLOT_KNOWN || record->boots < MAYDAY_TRIAL_BOOTS_MAX) continue;
    if (!mayday_slot_append(board, i, MAYDAY_SLOT_REVERTED, record->boots, 0)) return false;
    /* Only where this is called again without a start between. */
    if (board->decision.failure == 0 && board->decision.slot == i) mayday_board_decide(board);
  }
  return true;
}

static bool count_boot(mayday_board *board) {
  uint8_t slot = board->decision.slot;
  const mayday_slot_record *record = mayday_slot_known(board, slot);
  bool is_unproven = (record->flags & MAYDAY_SLOT_UNPROVEN) != 0;
  if (is_unproven && record->boots > 0) return prove(board);
  if (!board->decision.is_trial && !is_unproven) return true;
  return mayday_slot_append(board, slot, record->flags, (uint8_t)(record->boots + 1u), 0);
}

/* The status is that of the decision now. `is_written`: false when the flash failed. */
static bool pass_on(mayday_board *board, bool is_written) {
  if (!is_written) return mayday_board_give_up(board);
  mayday_floor_pass_on(board);
  return true;
}

bool mayday_board_attempt(mayday_board *board) {
  if (!revert(board)) return mayday_board_give_up(board);
  if (board->decision.failure != 0) return true;
  bool is_counted = count_boot(board);
  board->is_running = is_counted;
  return pass_on(board, is_counted);
}

bool mayday_board_confirm(mayday_board *board) {
  board->is_running = true;
  mayday_board_decide(board);
  if (board->decision.failure != 0) return false;
  unsigned flags = board->record.state.slots[board->decision.slot].flags;
  bool is_done = (flags & (MAYDAY_SLOT_CONFIRMED | MAYDAY_SLOT_UNPROVEN)) == MAYDAY_SLOT_CONFIRMED;
  return pass_on(board, (is_done && board->record.state.floor >= board->decision.counter) || prove(board));
}
