/* A target as small as it can be, linked to see what it takes: never run. All functions of the port are empty. */
#include "mayday/target.h"

static uint32_t now_ms(void *context) {
  return *(volatile uint32_t *)context;
}

static size_t tx(void *context, const uint8_t *bytes, size_t length) {
  *(volatile uint8_t *)context = bytes[0];
  return length;
}

static bool flash_read(void *context, uint32_t offset, uint8_t *bytes, size_t length) {
  bytes[0] = *(volatile uint8_t *)context;
  return offset + length != 0;
}

static bool flash_erase(void *context, uint32_t offset, uint32_t length) {
  *(volatile uint8_t *)context = 0;
  return offset + length != 0;
}

static bool flash_program(void *context, uint32_t offset, const uint8_t *bytes, size_t length) {
  *(volatile uint8_t *)context = bytes[0];
  return offset + length != 0;
}

#ifdef SIZE_WITH_ED25519
#include "mayday/ed25519.h"
#define VERIFY mayday_ed25519_verify
#else
static uint32_t no_verify(void *context, const uint8_t key[32], const uint8_t signature[64], const uint8_t *message,
                          size_t length) {
  *(volatile uint8_t *)context = (uint8_t)(key[0] ^ signature[0] ^ message[length - 1u]);
  return MAYDAY_SIGNATURE_WRONG;
}
#define VERIFY no_verify
#endif

static uint32_t memory_of_port;
static mayday_board board;
static mayday_target target;
static uint8_t frame[MAYDAY_FRAME_ROOM(256)];
static uint8_t blocks[4096];
#if MAYDAY_WITH_FEC
static uint8_t held[MAYDAY_CODED_ROOM(256)];
#endif

static const mayday_port port = {.context = &memory_of_port,
                                 .now_ms = now_ms,
                                 .tx = tx,
                                 .flash_read = flash_read,
                                 .flash_erase = flash_erase,
                                 .flash_program = flash_program,
                                 .verify = VERIFY};
static const mayday_sectors sectors[] = {{64, 4096}};
static const mayday_layout layout = {.sectors = sectors,
                                     .sector_runs = 1,
                                     .is_ab = MAYDAY_WITH_AB,
                                     .erased = 0xff,
                                     .write_unit = 8,
                                     .recovery_size = 32768,
                                     .slot_size = 98304};
static const mayday_key key = {.roles = 1, .counter_max = UINT32_MAX, .step_max = MAYDAY_STEP_DEFAULT};
static const mayday_identity identity = {
    .vendor = "example", .hardware_class = "size", .keys = &key, .key_count = 1, .is_update_allowed = true};
static const mayday_line line = {.baud = 115200, .rto_floor_ms = 10};
static const mayday_memory memory = {
#if MAYDAY_WITH_FEC
    .held = held, .held_size = sizeof(held),
#endif
    .frame = frame, .frame_size = sizeof(frame), .blocks = blocks, .blocks_size = sizeof(blocks)};

int main(void) {
  volatile uint32_t *io = &memory_of_port;
  if (!mayday_layout_is_right(&layout)) return 1;
  mayday_board_open(&board, &port, &layout, &identity, blocks);
  if (*io == 1u) mayday_board_confirm(&board);
  if (mayday_board_attempt(&board) && board.decision.failure == 0) return 0;
  mayday_target_init(&target, &board, &line, &memory, false);
  for (;;) {
    mayday_target_byte(&target, (uint8_t)*io);
    if (mayday_target_poll(&target) == MAYDAY_TARGET_HEALED) return 0;
  }
}
