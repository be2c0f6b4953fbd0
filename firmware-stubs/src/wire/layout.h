/* Where the fields of messages stand, in the frame and in mayday_frame: one table for reading and for writing, which is that of
 * PROTOCOL.md 4.3 and 5. Packets (4.4 to 4.6) are not in it, as their first field holds several. */
#ifndef MAYDAY_WIRE_LAYOUT_H
#define MAYDAY_WIRE_LAYOUT_H

#include "wire/frame.h"

typedef enum mayday_field_type {
  MAYDAY_FIELD_END = 0, /* of the message */
  MAYDAY_FIELD_U8,
  MAYDAY_FIELD_U16,
  MAYDAY_FIELD_U32,
  MAYDAY_FIELD_U48,
  MAYDAY_FIELD_8_BYTES,  /* id, nonce, short digest */
  MAYDAY_FIELD_14_BYTES, /* bitmap */
  MAYDAY_FIELD_ENTRIES   /* mayday_frame.as.list: u8 count, then the entries */
} mayday_field_type;

typedef struct mayday_field {
  uint8_t type;
  uint8_t at; /* offset in mayday_frame */
} mayday_field;

/* The fields of a message, up to one of type MAYDAY_FIELD_END; NULL for what is no message of this version. */
const mayday_field *mayday_layout_of(mayday_frame_kind kind);

/* Bytes of a field in a frame; 1 for the count of entries. */
uint8_t mayday_field_length(uint8_t type);

/* Most entries of a grant or request, and the bytes of one. */
static inline uint8_t mayday_entries_max(mayday_frame_kind kind) {
  return kind == MAYDAY_GRANT ? MAYDAY_GRANT_ENTRIES_MAX : MAYDAY_REQUEST_ENTRIES_MAX;
}

static inline uint8_t mayday_entry_length(mayday_frame_kind kind) {
  return kind == MAYDAY_GRANT ? 5 : 4;
}

#endif
