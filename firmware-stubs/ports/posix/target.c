/* The commands `target` and `read`. */
#include "mayday/target.h"
#include "base/bytes.h"
#include "mayday/ed25519.h"
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BLOCKS_MEMORY (16u * MAYDAY_BLOCK_ROOM(MAYDAY_BLOCK_MAX))
/* Time for the last message to leave, in milliseconds. */
#define FLUSH_MS 200u

/* Everything that one run keeps. */
typedef struct run {
  options options;
  mayday_sectors sectors;
  mayday_layout layout;
  mayday_identity identity;
  mayday_port port;
  mayday_board board;
  mayday_target target;
  flash_file flash;
  int serial;
  uint8_t frame[MAYDAY_FRAME_ROOM(MAYDAY_PAYLOAD_MAX)];
  uint8_t blocks[BLOCKS_MEMORY];
#if MAYDAY_WITH_FEC
  uint8_t held[MAYDAY_CODED_ROOM(MAYDAY_PAYLOAD_MAX)];
#endif
} run;

/* The port's functions have one context: the run. */
static size_t tx(void *context, const uint8_t *bytes, size_t length) {
  return serial_write(((run *)context)->serial, bytes, length);
}

static bool read_flash(void *context, uint32_t offset, uint8_t *bytes, size_t length) {
  return flash_read(&((run *)context)->flash, offset, bytes, length);
}

static bool erase_flash(void *context, uint32_t offset, uint32_t length) {
  return flash_erase(&((run *)context)->flash, offset, length);
}

static bool program_flash(void *context, uint32_t offset, const uint8_t *bytes, size_t length) {
  return flash_program(&((run *)context)->flash, offset, bytes, length);
}

static int open_board(run *run, bool is_created) {
  flash_layout(&run->options, &run->sectors, &run->layout);
  int code = flash_open(&run->flash, run->options.flash, &run->layout, is_created);
  if (code != EXIT_DONE) return code;
  memcpy(run->identity.node_id, run->flash.node_id, sizeof run->identity.node_id);
  run->identity.vendor = run->options.hardware;
  run->identity.hardware_class = run->options.hardware_class;
  run->identity.keys = run->options.keys;
  run->identity.key_count = run->options.key_count;
  run->port.context = run;
  run->port.now_ms = clock_ms;
  run->port.tx = tx;
  run->port.flash_read = read_flash;
  run->port.flash_erase = erase_flash;
  run->port.flash_program = program_flash;
  run->port.verify = mayday_ed25519_verify;
  run->port.random = random_fill;
  if (mayday_board_open(&run->board, &run->port, &run->layout, &run->identity, run->blocks)) return EXIT_DONE;
  fprintf(stderr, "mayday-posix: %s cannot be read or written\n", run->options.flash);
  return EXIT_FAILED;
}

static void print_image(const run *run) {
  const uint16_t *version = run->board.order.version;
  fprintf(stderr, "mayday-posix: boots %u.%u.%u, %lu bytes\n", version[0], version[1], version[2],
          (unsigned long)run->board.decision.size);
}

/* Tells of what changed since the last time. */
static void print_progress(const run *run, mayday_target_report *told) {
  const mayday_target_report *now = &run->target.report;
  uint32_t blocks = run->target.writer.shape.leaves;
  if (now->sessions != told->sessions) fprintf(stderr, "mayday-posix: a rescuer answers\n");
  if (now->refused != told->refused && now->refused != 0) fprintf(stderr, "mayday-posix: refused an image: %s\n", refusal_name(now->refused));
  bool is_step = blocks > 0 && now->blocks_written * 10u / blocks != told->blocks_written * 10u / blocks;
  if (is_step) fprintf(stderr, "mayday-posix: %lu blocks of %lu written\n", (unsigned long)now->blocks_written, (unsigned long)blocks);
  else if (now->sessions == told->sessions && now->refused == told->refused) return;
  *told = *now;
}

