#include "link/outbox.h"

#include "mayday/constants.h"
#include "wire/cobs.h"

void mayday_outbox_init(mayday_outbox *outbox, const mayday_port *port, const mayday_line *line) {
  outbox->port = port;
  outbox->line = line;
  outbox->first = 0;
  outbox->length = 0;
}

static void put(mayday_outbox *outbox, uint8_t byte) {
  outbox->bytes[(outbox->first + outbox->length) % MAYDAY_TX_BYTES] = byte;
  outbox->length++;
}

/* COBS piece by piece, so that no second buffer is needed. */
static void put_coded(mayday_outbox *outbox, const uint8_t *frame, size_t length) {
  size_t start = 0;
  for (;;) {
    size_t end = start;
    while (end < length && frame[end] != 0 && end - start < 254u) end++;
    bool is_full = end - start == 254u;
    put(outbox, (uint8_t)(end - start + 1u));
    for (size_t i = start; i < end; i++) put(outbox, frame[i]);
    if (end == length) return;
    start = is_full ? end : end + 1u;
  }
}

bool mayday_outbox_send(mayday_outbox *outbox, const uint8_t *frame, size_t length) {
  if (outbox->line->send_frame != NULL) return outbox->line->send_frame(outbox->line->context, frame, length);
  mayday_outbox_drain(outbox);
  /* The delimiter of a frame that still waits serves both. */
  bool is_first = outbox->length == 0;
  if (MAYDAY_COBS_LENGTH(length) + 2u > (size_t)(MAYDAY_TX_BYTES - outbox->length)) return false;
  if (is_first) put(outbox, MAYDAY_DELIMITER);
  put_coded(outbox, frame, length);
  put(outbox, MAYDAY_DELIMITER);
  mayday_outbox_drain(outbox);
  return true;
}

void mayday_outbox_drain(mayday_outbox *outbox) {
  while (outbox->length > 0) {
    size_t stretch = (size_t)(MAYDAY_TX_BYTES - outbox->first);
    if (stretch > outbox->length) stretch = outbox->length;
    size_t taken = outbox->port->tx(outbox->port->context, outbox->bytes + outbox->first, stretch);
    if (taken > stretch) taken = stretch;
    outbox->first = (uint16_t)((outbox->first + taken) % MAYDAY_TX_BYTES);
    outbox->length = (uint16_t)(outbox->length - taken);
    if (taken < stretch) return;
  }
}
