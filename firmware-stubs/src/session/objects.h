/* Puts a manifest or a run together from its chunks (PROTOCOL.md 4.6). */
#ifndef MAYDAY_SESSION_OBJECTS_H
#define MAYDAY_SESSION_OBJECTS_H

#include "mayday/target.h"
#include "wire/frame.h"

/* Puts the payload of a chunk into an object or block of `whole` bytes. `here` has a bit for each 32 bytes of it, `missing` says
 * how many of them are 0. False, and nothing is changed: it lies elsewhere, or does not begin and end where chunks do. */
bool mayday_chunk_put(uint8_t *bytes, uint8_t *here, uint16_t *missing, uint32_t whole, uint32_t offset, const mayday_frame *chunk);

/* `room`: 1,024 bytes at most. */
void mayday_object_init(mayday_object_buffer *buffer, uint8_t *bytes, uint16_t room);

/* Forgets what came. */
void mayday_object_clear(mayday_object_buffer *buffer);

static inline bool mayday_object_is_complete(const mayday_object_buffer *buffer) {
  return buffer->length > 0 && buffer->missing == 0;
}

/* Takes a chunk of the object that is wanted; another object, or one of another length, starts it over. What does not fit is
 * dropped. Returns whether it is complete now. */
bool mayday_object_take(mayday_object_buffer *buffer, const mayday_frame *chunk);

#endif
