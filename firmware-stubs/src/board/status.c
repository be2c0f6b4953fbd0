/* What a beacon says of a board (PROTOCOL.md 5.2), and the counter floor. */
#include "board/inner.h"

#include <string.h>

uint32_t mayday_board_floor(const mayday_board *board) {
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

void mayday_board_status(const mayday_board *board, mayday_status *out) {
  const mayday_record_state *state = &board->record.state;
  memset(out, 0, sizeof *out);
  out->failure = board->decision.failure;
  out->is_trial = board->decision.failure == 0 && board->decision.is_trial;
  out->is_installed = board->is_installed;
  out->is_receiving = state->is_receiving;
  out->floor = mayday_board_floor(board);
  out->order = board->order;
  memcpy(out->installed, board->installed, sizeof out->installed);
  if (state->is_receiving) memcpy(out->receiving, state->receiving_digest, sizeof out->receiving);
  memcpy(out->hardware_id, board->hardware_id, sizeof out->hardware_id);
}

void mayday_status_install(mayday_board *board, const mayday_image *image) {
  board->is_installed = image != NULL;
  memset(&board->order, 0, sizeof board->order);
  memset(board->installed, 0, sizeof board->installed);
  if (image == NULL) return;
  board->order = image->order;
  memcpy(board->installed, image->digest, sizeof board->installed);
}
