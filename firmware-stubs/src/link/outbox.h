/* Frames on their way out: coded into a small buffer that the UART empties (PROTOCOL.md 2.1). */
#ifndef MAYDAY_LINK_OUTBOX_H
#define MAYDAY_LINK_OUTBOX_H

#include "mayday/port.h"

/* Zeros: nothing waits. */
typedef struct mayday_outbox {
  uint16_t first, length; /* of what waits in `bytes`, a ring */
#if MAYDAY_WITH_FEC
  bool is_coded; /* the last frame was of the second form: it ends with no delimiter */
#endif
  uint8_t bytes[MAYDAY_TX_BYTES];
} mayday_outbox;

/* Bytes of the longest frame: the longest message of a target takes half of it. */
#define MAYDAY_OUTBOX_FRAME_MAX 253u

/* Sends a whole frame, CRC included. False: there is no room, and the frame is dropped; its owner repeats it. */
bool mayday_outbox_send(mayday_outbox *outbox, const mayday_port *port, const uint8_t *frame, size_t length);

#if MAYDAY_WITH_FEC
/* The same in the second form; with `is_copy` the frame itself follows it. */
bool mayday_outbox_send_coded(mayday_outbox *outbox, const mayday_port *port, const uint8_t *frame, size_t length, bool is_copy);
#endif

/* Hands the UART what it takes. */
void mayday_outbox_drain(mayday_outbox *outbox, const mayday_port *port);

#endif
