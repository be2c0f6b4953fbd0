/* The recovery image: starts the application if it boots, else calls for help. */
#include "machine.h"
#include "mayday/ed25519.h"
#include "pl011.h"
#include "print.h"
#include "loop.h"
#ifdef BRING_UP
#include "selftest.h"
#endif

#define BAUD 115200u
/* 12.5 MHz / (16 * 115200), in 64ths. */
#define UART_DIVISOR 434u

/* Of the build, and of each board its own (docs/porting.md). */
#ifndef NODE_ID
#define NODE_ID 'l', 'm', '3', 's', '6', '9', '6', '5'
#endif

static const mayday_key key = {
    .bytes = {TRUSTED_KEY}, .roles = 1, .counter_max = UINT32_MAX, .step_max = MAYDAY_STEP_DEFAULT};

static const mayday_identity identity = {
    .node_id = {NODE_ID},
    .vendor = "example",
    .hardware_class = "lm3s6965",
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
static uint8_t blocks[OPEN_BLOCKS * MAYDAY_BLOCK_ROOM(1024u)];

static void print_stack(void) {
  print_text(UART0, "stack ");
  print_number(UART0, stack_used());
  print_text(UART0, " of ");
  print_number(UART0, stack_size());
  print_text(UART0, "\r\n");
}

#ifdef BRING_UP
/* Steps 1 to 3 of docs/porting.md; then every byte comes back, and a dot ends it. */
static void bring_up(void) {
  const char *clock = selftest_clock(&port), *signature = selftest_signature(&port);
  const char *flash = selftest_flash(&port, &machine_layout, FLASH_SIZE - SECTOR_SIZE, SECTOR_SIZE);
  print_text(UART0, "clock: ");
  print_text(UART0, clock == NULL ? "right" : clock);
  print_text(UART0, "\r\nflash: ");
  print_text(UART0, flash == NULL ? "right" : flash);
  print_text(UART0, "\r\nsignature: ");
  print_text(UART0, signature == NULL ? "right" : signature);
  print_text(UART0, "\r\n");
  for (uint8_t byte = 0; byte != '.';) {
    if (pl011_rx(UART0, &byte, 1) > 0) (void)pl011_tx(UART0, &byte, 1);
  }
}
#endif

int main(void) {
  mayday_loop loop = {&port, &machine_layout, &identity, &line, {frame, sizeof frame, blocks, sizeof blocks}, &board, &target, rx, NULL};
  clock_init();
  flash_init();
  pl011_init(UART0, UART_DIVISOR);
#ifdef BRING_UP
  bring_up();
#endif
  mayday_loop_end end = mayday_target_run(&loop, 0);
  if (end == MAYDAY_LOOP_FAILED) print_text(UART0, "layout or memory is wrong\r\n");
  print_stack();
  pl011_flush(UART0);
  if (end == MAYDAY_LOOP_BOOTS) machine_jump(SLOT_BASE);
  /* The flash failed: from the start again, after a reset. */
  machine_reset();
  return 0;
}
