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
  buffer->kind = 0;
  buffer->level = 0;
  memset(buffer->here, 0, sizeof buffer->here);
}

bool mayday_chunk_put(uint8_t *bytes, uint8_t *here, uint16_t *missing, uint32_t whole, uint32_t offset, const mayday_frame *chunk) {
  uint16_t length = chunk->as.data.length;
  if (offset % MAYDAY_CHUNK_UNIT != 0 || offset >= whole || length > whole - offset) return false;
  if (length % MAYDAY_CHUNK_UNIT != 0 && length != whole - offset) return false;
  memcpy(bytes + offset, chunk->as.data.payload, length);
  for (uint32_t end = offset + length; offset < end; offset += MAYDAY_CHUNK_UNIT) {
    uint8_t *byte = here + offset / MAYDAY_CHUNK_UNIT / 8u;
    uint8_t bit = (uint8_t)(1u << offset / MAYDAY_CHUNK_UNIT % 8u);
    if ((*byte & bit) != 0) continue;
    *byte = (uint8_t)(*byte | bit);
    (*missing)--;
  }
  return true;
}

bool mayday_object_take(mayday_object_buffer *buffer, const mayday_frame *chunk) {
  uint16_t total = chunk->as.object.total;
  if (total == 0 || total > buffer->room || mayday_object_is_complete(buffer)) return false;
  bool is_same = buffer->kind == chunk->as.object.object_kind && buffer->level == chunk->as.object.level &&
                 buffer->index == chunk->as.object.index && buffer->length == total;
  if (!is_same) {
    mayday_object_clear(buffer);
    buffer->kind = chunk->as.object.object_kind;
    buffer->level = chunk->as.object.level;
    buffer->index = chunk->as.object.index;
    buffer->length = total;
    buffer->missing = (uint16_t)((total + MAYDAY_CHUNK_UNIT - 1u) / MAYDAY_CHUNK_UNIT);
  }
  return mayday_chunk_put(buffer->bytes, buffer->here, &buffer->missing, total, chunk->as.object.offset, chunk) &&
         mayday_object_is_complete(buffer);
}
