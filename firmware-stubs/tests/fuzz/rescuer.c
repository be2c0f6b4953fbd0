/* A whole rescuer, time included: frames with the right CRC and any content, bytes, time that passes. */
#include "coded.h"
#include "copy.h"
#include "input.h"

#include "base/sha256.h"
#include "image/envelope.h"
#include "mayday/rescuer.h"
#include "wire/frame.h"

static mayday_rescuer rescuer;
static uint32_t now;

static uint32_t now_ms(void *context) {
  (void)context;
  return now;
}

static bool give_nonce(void *context, uint8_t *bytes, size_t length) {
  (void)context;
  for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)(0x20u + i);
  return true;
}

static bool swallow(void *context, const uint8_t *frame, size_t length) {
  (void)context;
  HOLDS(length > 0 && frame[length - 1u] <= 255u);
  return true;
}

static size_t swallow_bytes(void *context, const uint8_t *bytes, size_t length) {
  (void)context;
  (void)bytes;
  return length;
}

static bool read_image(void *context, uint32_t offset, uint8_t *bytes, size_t length) {
  const mayday_manifest *manifest = context;
  HOLDS(offset <= manifest->size && length <= manifest->size - offset);
  for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)((offset + i) >> 2);
  return true;
}

static void poll(void) {
  for (unsigned i = 0; i < 40; i++) {
    mayday_rescuer_poll(&rescuer);
    if (!mayday_rescuer_is_busy(&rescuer)) break;
  }
}

static void hear(input *in, uint16_t length, bool is_closed, bool is_coded) {
  size_t count = in->length < length ? in->length : length;
  uint8_t *frame = copy_of(in->bytes, count, count + MAYDAY_CRC_LENGTH);
  size_t whole = count;
  in->bytes += count;
  in->length -= count;
  if (is_closed && count > 0)
    whole = mayday_frame_close(frame, count, (frame[0] & 0xfu) == MAYDAY_FRAME_CLASS_ANNOUNCE ? 0 : rescuer.tag);
  if (is_coded) {
    uint8_t coded[2400];
    const size_t bytes = coded_of(frame, whole, (uint8_t)length, coded, sizeof coded);
    for (size_t i = 0; i < bytes; i++) mayday_rescuer_byte(&rescuer, coded[i]);
  } else {
    mayday_rescuer_frame(&rescuer, frame, whole);
  }
  copy_drop(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  static const uint8_t node_id[8] = {0x72, 0x65, 0x73, 0x63, 0x75, 0x65, 0x72, 0x31};
  static const uint8_t envelope[367] = {0xd2};
  /* The image of the sessions of vectors/session-v1.json. */
  static mayday_manifest manifest = {.digest = {0xc1, 0xf2, 0xfa, 0x0a, 0x9b, 0xc6, 0xba, 0x95},
                                     .order = {.sequence = 4295229442u, .version = {1, 4, 2}},
                                     .counter = 5,
                                     .not_after = UINT32_MAX,
                                     .size = 4396,
                                     .leaves = 5,
                                     .revision_min = 1,
                                     .revision_max = 3,
                                     .block_log2 = 10,
                                     .role = 1};
  input in = {bytes, length};
  uint8_t kind = take8(&in);
  uint8_t hardware_id[8];
  mayday_port port = {.now_ms = now_ms, .random = give_nonce};
  mayday_line line = {.baud = 115200, .rto_floor_ms = 25};
  mayday_hardware_id(mayday_hash_of(&port), "acme", "pump-7", hardware_id);
  mayday_source source = {.context = &manifest,
                          .read = read_image,
                          .envelope = envelope,
                          .envelope_length = sizeof envelope,
                          .is_signed = true,
                          .manifest = &manifest,
                          .hardware_id = hardware_id};
  mayday_self self = {.node_id = node_id};
  bool is_stream = (kind & 0x80u) != 0;
  if (is_stream) port.tx = swallow_bytes;
  if (!is_stream) line.send_frame = swallow;
  now = 0;
  HOLDS(mayday_rescuer_init(&rescuer, &port, &line, &source, &self));
  poll();
  while (in.length > 0) {
    uint8_t what = take8(&in);
    switch (what & 3u) {
      case 0:
        now += 1u << (what >> 2 & 15u);
        break;
      case 1:
      case 2: {
        uint16_t count = take8(&in);
        count = (uint16_t)(count | (uint16_t)(take8(&in) & 3u) << 8);
        hear(&in, count, (what & 1u) != 0, is_stream && (what & 0x40u) != 0);
        break;
      }
      default:
        if (!is_stream) break;
        for (unsigned i = what >> 2; i > 0 && in.length > 0; i--) mayday_rescuer_byte(&rescuer, take8(&in));
        break;
    }
    poll();
  }
  return 0;
}
