/* A target without a link key from its start through three frames of any content, with polls between them at any time. Its flash
 * reads as anything, and each function of the port may fail. What reads frames, envelopes and payloads is proven in entry points
 * of its own; here stands what it may give. */
#include "any.h"

#include "image/envelope.h"
#include "mayday/target.h"
#include "wire/frame.h"

#define PAYLOAD 512u
#define BLOCK 1024u

static uint8_t frame_memory[MAYDAY_FRAME_ROOM(PAYLOAD)], blocks[MAYDAY_BLOCK_ROOM(BLOCK) * 2u], bytes_heard[MAYDAY_FRAME_MAX];
static mayday_board board;
static mayday_target target;
static mayday_frame_kind kind_heard;

uint8_t mayday_envelope_check(const mayday_port *port, const mayday_policy *policy, uint8_t *envelope, size_t length,
                              mayday_manifest *out, uint32_t *step_max) {
  (void)port;
  (void)policy;
  //@ assert length == 0 || \valid(envelope + (0 .. length - 1));
  (void)envelope;
  (void)length;
  make_any(out, sizeof *out);
  *step_max = any32();
  out->is_confirmed_by_app = any_bool();
  out->is_hardware_right = any_bool();
  out->role = Frama_C_unsigned_char_interval(1, 2);
  out->block_log2 = 10;
  out->size = Frama_C_unsigned_int_interval(1, UINT32_MAX);
  out->leaves = Frama_C_unsigned_int_interval(1, 1u << 20);
  return Frama_C_unsigned_char_interval(0, 14);
}

void mayday_hardware_id(const mayday_hash *hash, const char *vendor, const char *hardware_class, uint8_t out[8]) {
  (void)hash;
  (void)vendor;
  (void)hardware_class;
  make_any(out, 8);
}

int mayday_order_compare(const mayday_order *a, const mayday_order *b) {
  (void)a;
  (void)b;
  return Frama_C_interval(-1, 1);
}

bool mayday_frame_has_crc(const uint8_t *bytes, size_t length, uint32_t tag) {
  //@ assert length >= 5 && \valid_read(bytes + (0 .. length - 1));
  (void)bytes;
  (void)length;
  (void)tag;
  return any_bool();
}

/* So many bytes of the frame. */
static const uint8_t *part(size_t length) {
  return bytes_heard + Frama_C_interval(0, (int)(sizeof bytes_heard - length));
}

static void fill_data(mayday_frame *out) {
  out->as.data.packet = (uint16_t)Frama_C_interval(0, 4095);
  out->as.data.attempt = any8();
  out->as.data.codec = any8();
  out->as.data.position = (uint16_t)Frama_C_interval(0, UINT16_MAX);
  out->as.data.length = (uint16_t)Frama_C_interval(0, MAYDAY_PAYLOAD_MAX);
  out->as.data.payload = part(MAYDAY_PAYLOAD_MAX);
}

static void fill_object(mayday_frame *out) {
  out->as.object.packet = (uint16_t)Frama_C_interval(0, 4095);
  out->as.object.object_kind = any8();
  out->as.object.level = any8();
  out->as.object.index = any32();
  out->as.object.offset = (uint16_t)Frama_C_interval(0, UINT16_MAX);
  out->as.object.total = (uint16_t)Frama_C_interval(0, UINT16_MAX);
  out->as.object.length = (uint16_t)Frama_C_interval(0, MAYDAY_PAYLOAD_MAX);
  out->as.object.payload = part(MAYDAY_PAYLOAD_MAX);
}

static void fill_offer(mayday_frame *out) {
  out->as.offer.rescuer_id = part(8);
  out->as.offer.rescuer_nonce = part(8);
  out->as.offer.target_nonce = part(8);
  out->as.offer.digest = part(8);
  make_any(&out->as.offer.version, sizeof out->as.offer.version);
  out->as.offer.size = any32();
  out->as.offer.counter = any32();
  out->as.offer.block_log2 = any8();
}

mayday_fault mayday_frame_parse(const uint8_t *bytes, size_t length, uint32_t tag, mayday_frame *out) {
  (void)bytes;
  (void)length;
  (void)tag;
  out->kind = kind_heard;
  out->proof = NULL;
  out->proof_length = 0;
  out->proven_length = 0;
  switch (kind_heard) {
    case MAYDAY_DATA: fill_data(out); break;
    case MAYDAY_OBJECT: fill_object(out); break;
    case MAYDAY_OFFER: fill_offer(out); break;
    case MAYDAY_PROBE: out->as.probe.packet = (uint16_t)Frama_C_interval(0, 4095); break;
    case MAYDAY_LATER: out->as.pause.ms = (uint16_t)Frama_C_interval(0, UINT16_MAX); break;
    case MAYDAY_DONE_ACK: out->as.done.digest = part(8); break;
    case MAYDAY_BYE:
    case MAYDAY_NONE:
      out->as.bye.target_nonce = part(8);
      out->as.bye.rescuer_nonce = part(8);
      out->as.bye.reason = any8();
      break;
    default:
      out->as.beacon.node_id = part(8);
      out->as.beacon.boot_nonce = part(8);
      out->as.beacon.flags = any8();
      break;
  }
  return (mayday_fault)Frama_C_interval(MAYDAY_FAULT_NONE, MAYDAY_FAULT_MALFORMED);
}

