#include "link/outbox.h"

#include "mayday/constants.h"

static void put(mayday_outbox *outbox, uint8_t byte) {
  unsigned at = (unsigned)outbox->first + outbox->length++;
  outbox->bytes[at < MAYDAY_TX_BYTES ? at : at - MAYDAY_TX_BYTES] = byte;
}

bool mayday_outbox_send(mayday_outbox *outbox, const mayday_port *port, const uint8_t *frame, size_t length) {
  mayday_outbox_drain(outbox, port);
  if (length > MAYDAY_OUTBOX_FRAME_MAX || length + 3u > (size_t)(MAYDAY_TX_BYTES - outbox->length)) return false;
  /* The delimiter of a frame that still waits serves both. */
  if (outbox->length == 0) put(outbox, MAYDAY_DELIMITER);
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
