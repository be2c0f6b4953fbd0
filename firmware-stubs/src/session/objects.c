#include "session/objects.h"

#include <string.h>

void mayday_object_init(mayday_object_buffer *buffer, uint8_t *bytes, uint16_t room) {
  buffer->bytes = bytes;
  buffer->room = room;
  mayday_object_clear(buffer);
}

void mayday_object_clear(mayday_object_buffer *buffer) {
  buffer->length = 0;
  buffer->index = 0;
  buffer->here = 0;
  buffer->kind = 0;
  buffer->level = 0;
  buffer->is_complete = false;
}

static bool is_same(const mayday_object_buffer *buffer, const mayday_frame *chunk) {
  return buffer->kind == chunk->as.object.object_kind && buffer->level == chunk->as.object.level &&
         buffer->index == chunk->as.object.index && buffer->length == chunk->as.object.total;
}

/* A bit for each unit of 32 bytes from `first` on. */
static uint32_t bits(uint16_t first, uint16_t count) {
  uint32_t all = count >= 32u ? UINT32_MAX : (UINT32_C(1) << count) - 1u;
  return all << first;
}

bool mayday_object_take(mayday_object_buffer *buffer, const mayday_frame *chunk) {
  uint16_t total = chunk->as.object.total, offset = chunk->as.object.offset, length = chunk->as.object.length;
  if (total == 0 || total > buffer->room || buffer->is_complete) return false;
  if (offset % MAYDAY_CHUNK_UNIT != 0 || offset >= total || length > total - offset) return false;
  if (length % MAYDAY_CHUNK_UNIT != 0 && length != total - offset) return false;
  if (!is_same(buffer, chunk)) {
    mayday_object_clear(buffer);
    buffer->kind = chunk->as.object.object_kind;
    buffer->level = chunk->as.object.level;
    buffer->index = chunk->as.object.index;
    buffer->length = total;
  }
  memcpy(buffer->bytes + offset, chunk->as.object.payload, length);
  uint16_t units = (uint16_t)((length + MAYDAY_CHUNK_UNIT - 1u) / MAYDAY_CHUNK_UNIT);
  buffer->here |= bits((uint16_t)(offset / MAYDAY_CHUNK_UNIT), units);
  uint16_t all = (uint16_t)((total + MAYDAY_CHUNK_UNIT - 1u) / MAYDAY_CHUNK_UNIT);
  buffer->is_complete = buffer->here == bits(0, all);
  return buffer->is_complete;
}
