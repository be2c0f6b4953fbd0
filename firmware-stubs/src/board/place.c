/* Where an image goes that is received (PROTOCOL.md 13.5). */
#include "board/inner.h"
#include "flash/map.h"

#include <string.h>

#if MAYDAY_WITH_AB
static bool holds(const mayday_board *board, uint8_t slot, const uint8_t *digest) {
  const mayday_slot_record *record = mayday_slot_known(board, slot);
  return record->flags != 0 && memcmp(record->digest, digest, 32) == 0;
}

/* Whether slot `a` is given away rather than `b`. */
static bool costs_less(const mayday_board *board, uint8_t a, uint8_t b) {
  const mayday_slot_record *x = mayday_slot_known(board, a);
  const mayday_slot_record *y = mayday_slot_known(board, b);
  unsigned confirmed = MAYDAY_SLOT_CONFIRMED;
  if (x->flags == 0 || y->flags == 0) return y->flags != 0;
  if (((x->flags ^ y->flags) & confirmed) != 0) return (x->flags & confirmed) == 0;
  return x->rank < y->rank;
}

uint8_t mayday_slot_choose(const mayday_board *board, const uint8_t digest[32]) {
  const mayday_record_state *state = &board->record.state;
  if (!mayday_is_ab(board->layout)) return 0;
  if (board->decision.failure == 0) return board->decision.slot ^ 1u;
  bool is_resumed = state->is_receiving && memcmp(state->receiving_digest, digest, 32) == 0;
  if (is_resumed && state->receiving_slot < 2) return state->receiving_slot;
  if (holds(board, 0, digest)) return 0;
  if (holds(board, 1, digest)) return 1;
  return costs_less(board, 1, 0) ? 1 : 0;
}
#else
uint8_t mayday_slot_choose(const mayday_board *board, const uint8_t digest[32]) {
  (void)board;
  (void)digest;
  return 0;
}
#endif

/* No installed image has its manifest there. */
static bool is_free(const mayday_board *board, uint8_t area) {
  for (uint8_t i = 0; i < mayday_slot_count(board->layout); i++) {
    const mayday_slot_record *slot = mayday_slot_known(board, i);
    if (slot->flags != 0 && slot->area == area) return false;
  }
  return true;
}

uint8_t mayday_area_choose(const mayday_board *board) {
  const mayday_record_state *state = &board->record.state;
  uint8_t area = state->receiving_area;
  if (state->is_receiving && area < mayday_area_count(board->layout) && is_free(board, area)) return area;
  /* There is one area more than slots. */
  for (area = 0; !is_free(board, area);) area++;
  return area;
}
