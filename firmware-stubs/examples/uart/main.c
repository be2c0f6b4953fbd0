/* A boot loader that calls for help on a UART when its firmware does not boot. */
#include "../board.h"
#include "mayday/target.h"

static const mayday_port port = {
    .now_ms = board_now_ms,
    .tx = board_uart_write,
    .flash_read = board_flash_read,
    .flash_erase = board_flash_erase,
    .flash_program = board_flash_program,
    .verify = board_verify,
};
static const mayday_line line = {.baud = 115200, .rto_floor_ms = 10};

/* Payloads of 256 bytes, and two open blocks of 4 KiB. */
static uint8_t frame[MAYDAY_FRAME_ROOM(256)];
static uint8_t blocks[2 * MAYDAY_BLOCK_ROOM(4096u)];
static const mayday_memory memory = {.frame = frame, .frame_size = sizeof frame, .blocks = blocks, .blocks_size = sizeof blocks};

static mayday_board board;
static mayday_target target;

int main(void) {
  board_init();
  if (!mayday_layout_is_right(&board_layout)) return 1;
  (void)mayday_board_open(&board, &port, &board_layout, &board_identity, blocks);
  if (board.decision.failure != 0) {
    if (!mayday_target_init(&target, &board, &line, &memory, false)) return 1;
    while (mayday_target_poll(&target) != MAYDAY_TARGET_HEALED) {
      while (board_uart_has_byte()) mayday_target_byte(&target, board_uart_byte());
    }
  }
  /* Counts the boot before it happens, and gives a trial up that was not confirmed. */
  if (mayday_board_attempt(&board) && board.decision.failure == 0) board_start(board.map.slots[board.decision.slot].offset);
  return 1; /* reset, and look again */
}
