/* The command `rescuer`. */
#include "mayday/rescuer.h"
#include "image_file.h"
#include "posix.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* What waits for the port; frames are handed over in pieces, which one write takes together. */
#define WAITING_MAX 8192u
/* Polls before the port is looked at again. */
#define POLLS_MAX 64u
/* A done that comes again is answered for so long; longer than a target waits before it repeats it. */
#define LINGER_MS 1000u
#define FLUSH_MS 200u

typedef struct run {
  options options;
  int serial;
  mayday_port port;
  mayday_line line;
  mayday_self self;
  uint8_t node_id[8];
  image_file image;
  mayday_rescuer rescuer;
  uint8_t waiting[WAITING_MAX];
  size_t length;
} run;

static run the_run;

static size_t tx(void *context, const uint8_t *bytes, size_t length) {
  run *run = context;
  size_t room = WAITING_MAX - run->length;
  if (length > room) length = room;
  memcpy(run->waiting + run->length, bytes, length);
  run->length += length;
  return length;
}

static void drop_unsent(void *context) {
  run *run = context;
  run->length = 0;
  (void)tcflush(run->serial, TCOFLUSH);
}

static void flush(run *run) {
  if (run->length == 0) return;
  size_t count = serial_write(run->serial, run->waiting, run->length);
  run->length -= count;
  memmove(run->waiting, run->waiting + count, run->length);
}

static const char *end_name(mayday_rescuer_end end) {
  static const char *const NAMES[] = {"",
                                      "healed a board",
                                      "the image is not for the board that calls",
                                      "the board refused the image",
                                      "the board may take it later",
                                      "another one serves the board",
                                      "the board left",
                                      "the board did not answer the offer",
                                      "the board fell silent",
                                      "the board fell silent when it had everything: it may be healed",
                                      "the board asked for more than eight images",
                                      "the image cannot be read"};
  return (size_t)end < sizeof NAMES / sizeof NAMES[0] ? NAMES[end] : "";
}

static void print_end(const mayday_rescuer *rescuer) {
  fprintf(stderr, "mayday-posix: %s", end_name(rescuer->end));
  bool is_refusal = rescuer->end == MAYDAY_END_REFUSED || rescuer->end == MAYDAY_END_UNSUITABLE;
  if (is_refusal && rescuer->end_reason != 0) fprintf(stderr, ": %s", refusal_name(rescuer->end_reason));
  fprintf(stderr, "\n");
}

/* Polls until there is nothing to do at once, and hands bytes to the port. */
static mayday_rescuer_state poll_all(run *run) {
  mayday_rescuer_state state;
  unsigned polls = 0;
  do {
    state = mayday_rescuer_poll(&run->rescuer);
  } while (mayday_rescuer_is_busy(&run->rescuer) && ++polls < POLLS_MAX);
  flush(run);
  return state;
}

/* Hears what comes within `ms`; false: the port is gone. */
static bool hear(run *run, uint32_t ms) {
  uint8_t bytes[4096];
  if (mayday_rescuer_is_busy(&run->rescuer)) ms = 0;
  long count = serial_wait(run->serial, bytes, sizeof bytes, run->length > 0, ms);
  for (long i = 0; i < count; i++) mayday_rescuer_byte(&run->rescuer, bytes[i]);
  return count >= 0;
}

static void stop(run *run) {
  mayday_rescuer_stop(&run->rescuer, MAYDAY_BYE_REASON_STOPPED);
  for (uint32_t from = clock_ms(NULL); clock_ms(NULL) - from < FLUSH_MS;) {
    (void)poll_all(run);
    if (run->length == 0 && run->rescuer.out.frame == NULL && run->rescuer.due == 0) break;
    if (!hear(run, 1)) break;
  }
  (void)tcdrain(run->serial);
}

static int serve(run *run) {
  mayday_rescuer *rescuer = &run->rescuer;
  uint32_t limit = run->options.timeout_s * 1000u, progress_at = clock_ms(NULL), healed_at = 0;
  uint32_t sent = 0;
  uint16_t ends = 0;
  mayday_rescuer_state before = MAYDAY_RESCUER_LISTENING;
  for (;;) {
    mayday_rescuer_state state = poll_all(run);
    uint32_t now = clock_ms(NULL);
    if (rescuer->ends != ends) {
      if (rescuer->end != MAYDAY_END_UNSUITABLE || before == MAYDAY_RESCUER_LISTENING) print_end(rescuer);
      if (rescuer->end == MAYDAY_END_HEALED) healed_at = now;
      if (run->options.is_once && rescuer->end == MAYDAY_END_REFUSED) return EXIT_REFUSED;
      ends = rescuer->ends;
    }
    if (state != before && state == MAYDAY_RESCUER_SERVING) fprintf(stderr, "mayday-posix: a board takes the image\n");
    before = state;
    if (state == MAYDAY_RESCUER_SERVING && rescuer->bytes_sent != sent) progress_at = now;
    sent = rescuer->bytes_sent;
    if (run->options.is_once && state == MAYDAY_RESCUER_HEALED && now - healed_at >= LINGER_MS) return EXIT_DONE;
    if (is_interrupted) return EXIT_INTERRUPTED;
    if (limit > 0 && state != MAYDAY_RESCUER_HEALED && now - progress_at >= limit) {
      fprintf(stderr, "mayday-posix: no progress for %lu s\n", (unsigned long)run->options.timeout_s);
      return EXIT_TIMEOUT;
    }
    if (!hear(run, state == MAYDAY_RESCUER_SERVING ? 1 : 20)) {
      fprintf(stderr, "mayday-posix: %s is gone\n", run->options.port);
      return EXIT_TRANSPORT;
    }
  }
}

static int start(run *run) {
  run->port.context = run;
  run->port.now_ms = clock_ms;
  run->port.tx = tx;
  run->port.random = random_fill;
  run->line.baud = run->options.baud;
  run->line.rto_floor_ms = 25;
  run->self.node_id = run->node_id;
  run->self.drop_unsent = drop_unsent;
  if (!random_fill(NULL, run->node_id, sizeof run->node_id) ||
      !mayday_rescuer_init(&run->rescuer, &run->port, &run->line, &run->image.source, &run->self)) {
    fprintf(stderr, "mayday-posix: there are no random numbers, or the image cannot be served\n");
    return EXIT_FAILED;
  }
  run->serial = serial_open(run->options.port, run->options.baud);
  return run->serial < 0 ? EXIT_TRANSPORT : EXIT_DONE;
}

int command_rescuer(int argc, char **argv) {
  run *run = &the_run;
  int code = options_read(&run->options, argc, argv, NEEDS_PORT | NEEDS_IMAGE);
  if (code != EXIT_DONE) return code;
  catch_signals();
  code = image_open(&run->image, run->options.image);
  if (code == EXIT_DONE) code = start(run);
  if (code == EXIT_DONE) {
    fprintf(stderr, "mayday-posix: holds %u.%u.%u, %lu bytes, and listens on %s at %lu baud\n", run->image.manifest.order.version[0],
            run->image.manifest.order.version[1], run->image.manifest.order.version[2], (unsigned long)run->image.manifest.size,
            run->options.port, (unsigned long)run->options.baud);
    code = serve(run);
    stop(run);
    close(run->serial);
  }
  image_close(&run->image);
  return code;
}
