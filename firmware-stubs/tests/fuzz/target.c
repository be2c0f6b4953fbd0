/* A whole target, time included: frames with the right CRC and any content, runs, bytes, time that passes. */
#include "coded.h"
#include "copy.h"
#include "small_board.h"

#include "mayday/target.h"
#include "wire/frame.h"

static mayday_board board;
static mayday_target target;
static uint8_t frame_memory[MAYDAY_FRAME_ROOM(512)];
static uint8_t blocks[MAYDAY_BLOCK_ROOM(1024) * 2u];
static uint8_t held[MAYDAY_CODED_ROOM(512)];

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

static void poll(void) {
  for (unsigned i = 0; i < 40; i++) {
    mayday_target_poll(&target);
    if (mayday_target_idle_ms(&target) > 0) break;
  }
}

static void hear(input *in, uint16_t length, bool is_closed, bool is_coded) {
  size_t count = in->length < length ? in->length : length;
  uint8_t *frame = copy_of(in->bytes, count, count + MAYDAY_CRC_LENGTH);
  size_t whole = count;
  in->bytes += count;
  in->length -= count;
  if (is_closed && count > 0)
    whole = mayday_frame_close(frame, count, (frame[0] & 0xfu) == MAYDAY_FRAME_CLASS_ANNOUNCE ? 0 : target.tag);
  if (is_coded) {
    uint8_t coded[2400];
    const size_t bytes = coded_of(frame, whole, (uint8_t)length, coded, sizeof coded);
    for (size_t i = 0; i < bytes; i++) mayday_target_byte(&target, coded[i]);
  } else {
    mayday_target_frame(&target, frame, whole);
  }
  copy_drop(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  input in = {bytes, length};
  uint8_t kind = take8(&in);
  mayday_layout layout = small_layout(kind);
  if (!mayday_layout_is_right(&layout)) return 0;
  mayday_port port = small_port(&layout);
  mayday_line line = {.baud = 115200, .rto_floor_ms = 10};
  const mayday_memory memory = {.frame = frame_memory, .frame_size = sizeof frame_memory, .blocks = blocks, .blocks_size = sizeof blocks,
                                .held = held, .held_size = sizeof held};
  bool is_stream = (kind & 0x80u) != 0;
  if (is_stream) port.tx = swallow_bytes;
  if (!is_stream) line.send_frame = swallow;
  mayday_board_open(&board, &port, &layout, &small_identity, blocks);
  HOLDS(mayday_target_init(&target, &board, &line, &memory, (kind & 0x40u) != 0));
  target.asks_run = (kind & 0x20u) != 0;
  poll();
  while (in.length > 0) {
    uint8_t what = take8(&in);
    switch (what & 3u) {
      case 0:
        small_now += 1u << (what >> 2 & 15u);
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
        for (unsigned i = what >> 2; i > 0 && in.length > 0; i--) mayday_target_byte(&target, take8(&in));
        break;
    }
    poll();
  }
  mayday_target_stop(&target);
  poll();
  HOLDS(small_flash.faults == 0);
  return 0;
}
