/* The recovery image: repairs what the slot holds, and starts it if it is an application that runs there. */
#include "machine.h"
#include "mayday/ed25519.h"
#include "pl011.h"
#include "print.h"
#include "loop.h"

#define BAUD 115200u
/* 24 MHz / (16 * 115200), in 64ths. */
#define UART_DIVISOR 833u
#define PAYLOAD 1024u
#define BLOCKS_MEMORY (4u * MAYDAY_BLOCK_ROOM(MAYDAY_BLOCK_MAX))

#ifndef NODE_ID
#define NODE_ID 'v', 'i', 'r', 't', '-', 'a', '1', '5'
#endif

static const mayday_key key = {
    .bytes = {TRUSTED_KEY}, .roles = 1, .counter_max = UINT32_MAX, .step_max = MAYDAY_STEP_DEFAULT};

static const mayday_identity identity = {
    .node_id = {NODE_ID},
    .vendor = "example",
    .hardware_class = "virt-a15",
    .keys = &key,
    .key_count = 1,
};

static size_t tx(void *context, const uint8_t *bytes, size_t length) {
  (void)context;
  return pl011_tx(UART0, bytes, length);
}

static size_t rx(void *context, uint8_t *bytes, size_t room) {
  (void)context;
  return pl011_rx(UART0, bytes, room);
}

static const mayday_port port = {
    .now_ms = clock_now_ms,
    .tx = tx,
    .flash_read = flash_read,
    .flash_erase = flash_erase,
    .flash_program = flash_program,
    .verify = mayday_ed25519_verify,
};

static const mayday_line line = {.baud = BAUD, .rto_floor_ms = 10};

static mayday_board board;
static mayday_target target;
static uint8_t frame[MAYDAY_FRAME_ROOM(PAYLOAD)];
static uint8_t blocks[BLOCKS_MEMORY];

int main(void) {
  mayday_loop loop = {&port, &machine_layout, &identity, &line, {frame, sizeof frame, blocks, sizeof blocks}, &board, &target, rx, NULL};
  pl011_init(UART0, UART_DIVISOR);
  mayday_loop_end end = mayday_target_run(&loop, 0);
  if (end == MAYDAY_LOOP_FAILED) print_text(UART0, "layout or memory is wrong\r\n");
  if (end == MAYDAY_LOOP_GAVE_UP) machine_reset();
  bool is_app = ((const volatile uint32_t *)SLOT_BASE)[1] == APP_MARK;
  if (!is_app) print_text(UART0, "the slot is right; start it as the first flash\r\n");
  pl011_flush(UART0);
  if (is_app) machine_jump(SLOT_BASE);
  for (;;) {
  }
}
