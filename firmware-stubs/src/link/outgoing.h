/* A frame on its way to the UART: coded with COBS as it is handed over, so that no second buffer is needed (PROTOCOL.md 2.1). */
#ifndef MAYDAY_LINK_OUTGOING_H
#define MAYDAY_LINK_OUTGOING_H

#include "mayday/line.h"
#if MAYDAY_WITH_FEC
#include "fec/coded.h"
#endif

typedef struct mayday_outgoing {
  const uint8_t *frame; /* stays as it is until the frame has gone; NULL when none goes */
  uint16_t length;
  uint16_t at;          /* bytes of it that were handed over */
  uint8_t left;         /* bytes of the piece that is being handed over */
  uint8_t next;         /* what comes next */
  bool is_zero_meant;   /* behind the piece */
#if MAYDAY_WITH_FEC
  bool is_coded;        /* the frame, or the last one, is of the second form: it ends with no delimiter */
  uint8_t piece, taken; /* bytes that were made and not handed over yet */
  uint8_t bytes[32];
  mayday_coder coder;
#endif
} mayday_outgoing;

/* Begins a frame with its CRC. `has_delimiter`: the byte before it on the line is a delimiter already. */
void mayday_outgoing_begin(mayday_outgoing *out, const uint8_t *frame, size_t length, bool has_delimiter);

#if MAYDAY_WITH_FEC
/* The same in the second form, for a byte stream. */
void mayday_outgoing_begin_coded(mayday_outgoing *out, const uint8_t *frame, size_t length, uint8_t mendable);
#endif

/* Hands over what the line takes now; returns how many bytes that were. `frame` is NULL when all has gone. A message link takes
 * the frame whole and uncoded. */
size_t mayday_outgoing_run(mayday_outgoing *out, const mayday_port *port, const mayday_line *line);

#endif
