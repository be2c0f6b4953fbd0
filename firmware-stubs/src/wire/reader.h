/* Reading of one frame: shared by messages and packets. */
#ifndef MAYDAY_WIRE_READER_H
#define MAYDAY_WIRE_READER_H

#include "wire/frame.h"

/* Bytes that are left to read. */
typedef struct mayday_reader {
  const uint8_t *at;
  size_t left;
} mayday_reader;

/* Takes the next bytes; false, and `taken` is as it was, when there are fewer. */
static inline bool mayday_take(mayday_reader *from, size_t length, const uint8_t **taken) {
  if (length > from->left) return false;
  *taken = from->at;
  from->at += length;
  from->left -= length;
  return true;
}

/* Reads the body and the extensions of a message of this kind. `before`: bytes of the frame in front of them. */
mayday_fault mayday_message_read(mayday_reader *from, size_t before, mayday_frame_kind kind, mayday_frame *out);

#endif
