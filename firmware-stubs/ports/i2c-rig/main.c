/* A board on the I2C test rig: the mailbox and the target of the C side, over a flash file. Ends with 0 when it boots.
 *
 *   mayday-i2c-rig BYTES --port BUS/0x42 --flash FILE --slot SIZE --hardware [VENDOR/]CLASS --trust PUB.pem... [--timeout SECONDS]
 *
 * BYTES: longest transaction, 32 to 8192. The options and the flash file are those of mayday-posix. */
#include "../posix/posix.h"
#include "base/bytes.h"
#include "bus.h"
#include "mayday/ed25519.h"
#include "mayday/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PAYLOAD 512u
#define FRAME_MAX (PAYLOAD + 15u)
#define BLOCKS_MEMORY (4u * MAYDAY_BLOCK_ROOM(4096u))

/* Everything that the process keeps. */
static struct {
  options options;
  mayday_sectors sectors;
  mayday_layout layout;
  mayday_identity identity;
  mayday_port port;
  mayday_board board;
  mayday_target target;
  mayday_mailbox mailbox;
  bus bus;
  flash_file flash;
  uint8_t in[MAYDAY_MAILBOX_IN_ROOM(2u * MAYDAY_TRANSACTION_MAX, FRAME_MAX)];
  uint16_t transaction;
  uint8_t out[2048];
  uint8_t frame[MAYDAY_FRAME_ROOM(PAYLOAD)];
  uint8_t blocks[BLOCKS_MEMORY];
  bool is_up;
} rig;

volatile sig_atomic_t is_interrupted;

static bool send_frame(void *context, const uint8_t *frame, size_t length) {
  (void)context;
  return rig.is_up && mayday_mailbox_send(&rig.mailbox, frame, length);
}

uint32_t clock_ms(void *context) {
  struct timespec now;
  (void)context;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint32_t)((uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u);
}

bool random_fill(void *context, uint8_t *bytes, size_t length) {
  (void)context;
  FILE *file = fopen("/dev/urandom", "rb");
  if (file == NULL) return false;
  bool is_full = fread(bytes, 1, length, file) == length;
  fclose(file);
  return is_full;
}

static int open_board(void) {
  flash_layout(&rig.options, &rig.sectors, &rig.layout);
  int code = flash_open(&rig.flash, rig.options.flash, &rig.layout, true);
  if (code != EXIT_DONE) return code;
  memcpy(rig.identity.node_id, rig.flash.node_id, sizeof rig.identity.node_id);
  rig.identity.vendor = rig.options.hardware;
  rig.identity.hardware_class = rig.options.hardware_class;
  rig.identity.keys = rig.options.keys;
  rig.identity.key_count = rig.options.key_count;
  rig.port = (mayday_port){
      .context = &rig.flash,
      .now_ms = clock_ms,
      .flash_read = flash_read,
      .flash_erase = flash_erase,
      .flash_program = flash_program,
      .verify = mayday_ed25519_verify,
      .random = random_fill,
  };
  return mayday_board_open(&rig.board, &rig.port, &rig.layout, &rig.identity, rig.blocks) ? EXIT_DONE : EXIT_FAILED;
}

/* Hands on whole frames: their bytes may be changed in place until they are released. */
static void take_frames(void) {
  uint16_t length;
  for (uint8_t *frame; (frame = mayday_mailbox_frame(&rig.mailbox, &length)) != NULL; mayday_mailbox_release(&rig.mailbox))
    mayday_target_frame(&rig.target, frame, length);
}

static int call_for_help(void) {
  const mayday_line line = {.rto_floor_ms = 25, .send_frame = send_frame};
  const mayday_memory memory = {.frame = rig.frame, .frame_size = sizeof rig.frame, .blocks = rig.blocks, .blocks_size = sizeof rig.blocks};
  const mayday_mailbox_memory mail = {rig.in, sizeof rig.in, rig.out, sizeof rig.out, FRAME_MAX, rig.transaction};
  if (!mayday_mailbox_init(&rig.mailbox, &mail, clock_ms(NULL))) {
    fprintf(stderr, "mayday-i2c-rig: transactions have 32 to 8192 bytes\n");
    return EXIT_USAGE;
  }
  if (!bus_open(&rig.bus, rig.options.port, &rig.mailbox)) return EXIT_TRANSPORT;
  if (!mayday_target_init(&rig.target, &rig.board, &line, &memory, false)) return EXIT_FAILED;
  uint32_t from = clock_ms(NULL), limit = rig.options.timeout_s * 1000u;
  while (limit == 0 || clock_ms(NULL) - from < limit) {
    bool was_up = rig.is_up;
    rig.is_up = mayday_mailbox_is_up(&rig.mailbox, clock_ms(NULL));
    if (rig.is_up && !was_up) mayday_target_link_up(&rig.target);
    take_frames();
    if (mayday_target_poll(&rig.target) == MAYDAY_TARGET_HEALED) return EXIT_DONE;
    bus_serve(&rig.bus, mayday_target_idle_ms(&rig.target));
  }
  fprintf(stderr, "mayday-i2c-rig: not healed in %lu s\n", (unsigned long)rig.options.timeout_s);
  return EXIT_TIMEOUT;
}

int main(int argc, char **argv) {
  if (argc < 2) return EXIT_USAGE;
  rig.transaction = (uint16_t)strtoul(argv[1], NULL, 10);
  int code = options_read(&rig.options, argc - 2, argv + 2, NEEDS_PORT | NEEDS_FLASH);
  if (code == EXIT_DONE) code = open_board();
  if (code == EXIT_DONE && rig.board.decision.failure != 0) code = call_for_help();
  flash_close(&rig.flash);
  return code;
}
