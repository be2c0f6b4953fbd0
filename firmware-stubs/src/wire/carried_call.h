/* The call that a query carries under a mask (PROTOCOL.md 5.1), for who answers calls. */
#ifndef MAYDAY_WIRE_CARRIED_CALL_H
#define MAYDAY_WIRE_CARRIED_CALL_H

#include "wire/frame.h"

/* Takes the call in a query for the query: reads it into `frame`, and returns true. Where the query carries none, `frame` stays as it
 * is. `query`: all `length` bytes of a frame that was read as a query, CRC included; `frame` points into them then. Its extension
 * *call* is unmasked in its place, so that the CRC is wrong from then on. */
bool mayday_carried_call(uint8_t *query, size_t length, mayday_frame *frame);

#endif
