/* What a beacon says of a board (PROTOCOL.md 5.2), and the counter floor. */
#include "board/inner.h"

#include <string.h>

uint32_t mayday_floor_of(const mayday_board *board) {
  const mayday_port *port = board->port;
  uint32_t floor = board->record.state.floor;
  uint32_t other = port->floor_read == NULL ? 0 : port->floor_read(port->context);
  return other > floor ? other : floor;
}

void mayday_floor_pass_on(const mayday_board *board) {
  const mayday_port *port = board->port;
  uint32_t floor = board->record.state.floor;
  if (port->floor_raise == NULL || port->floor_read == NULL) return;
  /* If that fails, the next start does it. */
  if (floor > port->floor_read(port->context)) (void)port->floor_raise(port->context, floor);
}

void mayday_status_update(mayday_board *board) {
  mayday_status *status = &board->status;
  const mayday_record_state *state = &board->record.state;
  status->failure = board->decision.failure;
  status->is_trial = board->decision.failure == 0 && board->decision.is_trial;
  status->is_receiving = state->is_receiving;
  memset(status->receiving, 0, sizeof status->receiving);
  if (state->is_receiving) memcpy(status->receiving, state->receiving_digest, sizeof status->receiving);
  status->floor = mayday_floor_of(board);
}

void mayday_status_install(mayday_board *board, const mayday_image *image) {
  mayday_status *status = &board->status;
  status->is_installed = image != NULL;
  memset(&status->order, 0, sizeof status->order);
  memset(status->installed, 0, sizeof status->installed);
  if (image == NULL) return;
  status->order = image->order;
  memcpy(status->installed, image->digest, sizeof status->installed);
}
