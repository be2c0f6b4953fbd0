#include "wire/layout.h"

#define AT(type, member) {MAYDAY_FIELD_##type, offsetof(mayday_frame, as.member)}
#define VERSION_AT(message) AT(U16, message.version.major), AT(U16, message.version.minor), AT(U16, message.version.patch)
#define END {MAYDAY_FIELD_END, 0}

/* Offsets in mayday_frame have to fit a byte. */
typedef char mayday_frame_is_short[sizeof(mayday_frame) < 256 ? 1 : -1];

static const mayday_field query[] = {AT(8_BYTES, query.node_id), AT(8_BYTES, query.boot_nonce), END};

static const mayday_field beacon[] = {
    AT(8_BYTES, beacon.node_id),  AT(8_BYTES, beacon.boot_nonce), AT(8_BYTES, beacon.hardware_id),
    AT(U16, beacon.revision),     AT(U8, beacon.flags),           AT(U8, beacon.failure),
    VERSION_AT(beacon),           AT(U48, beacon.sequence),       AT(U32, beacon.floor),
    AT(8_BYTES, beacon.installed), AT(8_BYTES, beacon.receiving),  END,
};

static const mayday_field offer[] = {
    AT(8_BYTES, offer.rescuer_id), AT(8_BYTES, offer.rescuer_nonce), AT(8_BYTES, offer.target_nonce),
    AT(8_BYTES, offer.digest),     VERSION_AT(offer),                AT(U32, offer.size),
    AT(U32, offer.counter),        AT(U8, offer.block_log2),         END,
};

static const mayday_field accept[] = {
    AT(8_BYTES, accept.target_nonce), AT(8_BYTES, accept.rescuer_nonce), AT(8_BYTES, accept.digest),
    AT(U16, accept.payload_max),      AT(U8, accept.open_blocks),        AT(U8, accept.asks),
    END,
};

static const mayday_field stand_down[] = {
    AT(8_BYTES, stand_down.target_id), AT(8_BYTES, stand_down.rescuer_nonce), AT(8_BYTES, stand_down.rescuer_id),
    AT(U16, stand_down.retry_ms),      END,
};

static const mayday_field refuse[] = {
    AT(8_BYTES, refuse.target_nonce), AT(8_BYTES, refuse.rescuer_nonce), AT(8_BYTES, refuse.digest),
    AT(U8, refuse.reason),            END,
};

static const mayday_field bye[] = {
    AT(8_BYTES, bye.target_nonce), AT(8_BYTES, bye.rescuer_nonce), AT(U8, bye.reason), END,
};

static const mayday_field defer[] = {
    AT(8_BYTES, defer.target_nonce), AT(8_BYTES, defer.rescuer_nonce), AT(8_BYTES, defer.digest),
    AT(U8, defer.reason),            AT(U32, defer.seconds),           END,
};

static const mayday_field none[] = {
    AT(8_BYTES, none.rescuer_id), AT(8_BYTES, none.target_nonce), AT(U8, none.reason), END,
};

static const mayday_field ack[] = {AT(U16, ack.highest), AT(U8, ack.delay), AT(14_BYTES, ack.bitmap), END};
static const mayday_field list[] = {AT(U16, list.sequence), AT(ENTRIES, list.count), END};
static const mayday_field pause[] = {AT(U16, pause.ms), END};
static const mayday_field done[] = {AT(8_BYTES, done.digest), END};

/* By the low half of mayday_frame_kind. */
static const mayday_field *const announcements[] = {
    NULL, query, beacon, beacon, offer, accept, stand_down, refuse, bye, defer, none,
};
static const mayday_field *const target_controls[] = {ack, list, list, pause, done};
static const mayday_field *const rescuer_controls[] = {pause, done};

#define COUNT_OF(list) (sizeof(list) / sizeof(list)[0])

const mayday_field *mayday_layout_of(mayday_frame_kind kind) {
  unsigned type = (unsigned)kind & 0xfu;
  switch ((unsigned)kind >> 4) {
    case MAYDAY_FRAME_CLASS_ANNOUNCE:
      return type < COUNT_OF(announcements) ? announcements[type] : NULL;
    case MAYDAY_FRAME_CLASS_TARGET_CONTROL:
      return type < COUNT_OF(target_controls) ? target_controls[type] : NULL;
    case MAYDAY_FRAME_CLASS_RESCUER_CONTROL:
      return type < COUNT_OF(rescuer_controls) ? rescuer_controls[type] : NULL;
    default:
      return NULL;
  }
}

uint8_t mayday_field_length(uint8_t type) {
  static const uint8_t lengths[] = {0, 1, 2, 4, 6, 8, 14, 1};
  return lengths[type];
}

uint8_t mayday_entries_max(mayday_frame_kind kind) {
  return kind == MAYDAY_GRANT ? MAYDAY_GRANT_ENTRIES_MAX : MAYDAY_REQUEST_ENTRIES_MAX;
}

uint8_t mayday_entry_length(mayday_frame_kind kind) {
  return kind == MAYDAY_GRANT ? 5 : 4;
}
