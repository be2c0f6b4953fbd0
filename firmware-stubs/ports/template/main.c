/* The recovery image of a board. With BRING_UP: the self-tests of steps 1 to 3, each result on the UART. */
#include "loop.h"
#include "port.h"
#ifdef BRING_UP
#include "selftest.h"
#endif

#define PAYLOAD 256u
#define OPEN_BLOCKS 2u

static mayday_board board;
static mayday_target target;
static uint8_t frame[MAYDAY_FRAME_ROOM(PAYLOAD)];
static uint8_t blocks[OPEN_BLOCKS * MAYDAY_BLOCK_ROOM(4096u)];

#ifdef BRING_UP
static void tell(const char *text) {
  for (; *text != 0; text++) {
    while (port_tx(NULL, (const uint8_t *)text, 1) == 0) {
    }
  }
}

static void tell_result(const char *what, const char *wrong) {
  tell(what);
  tell(wrong == NULL ? "right" : wrong);
  tell("\r\n");
}

/* The last sector of the slot is lost. */
static void bring_up(void) {
  const mayday_sectors *last = &port_layout.sectors[port_layout.sector_runs - 1u];
  uint32_t end = 0;
  for (uint8_t i = 0; i < port_layout.sector_runs; i++) end += port_layout.sectors[i].count * port_layout.sectors[i].size;
  tell_result("clock: ", selftest_clock(&port_functions));
  tell_result("flash: ", selftest_flash(&port_functions, &port_layout, end - last->size, last->size));
  tell_result("signature: ", selftest_signature(&port_functions));
  for (uint8_t byte = 0; byte != '.';) {
    if (port_rx(NULL, &byte, 1) > 0) (void)port_tx(NULL, &byte, 1);
  }
}
#endif

int main(void) {
  mayday_loop loop = {.port = &port_functions,
                      .layout = &port_layout,
                      .identity = &port_identity,
                      .line = &port_line,
                      .memory = {frame, sizeof frame, blocks, sizeof blocks},
                      .board = &board,
                      .target = &target,
                      .rx = port_rx};
#ifdef BRING_UP
  bring_up();
#endif
  /* MAYDAY_LOOP_FAILED: port_layout breaks a rule of PROTOCOL.md 13.1, or the memory above is too small. */
  if (mayday_target_run(&loop, 0) == MAYDAY_LOOP_BOOTS) port_start(board.map.slots[board.decision.slot].offset);
  return 1;
}
