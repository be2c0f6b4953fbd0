#include "loop.h"

/* Bytes taken from the line at once, and how often between two polls: a line that never pauses must not keep the loop. */
#define CHUNK 32u
#define CHUNKS_MAX 32u
/* For a last message to leave, in milliseconds. */
#define FLUSH_MS 100u

/* Hands on what came, so that a FIFO does not run over. */
static void receive(mayday_loop *loop) {
  uint8_t bytes[CHUNK];
  for (uint8_t chunks = 0; chunks < CHUNKS_MAX; chunks++) {
    size_t length = loop->rx(loop->port->context, bytes, sizeof bytes);
    if (length == 0) return;
    for (size_t i = 0; i < length; i++) mayday_target_byte(loop->target, bytes[i]);
  }
}

static void flush(mayday_loop *loop) {
  uint32_t from = loop->port->now_ms(loop->port->context);
  while (!mayday_target_is_quiet(loop->target) && loop->port->now_ms(loop->port->context) - from < FLUSH_MS)
    (void)mayday_target_poll(loop->target);
}

/* True: healed. False: nobody served the board for the window. */
static bool call_for_help(mayday_loop *loop, uint32_t window_ms) {
  uint32_t since = loop->port->now_ms(loop->port->context);
  for (;;) {
    receive(loop);
    mayday_target_state state = mayday_target_poll(loop->target);
    uint32_t now = loop->port->now_ms(loop->port->context);
    if (loop->port->watchdog != NULL) loop->port->watchdog(loop->port->context);
    if (state == MAYDAY_TARGET_HEALED) break;
    if (state == MAYDAY_TARGET_SERVED) since = now;
    if (window_ms > 0 && now - since >= window_ms) {
      mayday_target_stop(loop->target);
      flush(loop);
      return false;
    }
    uint32_t idle = mayday_target_idle_ms(loop->target);
    if (window_ms > 0 && window_ms - (now - since) < idle) idle = window_ms - (now - since);
    if (loop->idle != NULL && idle > 0) loop->idle(loop->port->context, idle);
  }
  flush(loop);
  return true;
}

mayday_loop_end mayday_target_run(mayday_loop *loop, uint32_t window_ms) {
  mayday_board *board = loop->board;
  if (!mayday_layout_is_right(loop->layout)) return MAYDAY_LOOP_FAILED;
  (void)mayday_board_open(board, loop->port, loop->layout, loop->identity, loop->memory.blocks);
  bool boots = board->decision.failure == 0;
  if (!boots || (window_ms > 0 && loop->identity->is_update_allowed)) {
    if (!mayday_target_init(loop->target, board, loop->line, &loop->memory, boots)) return MAYDAY_LOOP_FAILED;
    (void)call_for_help(loop, window_ms);
  }
  /* A boot is counted before it happens. Flash that fails here leaves the board in distress. */
  if (!mayday_board_attempt(board) || board->decision.failure != 0) return MAYDAY_LOOP_GAVE_UP;
  return MAYDAY_LOOP_BOOTS;
}
