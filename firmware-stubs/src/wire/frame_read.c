#include "base/bytes.h"
#include "base/crc.h"
#include "wire/reader.h"

#define CLASS(first) ((first) & 0x0fu)

/* A packet's number, and the rest of it behind a header of so many bytes, the first two not counted. */
static mayday_fault read_packet(mayday_reader *from, mayday_frame *out) {
  const uint8_t *head, *rest;
  if (!mayday_take(from, 2, &head)) return MAYDAY_FAULT_MALFORMED;
  const uint16_t packet = (uint16_t)(mayday_u16(head) >> 4);
  out->as.data.packet = packet;
  out->proof = NULL;
  out->proof_length = 0;
  out->proven_length = 0;
  if (CLASS(head[0]) == MAYDAY_FRAME_CLASS_PROBE) {
    out->kind = MAYDAY_PROBE;
    return from->left == 0 ? MAYDAY_FAULT_NONE : MAYDAY_FAULT_MALFORMED;
  }
  const bool is_object = CLASS(head[0]) == MAYDAY_FRAME_CLASS_OBJECT;
  const size_t more = (is_object ? MAYDAY_OBJECT_HEADER_LENGTH : MAYDAY_DATA_HEADER_LENGTH) - 2u;
  if (!mayday_take(from, more, &rest) || from->left == 0 || from->left > MAYDAY_PAYLOAD_MAX) return MAYDAY_FAULT_MALFORMED;
  const uint16_t length = (uint16_t)from->left;
  out->as.data.length = length;
  out->as.data.payload = from->at;
  if (!is_object) {
    out->kind = MAYDAY_DATA;
    out->as.data.attempt = head[0] & 1u;
    out->as.data.codec = head[0] >> 1 & 3u;
    out->as.data.position = mayday_u16(rest);
    return MAYDAY_FAULT_NONE;
  }
  out->kind = MAYDAY_OBJECT;
  out->as.object.object_kind = rest[0];
  out->as.object.level = rest[1];
  out->as.object.index = mayday_u24(rest + 2);
  out->as.object.offset = mayday_u16(rest + 5);
  out->as.object.total = mayday_u16(rest + 7);
  if (out->as.object.offset > out->as.object.total) return MAYDAY_FAULT_MALFORMED;
  return length > out->as.object.total - out->as.object.offset ? MAYDAY_FAULT_MALFORMED : MAYDAY_FAULT_NONE;
}

mayday_fault mayday_frame_read(const uint8_t *body, size_t length, mayday_frame *out) {
  mayday_reader from = {body, length};
  const uint8_t *first, *type;
  if (!mayday_take(&from, 1, &first)) return MAYDAY_FAULT_MALFORMED;
  const unsigned high = (unsigned)*first >> 4;
  const unsigned frame_class = CLASS(*first);
  switch (frame_class) {
    case MAYDAY_FRAME_CLASS_ANNOUNCE:
      if (high != MAYDAY_PROTOCOL_VERSION) return MAYDAY_FAULT_FOREIGN_VERSION;
      if (!mayday_take(&from, 1, &type)) return MAYDAY_FAULT_MALFORMED;
      if (*type > 0xfu) return MAYDAY_FAULT_UNKNOWN;
      return mayday_message_read(&from, 2, (mayday_frame_kind)*type, out);
    case MAYDAY_FRAME_CLASS_TARGET_CONTROL:
    case MAYDAY_FRAME_CLASS_RESCUER_CONTROL:
      return mayday_message_read(&from, 1, (mayday_frame_kind)(frame_class << 4 | high), out);
    case 5:
    case 6:
    case 7:
      return MAYDAY_FAULT_UNKNOWN;
    default: {
      mayday_reader whole = {body, length};
      return read_packet(&whole, out);
    }
  }
}

bool mayday_frame_has_crc(const uint8_t *bytes, size_t length, uint32_t tag) {
  const size_t covered = length - MAYDAY_CRC_LENGTH;
  return mayday_crc32(tag, bytes, covered) == mayday_u32(bytes + covered);
}

mayday_fault mayday_frame_parse(const uint8_t *bytes, size_t length, uint32_t tag, mayday_frame *out) {
  if (length < MAYDAY_FRAME_MIN) return MAYDAY_FAULT_TOO_SHORT;
  const bool is_announcement = CLASS(bytes[0]) == MAYDAY_FRAME_CLASS_ANNOUNCE;
  if (!is_announcement && tag == 0) return MAYDAY_FAULT_BAD_CRC;
  if (!mayday_frame_has_crc(bytes, length, is_announcement ? 0 : tag)) return MAYDAY_FAULT_BAD_CRC;
  return mayday_frame_read(bytes, length - MAYDAY_CRC_LENGTH, out);
}