static int call_for_help(run *run) {
  const mayday_line line = {run->options.baud, 25, false, NULL, NULL, NULL, 0};
  const mayday_memory memory = {.frame = run->frame,
                                .frame_size = sizeof run->frame,
#if MAYDAY_WITH_FEC
                                .held = run->held,
                                .held_size = sizeof run->held,
#endif
                                .blocks = run->blocks,
                                .blocks_size = sizeof run->blocks};
  mayday_target_report told;
  mayday_target *target = &run->target;
  uint8_t bytes[4096];
  if (!mayday_target_init(target, &run->board, &line, &memory, false)) return EXIT_FAILED;
  memset(&told, 0, sizeof told);
  uint32_t progress_at = clock_ms(NULL), written = 0;
  for (;;) {
    mayday_target_state state = mayday_target_poll(target);
    print_progress(run, &told);
    if (state == MAYDAY_TARGET_HEALED && mayday_target_is_quiet(target)) return EXIT_DONE;
    if (target->report.blocks_written != written) progress_at = clock_ms(NULL);
    written = target->report.blocks_written;
    uint32_t idle = mayday_target_idle_ms(target), limit = run->options.timeout_s * 1000u, age = clock_ms(NULL) - progress_at;
    if (is_interrupted || (limit > 0 && age >= limit)) break;
    if (limit > 0 && limit - age < idle) idle = limit - age;
    if (target->outbox.length > 0) idle = 20;
    long count = serial_wait(run->serial, bytes, sizeof bytes, target->outbox.length > 0, idle);
    if (count < 0) {
      fprintf(stderr, "mayday-posix: %s is gone\n", run->options.port);
      return EXIT_TRANSPORT;
    }
    for (long i = 0; i < count; i++) mayday_target_byte(target, bytes[i]);
  }
  mayday_target_stop(target);
  for (uint32_t from = clock_ms(NULL); !mayday_target_is_quiet(target) && clock_ms(NULL) - from < FLUSH_MS;) {
    (void)mayday_target_poll(target);
    (void)serial_wait(run->serial, bytes, sizeof bytes, true, 20);
  }
  if (is_interrupted) return EXIT_INTERRUPTED;
  fprintf(stderr, "mayday-posix: no progress for %lu s\n", (unsigned long)run->options.timeout_s);
  return target->report.refused != 0 ? EXIT_REFUSED : EXIT_TIMEOUT;
}

/* One board a process. */
static run the_run;

int command_target(int argc, char **argv) {
  run *run = &the_run;
  int code = options_read(&run->options, argc, argv, NEEDS_PORT | NEEDS_FLASH);
  if (code == EXIT_DONE) code = open_board(run, true);
  if (code != EXIT_DONE) return code;
  if (run->board.decision.failure != 0) {
    catch_signals();
    run->serial = serial_open(run->options.port, run->options.baud);
    if (run->serial < 0) return EXIT_TRANSPORT;
    fprintf(stderr, "mayday-posix: does not boot (%s): calls for help on %s at %lu baud\n",
            failure_name(run->board.decision.failure), run->options.port, (unsigned long)run->options.baud);
    code = call_for_help(run);
    close(run->serial);
  }
  if (code == EXIT_DONE) print_image(run);
  flash_close(&run->flash);
  return code;
}

static int write_image(run *run) {
  uint8_t bytes[4096];
  uint32_t size = run->board.decision.size;
  FILE *out = fopen(run->options.out, "wb");
  bool is_written = out != NULL;
  for (uint32_t at = 0; is_written && at < size; at += sizeof bytes) {
    uint32_t count = mayday_least32(size - at, sizeof bytes);
    is_written = mayday_board_read(&run->board, at, bytes, count) && fwrite(bytes, 1, count, out) == count;
  }
  if (out != NULL && fclose(out) != 0) is_written = false;
  if (is_written) return EXIT_DONE;
  fprintf(stderr, "mayday-posix: cannot write %s: %s\n", run->options.out, strerror(errno));
  return EXIT_FAILED;
}

int command_read(int argc, char **argv) {
  run *run = &the_run;
  int code = options_read(&run->options, argc, argv, NEEDS_FLASH | NEEDS_OUT);
  if (code == EXIT_DONE) code = open_board(run, false);
  if (code != EXIT_DONE) return code;
  if (run->board.decision.failure != 0) {
    fprintf(stderr, "mayday-posix: nothing boots (%s)\n", failure_name(run->board.decision.failure));
    code = EXIT_NOT_BOOTABLE;
  } else {
    code = write_image(run);
  }
  flash_close(&run->flash);
  return code;
}
