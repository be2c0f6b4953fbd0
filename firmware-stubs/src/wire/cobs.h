/* Consistent Overhead Byte Stuffing (PROTOCOL.md 2.1). */
#ifndef MAYDAY_WIRE_COBS_H
#define MAYDAY_WIRE_COBS_H

#include <stddef.h>
#include <stdint.h>

/* Most bytes that a frame takes without its delimiters. */
#define MAYDAY_COBS_LENGTH(frame) ((frame) + (frame) / 254u + 1u)

/* Encodes a frame without delimiters; `out` has room for MAYDAY_COBS_LENGTH(length) and may not overlap. Returns the length. */
size_t mayday_cobs_encode(const uint8_t *frame, size_t length, uint8_t *out);

/* Decodes a run in place; what it was is gone then, also when it fails. Returns the length of the frame; 0 when a code byte points past the end, or the run is empty. */
size_t mayday_cobs_decode(uint8_t *run, size_t length);

#endif
