/* Opening a board, and what it tells of itself. */
#include "base/sha256.h"
#include "board/inner.h"
#include "flash/area.h"
#include "flash/flash.h"
#include "flash/map.h"
#include "flash/record.h"
#include "image/envelope.h"

#include <string.h>

bool mayday_board_give_up(mayday_board *board) {
  if (board->decision.failure == 0) board->decision.failure = MAYDAY_BOOT_FAILURE_CODE_EMPTY;
  return mayday_flash_fail(board);
}

bool mayday_board_open(mayday_board *board, const mayday_port *port, const mayday_layout *layout,
                       const mayday_identity *identity, uint8_t scratch[MAYDAY_SCRATCH_BYTES]) {
  memset(board, 0, sizeof *board);
  board->port = port;
  board->layout = layout;
  board->hash = mayday_hash_of(port);
  board->identity = identity;
  board->scratch = scratch;
  board->record.active = -1;
  board->record.given = -1;
  mayday_hardware_id(board->hash, identity->vendor, identity->hardware_class, board->hardware_id);
  if (!mayday_map_build(layout, &board->map)) return mayday_board_give_up(board);
  mayday_record_read(board);
  bool is_whole = board->record.is_clean || mayday_record_settle(board);
  mayday_board_decide(board);
  if (!is_whole) return mayday_board_give_up(board);
  mayday_floor_pass_on(board);
  return true;
}

uint32_t mayday_board_take_start(mayday_board *board) {
  uint8_t entry[MAYDAY_ENTRY_LENGTH];
  uint32_t starts = board->record.state.starts;
  if (starts == UINT32_MAX) return 0;
  mayday_entry_nonces(entry, starts + 1u);
  return mayday_record_append(board, entry, NULL) ? starts + 1u : 0;
}

bool mayday_board_read(mayday_board *board, uint32_t offset, uint8_t *bytes, size_t length) {
  const mayday_decision *decision = &board->decision;
  if (decision->failure != 0 || offset > decision->size || length > decision->size - offset) return false;
  return mayday_flash_read(board, mayday_slot_region(board, decision->slot).offset + offset, bytes, length);
}

uint16_t mayday_board_envelope(mayday_board *board, uint8_t *envelope) {
  if (board->decision.failure != 0) return 0;
  return mayday_area_read(board, board->record.state.slots[board->decision.slot].area, envelope);
}
