#include "base/bytes.h"
#include "base/crc.h"
#include "wire/layout.h"

/* Where bytes are put, and how many more fit. */
typedef struct writer {
  uint8_t *at;
  size_t left;
} writer;

/* Room for so many bytes, or NULL. */
static uint8_t *extend(writer *to, size_t length) {
  uint8_t *room = to->at;
  if (length > to->left) return NULL;
  to->at += length;
  to->left -= length;
  return room;
}

/* False: they do not fit. Zeros where there are no bytes. */
static bool put_bytes(writer *to, const uint8_t *bytes, size_t length) {
  uint8_t *room = extend(to, length);
  if (room == NULL) return false;
  if (bytes == NULL) {
    memset(room, 0, length);
  } else {
    memmove(room, bytes, length); /* a payload may stand at its place already */
  }
  return true;
}

static bool put_number(writer *to, uint64_t value, uint8_t length) {
  uint8_t *room = extend(to, length);
  if (room == NULL) return false;
  for (; length > 0; length--, value >>= 8) *room++ = (uint8_t)(value & 0xffu);
  return true;
}

/* Puts the member of a frame that `from` is. */
static bool put_field(writer *to, uint8_t type, const void *from) {
  const uint8_t length = mayday_field_length(type);
  switch (type) {
    case MAYDAY_FIELD_U16:
      return put_number(to, *(const uint16_t *)from, length);
    case MAYDAY_FIELD_U32:
      return put_number(to, *(const uint32_t *)from, length);
    case MAYDAY_FIELD_U48:
      return put_number(to, *(const uint64_t *)from, length);
    case MAYDAY_FIELD_8_BYTES:
    case MAYDAY_FIELD_14_BYTES:
      return put_bytes(to, *(const uint8_t *const *)from, length);
    default:
      return put_number(to, *(const uint8_t *)from, length);
  }
}

/* A digest of a beacon without its flag is zeros (5.2). */
static bool is_blank(const mayday_frame *frame, uint8_t at) {
  if (frame->kind != MAYDAY_BEACON && frame->kind != MAYDAY_DISTRESS) return false;
  const uint8_t flags = frame->as.beacon.flags;
  if (at == offsetof(mayday_frame, as.beacon.installed)) return (flags & MAYDAY_BEACON_FLAG_INSTALLED) == 0;
  if (at == offsetof(mayday_frame, as.beacon.receiving)) return (flags & MAYDAY_BEACON_FLAG_RECEIVING) == 0;
  return false;
}

static bool put_message(writer *to, const mayday_frame *frame) {
  const unsigned kind = (unsigned)frame->kind;
  const mayday_field *field = mayday_layout_of(frame->kind);
  const bool is_announcement = kind >> 4 == MAYDAY_FRAME_CLASS_ANNOUNCE;
  const uint16_t head = (uint16_t)(is_announcement ? kind << 8 | MAYDAY_PROTOCOL_VERSION << 4 : (kind & 0xfu) << 4 | kind >> 4);
  if (field == NULL || !put_number(to, head, is_announcement ? 2 : 1)) return false;
  for (; field->type != MAYDAY_FIELD_END; field++) {
    if (is_blank(frame, field->at)) {
      if (!put_bytes(to, NULL, mayday_field_length(field->type))) return false;
    } else if (!put_field(to, field->type, (const uint8_t *)frame + field->at)) {
      return false;
    }
    if (field->type != MAYDAY_FIELD_ENTRIES) continue;
    const uint8_t count = frame->as.list.count;
    if (count > mayday_entries_max(frame->kind)) return false;
    if (!put_bytes(to, frame->as.list.entries, (size_t)count * mayday_entry_length(frame->kind))) return false;
  }
  return true;
}

static bool put_payload(writer *to, const uint8_t *payload, uint16_t length) {
  return length > 0 && length <= MAYDAY_PAYLOAD_MAX && put_bytes(to, payload, length);
}

static bool put_object(writer *to, const mayday_frame *frame) {
  const uint8_t node[2] = {frame->as.object.object_kind, frame->as.object.level};
  return put_number(to, (uint64_t)((frame->as.object.packet & 0xfffu) << 4 | MAYDAY_FRAME_CLASS_OBJECT), 2) &&
         put_bytes(to, node, sizeof node) && put_number(to, frame->as.object.index, 3) &&
         put_number(to, frame->as.object.offset, 2) && put_number(to, frame->as.object.total, 2) &&
         put_payload(to, frame->as.object.payload, frame->as.object.length);
}

static bool put_data(writer *to, const mayday_frame *frame) {
  const unsigned how = (frame->as.data.codec & 3u) << 1 | (frame->as.data.attempt & 1u) | MAYDAY_FRAME_CLASS_DATA;
  return put_number(to, (uint64_t)((frame->as.data.packet & 0xfffu) << 4 | how), 2) &&
         put_number(to, frame->as.data.position, 2) && put_payload(to, frame->as.data.payload, frame->as.data.length);
}

size_t mayday_frame_write(const mayday_frame *frame, uint8_t *out, size_t room) {
  writer to = {out, room};
  bool is_written;
  switch (frame->kind) {
    case MAYDAY_OBJECT:
      is_written = put_object(&to, frame);
      break;
    case MAYDAY_DATA:
      is_written = put_data(&to, frame);
      break;
    case MAYDAY_PROBE:
      is_written = put_number(&to, (uint64_t)((frame->as.probe.packet & 0xfffu) << 4 | MAYDAY_FRAME_CLASS_PROBE), 2);
      break;
    default:
      is_written = put_message(&to, frame);
      break;
  }
  return is_written ? (size_t)(to.at - out) : 0;
}

size_t mayday_frame_close(uint8_t *bytes, size_t length, uint32_t tag) {
  mayday_put32(bytes + length, mayday_crc32(tag, bytes, length));
  return length + MAYDAY_CRC_LENGTH;
}

uint32_t mayday_session_tag(const uint8_t *target_nonce, const uint8_t *rescuer_nonce, const uint8_t *target_id,
                            const uint8_t *rescuer_id, const uint8_t *digest) {
  uint32_t tag = mayday_crc32(0, target_nonce, MAYDAY_NONCE_LENGTH);
  tag = mayday_crc32(tag, rescuer_nonce, MAYDAY_NONCE_LENGTH);
  tag = mayday_crc32(tag, target_id, MAYDAY_ID_LENGTH);
  tag = mayday_crc32(tag, rescuer_id, MAYDAY_ID_LENGTH);
  tag = mayday_crc32(tag, digest, MAYDAY_SHORT_DIGEST_LENGTH);
  return tag == 0 ? 1 : tag;
}
