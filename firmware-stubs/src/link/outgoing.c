#include "link/outgoing.h"

#define PIECE_MAX 254u

enum { DELIMITER, CODE, PIECE, END };

void mayday_outgoing_begin(mayday_outgoing *out, const uint8_t *frame, size_t length, bool has_delimiter) {
  out->frame = frame;
  out->length = (uint16_t)length;
  out->at = 0;
  out->left = 0;
  out->is_zero_meant = false;
  out->next = has_delimiter ? CODE : DELIMITER;
#if MAYDAY_WITH_FEC
  if (out->is_coded) out->next = DELIMITER;
  out->is_coded = false;
#endif
}

#if MAYDAY_WITH_FEC
void mayday_outgoing_begin_coded(mayday_outgoing *out, const uint8_t *frame, size_t length, uint8_t mendable) {
  out->frame = frame;
  out->length = (uint16_t)length;
  out->is_coded = true;
  out->piece = 0;
  out->taken = 0;
  mayday_coder_begin(&out->coder, frame, length, mendable);
}

static size_t run_coded(mayday_outgoing *out, const mayday_port *port) {
  size_t sum = 0;
  for (;;) {
    if (out->taken == out->piece) {
      out->taken = 0;
      for (out->piece = 0; out->piece < sizeof out->bytes && mayday_coder_next(&out->coder, &out->bytes[out->piece]);) out->piece++;
      if (out->piece == 0) {
        out->frame = NULL;
        return sum;
      }
    }
    const size_t left = (size_t)(out->piece - out->taken);
    const size_t taken = port->tx(port->context, out->bytes + out->taken, left);
    out->taken = (uint8_t)(out->taken + (taken < left ? taken : left));
    sum += taken;
    if (taken < left) return sum;
  }
}
#endif

static size_t hand_over_byte(mayday_outgoing *out, const mayday_port *port, uint8_t byte, uint8_t next) {
  size_t taken = port->tx(port->context, &byte, 1);
  if (taken != 0) out->next = next;
  return taken;
}

static size_t hand_over_code(mayday_outgoing *out, const mayday_port *port) {
  uint8_t piece = 0;
  size_t taken;
  while (piece < PIECE_MAX && (size_t)out->at + piece < out->length && out->frame[(size_t)out->at + piece] != 0) piece++;
  taken = hand_over_byte(out, port, (uint8_t)(piece + 1u), PIECE);
  if (taken != 0) {
    out->left = piece;
    out->is_zero_meant = piece < PIECE_MAX;
  }
  return taken;
}

/* The zero that a piece stands for is not sent; the one at the frame's end does not exist. */
static void end_piece(mayday_outgoing *out) {
  bool is_last = out->at == out->length;
  if (out->is_zero_meant && !is_last) out->at++;
  out->next = is_last ? END : CODE;
}

static size_t step(mayday_outgoing *out, const mayday_port *port) {
  static const uint8_t delimiter = 0;
  size_t taken;
  switch (out->next) {
    case DELIMITER:
      return hand_over_byte(out, port, delimiter, CODE);
    case CODE:
      return hand_over_code(out, port);
    case PIECE:
      taken = out->left == 0 ? 0 : port->tx(port->context, out->frame + out->at, out->left);
      out->left = (uint8_t)(out->left - taken);
      out->at = (uint16_t)(out->at + taken);
      if (out->left == 0) end_piece(out);
      return taken;
    default:
      taken = port->tx(port->context, &delimiter, 1);
      if (taken != 0) out->frame = NULL;
      return taken;
  }
}

size_t mayday_outgoing_run(mayday_outgoing *out, const mayday_port *port, const mayday_line *line) {
  size_t sum = 0;
  if (line->send_frame != NULL) {
    if (out->frame == NULL || !line->send_frame(line->context, out->frame, out->length)) return 0;
    out->frame = NULL;
    return out->length;
  }
#if MAYDAY_WITH_FEC
  if (out->frame != NULL && out->is_coded) return run_coded(out, port);
#endif
  while (out->frame != NULL) {
    bool was_empty_piece = out->next == PIECE && out->left == 0;
    size_t taken = step(out, port);
    sum += taken;
    if (taken == 0 && !was_empty_piece) break;
  }
  return sum;
}
