#include "wire/carried_call.h"

/* Bytes of a query in front of its extensions. */
#define QUERY_LENGTH (2u + MAYDAY_ID_LENGTH + MAYDAY_NONCE_LENGTH)

static bool is_call(const mayday_frame *frame) {
  if (frame->kind == MAYDAY_DISTRESS) return true;
  return frame->kind == MAYDAY_BEACON && (frame->as.beacon.flags & MAYDAY_BEACON_FLAG_WANTS_UPDATE) != 0;
}

/* Reads the frame under the mask in a value of *call*. */
static bool read_masked(uint8_t *mask, size_t length, mayday_frame *frame) {
  mayday_frame call;
  uint8_t *const masked = mask + MAYDAY_CALL_MASK_LENGTH;
  if (length <= MAYDAY_CALL_MASK_LENGTH) return false;
  length -= MAYDAY_CALL_MASK_LENGTH;
  for (size_t i = 0; i < length; i++) masked[i] ^= mask[i % MAYDAY_CALL_MASK_LENGTH];
  if (mayday_frame_read(masked, length, &call) != MAYDAY_FAULT_NONE || !is_call(&call)) return false;
  *frame = call;
  return true;
}

bool mayday_carried_call(uint8_t *query, size_t length, mayday_frame *frame) {
  if (length < QUERY_LENGTH + MAYDAY_CRC_LENGTH) return false;
  const size_t end = length - MAYDAY_CRC_LENGTH;
  size_t at = QUERY_LENGTH;
  while (end - at >= 2u && query[at + 1u] <= end - at - 2u) {
    const uint8_t value = query[at + 1u];
    if (query[at] == MAYDAY_EXTENSION_TYPE_CALL) return read_masked(query + at + 2, value, frame);
    at += 2u + value;
  }
  return false;
}
