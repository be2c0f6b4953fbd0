#include "link/outbox.h"

#include "mayday/constants.h"
#if MAYDAY_WITH_FEC
#include "fec/coded.h"
#endif

static void put(mayday_outbox *outbox, uint8_t byte) {
  unsigned at = (unsigned)outbox->first + outbox->length++;
  outbox->bytes[at < MAYDAY_TX_BYTES ? at : at - MAYDAY_TX_BYTES] = byte;
}

/* The delimiter of a frame that still waits serves both, unless that is of the second form. */
static bool needs_delimiter(const mayday_outbox *outbox) {
#if MAYDAY_WITH_FEC
  if (outbox->is_coded) return true;
#endif
  return outbox->length == 0;
}

bool mayday_outbox_send(mayday_outbox *outbox, const mayday_port *port, const uint8_t *frame, size_t length) {
  mayday_outbox_drain(outbox, port);
  if (length > MAYDAY_OUTBOX_FRAME_MAX || length + 3u > (size_t)(MAYDAY_TX_BYTES - outbox->length)) return false;
  if (needs_delimiter(outbox)) put(outbox, MAYDAY_DELIMITER);
#if MAYDAY_WITH_FEC
  outbox->is_coded = false;
#endif
  /* COBS piece by piece, so that no second buffer is needed. No piece of such a short frame is full. */
  for (size_t at = 0; at <= length; at++) {
    size_t piece = 0;
    while (at + piece < length && frame[at + piece] != 0) piece++;
    put(outbox, (uint8_t)(piece + 1u));
    for (; piece > 0; piece--) put(outbox, frame[at++]);
  }
  put(outbox, MAYDAY_DELIMITER);
  mayday_outbox_drain(outbox, port);
  return true;
}

#if MAYDAY_WITH_FEC
bool mayday_outbox_send_coded(mayday_outbox *outbox, const mayday_port *port, const uint8_t *frame, size_t length, bool is_copy) {
  const mayday_coded coded = mayday_coded_for(length, MAYDAY_CONTROL_MENDABLE);
  size_t room = mayday_coded_length(&coded) + (is_copy ? length + 3u : 0u);
  mayday_coder coder;
  mayday_outbox_drain(outbox, port);
  if (length > MAYDAY_OUTBOX_FRAME_MAX || room > (size_t)(MAYDAY_TX_BYTES - outbox->length)) return false;
  mayday_coder_begin(&coder, frame, length, MAYDAY_CONTROL_MENDABLE);
  for (uint8_t byte; mayday_coder_next(&coder, &byte);) put(outbox, byte);
  outbox->is_coded = true;
  if (is_copy) return mayday_outbox_send(outbox, port, frame, length);
  mayday_outbox_drain(outbox, port);
  return true;
}
#endif

void mayday_outbox_drain(mayday_outbox *outbox, const mayday_port *port) {
  while (outbox->length > 0) {
    size_t stretch = (size_t)(MAYDAY_TX_BYTES - outbox->first);
    if (stretch > outbox->length) stretch = outbox->length;
    size_t taken = port->tx(port->context, outbox->bytes + outbox->first, stretch);
    if (taken > stretch) taken = stretch;
    outbox->length = (uint16_t)(outbox->length - taken);
    outbox->first = (uint16_t)(outbox->first + taken);
    if (outbox->first == MAYDAY_TX_BYTES) outbox->first = 0;
    if (taken < stretch) return;
  }
}
