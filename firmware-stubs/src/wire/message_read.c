#include "base/bytes.h"
#include "mayday/config.h"
#include "wire/layout.h"
#include "wire/reader.h"

#define CRITICAL 0x80u

/* Puts a field into the member of a frame that `to` is. */
static void put_field(uint8_t type, const uint8_t *from, void *to) {
  switch (type) {
    case MAYDAY_FIELD_U16:
      *(uint16_t *)to = mayday_u16(from);
      break;
    case MAYDAY_FIELD_U32:
      *(uint32_t *)to = mayday_u32(from);
      break;
    case MAYDAY_FIELD_U48:
      *(uint64_t *)to = mayday_u48(from);
      break;
    case MAYDAY_FIELD_8_BYTES:
    case MAYDAY_FIELD_14_BYTES:
      *(const uint8_t **)to = from;
      break;
    default:
      *(uint8_t *)to = from[0];
      break;
  }
}

static bool read_fields(mayday_reader *from, const mayday_field *field, mayday_frame *out) {
  for (; field->type != MAYDAY_FIELD_END; field++) {
    const uint8_t *bytes;
    if (!mayday_take(from, mayday_field_length(field->type), &bytes)) return false;
    put_field(field->type, bytes, (uint8_t *)out + field->at);
    if (field->type != MAYDAY_FIELD_ENTRIES) continue;
    unsigned count = bytes[0];
    if (count > mayday_entries_max(out->kind)) return false;
    if (!mayday_take(from, (size_t)count * mayday_entry_length(out->kind), &out->as.list.entries)) return false;
  }
  return true;
}

/* Numbers that this version does not know read as 12.1 says. False: malformed. */
static bool settle(mayday_frame *frame) {
  switch (frame->kind) {
    case MAYDAY_BEACON:
    case MAYDAY_DISTRESS: {
      uint8_t *failure = &frame->as.beacon.failure;
      if ((frame->as.beacon.flags & MAYDAY_BEACON_FLAG_BOOTABLE) != 0) {
        *failure = 0;
      } else if (frame->kind == MAYDAY_BEACON) {
        return false;
      } else if (*failure == 0 || *failure > MAYDAY_BOOT_FAILURE_CODE_REVERTED) {
        *failure = MAYDAY_BOOT_FAILURE_CODE_EMPTY;
      }
      return true;
    }
    case MAYDAY_OFFER:
      if (frame->as.offer.block_log2 < 10 || frame->as.offer.block_log2 > 16) frame->as.offer.block_log2 = 16;
      return true;
    case MAYDAY_ACCEPT: {
      unsigned asks = frame->as.accept.asks & 0x7fu;
      if ((asks & MAYDAY_ACCEPT_FLAG_RUN) == 0) asks &= ~MAYDAY_ACCEPT_FLAG_PATH;
      if ((asks & MAYDAY_ACCEPT_FLAG_PATH) == 0) asks &= ~MAYDAY_ACCEPT_FLAG_BLANK;
      frame->as.accept.asks = (uint8_t)asks;
      return true;
    }
    case MAYDAY_BYE:
      if (frame->as.bye.reason > MAYDAY_BYE_REASON_TIMEOUT || frame->as.bye.reason == 0) {
        frame->as.bye.reason = MAYDAY_BYE_REASON_STOPPED;
      }
      return true;
    default:
      return true;
  }
}

#if MAYDAY_WITH_LINK_KEY
/* Bytes of the proof that an announcement may have; 0 for none (14.3). */
static uint8_t proof_length(mayday_frame_kind kind) {
  switch (kind) {
    case MAYDAY_OFFER:
    case MAYDAY_ACCEPT:
      return MAYDAY_CALL_NAME_LENGTH + MAYDAY_LINK_MAC_LENGTH;
    case MAYDAY_STAND_DOWN:
    case MAYDAY_REFUSE:
    case MAYDAY_BYE:
    case MAYDAY_DEFER:
      return MAYDAY_LINK_MAC_LENGTH;
    default:
      return 0;
  }
}

/* Takes a proof of `length` bytes behind `before` others. The first one counts, and is wrong if it has another length, or is not
 * the last extension: its MAC would not be over all of the message. */
static void take_proof(mayday_frame *out, const uint8_t *proof, uint8_t length, size_t before, bool is_last) {
  const uint8_t right = proof_length(out->kind);
  if (right == 0 || out->proof != NULL) return;
  out->proof = proof;
  if (length != right || !is_last) return;
  out->proof_length = length;
  out->proven_length = (uint16_t)(before + length - MAYDAY_LINK_MAC_LENGTH);
}
#else
/* Only that there is one: it fits no target without a link key. */
static void take_proof(mayday_frame *out, const uint8_t *proof, uint8_t length, size_t before, bool is_last) {
  (void)length;
  (void)before;
  (void)is_last;
  out->proof = proof;
}
#endif

#if MAYDAY_WITH_FEC
/* What a small end takes of extensions besides: the first of each kind counts, and one that is too short says nothing. */
static void take_extension(mayday_frame *out, uint8_t type, const uint8_t *value, uint8_t length, bool *is_first) {
  const bool says_forms = out->kind >= MAYDAY_QUERY && out->kind <= MAYDAY_OFFER;
  if (type != (says_forms ? MAYDAY_EXTENSION_TYPE_FORMS : MAYDAY_EXTENSION_TYPE_MENDED) || !*is_first) return;
  *is_first = false;
  if (says_forms && length >= 1) out->forms = value[0];
  if (out->kind != MAYDAY_ACK || length < 2) return;
  out->has_mended = true;
  out->mended = mayday_u16(value);
}
#endif

/* Skips extensions (3.5). */
static bool read_extensions(mayday_reader *from, size_t before, mayday_frame *out) {
  const uint8_t *const start = from->at;
#if MAYDAY_WITH_FEC
  bool is_first = true;
  out->forms = 0;
  out->has_mended = false;
  out->mended = 0;
#endif
  while (from->left > 0) {
    const uint8_t *head, *value;
    if (!mayday_take(from, 2, &head) || !mayday_take(from, head[1], &value) || (head[0] & CRITICAL) != 0) return false;
    if (head[0] == MAYDAY_EXTENSION_TYPE_LINK_PROOF)
      take_proof(out, value, head[1], before + (size_t)(value - start), from->left == 0);
#if MAYDAY_WITH_FEC
    else take_extension(out, head[0], value, head[1], &is_first);
#endif
  }
  return true;
}

mayday_fault mayday_message_read(mayday_reader *from, size_t before, mayday_frame_kind kind, mayday_frame *out) {
  const size_t length = from->left;
  const mayday_field *const fields = mayday_layout_of(kind);
  if (fields == NULL) return MAYDAY_FAULT_UNKNOWN;
  out->kind = kind;
  out->proof = NULL;
  out->proof_length = 0;
  out->proven_length = 0;
  if (!read_fields(from, fields, out) || !settle(out)) return MAYDAY_FAULT_MALFORMED;
  before += length - from->left;
  return read_extensions(from, before, out) ? MAYDAY_FAULT_NONE : MAYDAY_FAULT_MALFORMED;
}
