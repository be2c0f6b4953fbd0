#include "wire/layout.h"

#define AT(type, member) {MAYDAY_FIELD_##type, offsetof(mayday_frame, as.member)}
#define VERSION_AT(message) AT(U16, message.version.major), AT(U16, message.version.minor), AT(U16, message.version.patch)
#define END {MAYDAY_FIELD_END, 0}

/* Offsets in mayday_frame have to fit a byte. */
typedef char mayday_frame_is_short[sizeof(mayday_frame) < 256 ? 1 : -1];

#define END_AT_ONCE {END}

/* In one struct, so that a byte says where the fields of a message begin. */
typedef struct layout_table {
  mayday_field none_of_these[1], query[3], beacon[16], offer[11], accept[7], stand_down[5], refuse[5], bye[4], defer[6], none[4];
  mayday_field ack[4], list[3], pause[2], done[2];
} layout_table;

static const layout_table layouts = {
    END_AT_ONCE,
    {AT(8_BYTES, query.node_id), AT(8_BYTES, query.boot_nonce), END},
    {
        AT(8_BYTES, beacon.node_id), AT(8_BYTES, beacon.boot_nonce), AT(8_BYTES, beacon.hardware_id),
        AT(U16, beacon.revision), AT(U8, beacon.flags), AT(U8, beacon.failure),
        VERSION_AT(beacon), AT(U48, beacon.sequence), AT(U32, beacon.floor),
        AT(8_BYTES, beacon.installed), AT(8_BYTES, beacon.receiving), END,
    },
    {
        AT(8_BYTES, offer.rescuer_id), AT(8_BYTES, offer.rescuer_nonce), AT(8_BYTES, offer.target_nonce),
        AT(8_BYTES, offer.digest), VERSION_AT(offer), AT(U32, offer.size), AT(U32, offer.counter), AT(U8, offer.block_log2), END,
    },
    {
        AT(8_BYTES, accept.target_nonce), AT(8_BYTES, accept.rescuer_nonce), AT(8_BYTES, accept.digest),
        AT(U16, accept.payload_max), AT(U8, accept.open_blocks), AT(U8, accept.asks), END,
    },
    {
        AT(8_BYTES, stand_down.target_id), AT(8_BYTES, stand_down.rescuer_nonce), AT(8_BYTES, stand_down.rescuer_id),
        AT(U16, stand_down.retry_ms), END,
    },
    {
        AT(8_BYTES, refuse.target_nonce), AT(8_BYTES, refuse.rescuer_nonce), AT(8_BYTES, refuse.digest),
        AT(U8, refuse.reason), END,
    },
    {AT(8_BYTES, bye.target_nonce), AT(8_BYTES, bye.rescuer_nonce), AT(U8, bye.reason), END},
    {
        AT(8_BYTES, defer.target_nonce), AT(8_BYTES, defer.rescuer_nonce), AT(8_BYTES, defer.digest),
        AT(U8, defer.reason), AT(U32, defer.seconds), END,
    },
    {AT(8_BYTES, none.rescuer_id), AT(8_BYTES, none.target_nonce), AT(U8, none.reason), END},
    {AT(U16, ack.highest), AT(U8, ack.delay), AT(14_BYTES, ack.bitmap), END},
    {AT(U16, list.sequence), AT(ENTRIES, list.count), END},
    {AT(U16, pause.ms), END},
    {AT(8_BYTES, done.digest), END},
};


#define OF(message) offsetof(layout_table, message)
#define TYPES_MAX 11u

/* Where the fields begin, by the two halves of mayday_frame_kind; 0 for what is no message. */
static const uint8_t starts[3][TYPES_MAX] = {
    {0, OF(query), OF(beacon), OF(beacon), OF(offer), OF(accept), OF(stand_down), OF(refuse), OF(bye), OF(defer), OF(none)},
    {OF(ack), OF(list), OF(list), OF(pause), OF(done)},
    {OF(pause), OF(done)},
};

const mayday_field *mayday_layout_of(mayday_frame_kind kind) {
  unsigned class_of = (unsigned)kind >> 4, type = (unsigned)kind & 0xfu;
  uint8_t start = class_of < 3u && type < TYPES_MAX ? starts[class_of][type] : 0;
  return start == 0 ? NULL : (const mayday_field *)((const uint8_t *)&layouts + start);
}

uint8_t mayday_field_length(uint8_t type) {
  static const uint8_t lengths[] = {0, 1, 2, 4, 6, 8, 14, 1};
  return lengths[type];
}
