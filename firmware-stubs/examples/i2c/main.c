/* A boot loader that is the peripheral of an I2C bus: the interrupt answers the controller, the main loop heals. */
#include "../board.h"
#include "mayday/mailbox.h"
#include "mayday/target.h"

#define PAYLOAD 256u
#define FRAME_MAX (PAYLOAD + 15u)
#define TRANSACTION 256u

static const mayday_port port = {
    .now_ms = board_now_ms,
    .flash_read = board_flash_read,
    .flash_erase = board_flash_erase,
    .flash_program = board_flash_program,
    .verify = board_verify,
};

/* Three transactions wait while a block is written. */
static uint8_t in[MAYDAY_MAILBOX_IN_ROOM(3u * TRANSACTION, FRAME_MAX)];
static uint8_t out[384];
static uint8_t frame[MAYDAY_FRAME_ROOM(PAYLOAD)];
static uint8_t blocks[2 * MAYDAY_BLOCK_ROOM(4096u)];
static const mayday_mailbox_memory mail = {in, sizeof in, out, sizeof out, FRAME_MAX, TRANSACTION};
static const mayday_memory memory = {.frame = frame, .frame_size = sizeof frame, .blocks = blocks, .blocks_size = sizeof blocks};

static mayday_mailbox mailbox;
static mayday_board board;
static mayday_target target;
static bool is_up;

/* Events of the I2C hardware. */
void i2c_on_address(bool is_read);
bool i2c_on_byte(uint8_t byte);
uint8_t i2c_on_wanted(void);
void i2c_on_stop(uint16_t unsent);

void i2c_on_address(bool is_read) {
  if (is_read) mayday_mailbox_read_begin(&mailbox, 0);
  else mayday_mailbox_write_begin(&mailbox);
}

/* Whether it is acknowledged. */
bool i2c_on_byte(uint8_t byte) {
  return mayday_mailbox_write_byte(&mailbox, byte);
}

uint8_t i2c_on_wanted(void) {
  return mayday_mailbox_read_byte(&mailbox);
}

/* `unsent`: 1 where the hardware asks for a byte before it knows whether the controller reads it. */
void i2c_on_stop(uint16_t unsent) {
  mayday_mailbox_end(&mailbox, unsent);
}

static bool send_frame(void *context, const uint8_t *bytes, size_t length) {
  (void)context;
  return is_up && mayday_mailbox_send(&mailbox, bytes, length);
}

static const mayday_line line = {.rto_floor_ms = 25, .send_frame = send_frame};

int main(void) {
  board_init();
  if (!mayday_layout_is_right(&board_layout)) return 1;
  (void)mayday_board_open(&board, &port, &board_layout, &board_identity, blocks);
  if (board.decision.failure != 0) {
    if (!mayday_mailbox_init(&mailbox, &mail, board_now_ms(NULL))) return 1;
    if (!mayday_target_init(&target, &board, &line, &memory, false)) return 1;
    board_i2c_enable();
    do {
      uint16_t length;
      uint8_t *bytes;
      is_up = mayday_mailbox_is_up(&mailbox, board_now_ms(NULL));
      while ((bytes = mayday_mailbox_frame(&mailbox, &length)) != NULL) {
        mayday_target_frame(&target, bytes, length);
        mayday_mailbox_release(&mailbox);
      }
    } while (mayday_target_poll(&target) != MAYDAY_TARGET_HEALED);
  }
  if (mayday_board_attempt(&board) && board.decision.failure == 0) board_start(board.map.slots[board.decision.slot].offset);
  return 1;
}