mayday_fault mayday_frame_read(const uint8_t *body, size_t length, mayday_frame *out) {
  return mayday_frame_parse(body, length, 0, out);
}

static uint32_t any_now(void *context) {
  (void)context;
  return any32();
}

static bool any_send(void *context, const uint8_t *frame, size_t length) {
  (void)context;
  //@ assert \valid_read(frame + (0 .. length - 1));
  (void)frame;
  (void)length;
  return any_bool();
}

static bool any_random(void *context, uint8_t *bytes, size_t length) {
  (void)context;
  make_any(bytes, length);
  return any_bool();
}

static uint32_t any_verify(void *context, const uint8_t key[32], const uint8_t signature[64], const uint8_t *message,
                           size_t length) {
  (void)context;
  //@ assert \valid_read(key + (0 .. 31)) && \valid_read(signature + (0 .. 63)) && \valid_read(message + (0 .. length - 1));
  (void)key;
  (void)signature;
  (void)message;
  (void)length;
  return any_bool() ? MAYDAY_SIGNATURE_RIGHT : any32();
}

static void poll(void) {
  mayday_target_poll(&target);
  mayday_target_idle_ms(&target);
}

static void hear(mayday_frame_kind kind) {
  kind_heard = kind;
  bytes_heard[0] = (uint8_t)(kind < 16u ? MAYDAY_FRAME_CLASS_ANNOUNCE : kind >> 4);
  mayday_target_frame(&target, bytes_heard, (size_t)Frama_C_interval(MAYDAY_FRAME_MIN, sizeof bytes_heard));
}

int main(void) {
  static const mayday_sectors sectors = {64, 1024};
  static const mayday_layout layout = {.sectors = &sectors,
                                       .sector_runs = 1,
                                       .is_ab = true,
                                       .erased = 0xff,
                                       .write_unit = 16,
                                       .recovery_size = 1024,
                                       .slot_size = 16384};
  static const mayday_key key = {.roles = 1, .counter_max = UINT32_MAX, .step_max = MAYDAY_STEP_DEFAULT};
  static const mayday_identity identity = {.vendor = "acme", .hardware_class = "pump-7", .keys = &key, .key_count = 1};
  static const mayday_port port = {.now_ms = any_now,
                                   .flash_read = any_read,
                                   .flash_erase = any_erase,
                                   .flash_program = any_program,
                                   .verify = any_verify,
                                   .hash = &any_hash,
                                   .random = any_random};
  static const mayday_line line = {.baud = 115200, .rto_floor_ms = 10, .send_frame = any_send};
  static const mayday_memory memory = {frame_memory, sizeof frame_memory, blocks, sizeof blocks};
  mayday_board_open(&board, &port, &layout, &identity, blocks);
  if (!mayday_target_init(&target, &board, &line, &memory, any_bool())) return 0;
  poll();
  //@ dynamic_split target.session.state;
  //@ loop unroll 3;
  for (unsigned i = 0; i < 3u; i++) {
    make_any(bytes_heard, sizeof bytes_heard);
    switch (any8()) {
      case MAYDAY_QUERY: hear(MAYDAY_QUERY); break;
      case MAYDAY_BEACON: hear(MAYDAY_BEACON); break;
      case MAYDAY_OFFER: hear(MAYDAY_OFFER); break;
      case MAYDAY_BYE: hear(MAYDAY_BYE); break;
      case MAYDAY_NONE: hear(MAYDAY_NONE); break;
      case MAYDAY_LATER: hear(MAYDAY_LATER); break;
      case MAYDAY_DONE_ACK: hear(MAYDAY_DONE_ACK); break;
      case MAYDAY_OBJECT: hear(MAYDAY_OBJECT); break;
      case MAYDAY_PROBE: hear(MAYDAY_PROBE); break;
      case MAYDAY_DATA: hear(MAYDAY_DATA); break;
      /* Kinds that only a target sends, of which no field is read. */
      default: hear(MAYDAY_DISTRESS); break;
    }
    poll();
    poll();
  }
  mayday_target_stop(&target);
  poll();
  return 0;
}
