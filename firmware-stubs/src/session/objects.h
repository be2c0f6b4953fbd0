/* Puts a manifest or a run together from its chunks (PROTOCOL.md 4.6). */
#ifndef MAYDAY_SESSION_OBJECTS_H
#define MAYDAY_SESSION_OBJECTS_H

#include "mayday/target.h"
#include "wire/frame.h"

/* `room`: 1,024 bytes at most. */
void mayday_object_init(mayday_object_buffer *buffer, uint8_t *bytes, uint16_t room);

/* Forgets what came. */
void mayday_object_clear(mayday_object_buffer *buffer);

/* Takes a chunk of the object that is wanted; another object, or one of another length, starts it over. What does not fit is
 * dropped. Returns whether it is complete now. */
bool mayday_object_take(mayday_object_buffer *buffer, const mayday_frame *chunk);

#endif
