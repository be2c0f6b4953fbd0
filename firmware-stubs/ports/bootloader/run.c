#include "run.h"

/* Bytes taken from the line between two polls. */
#define CHUNK 32u
/* For a last message to leave, in milliseconds. */
#define FLUSH_MS 100u

/* Hands on what came, so that a FIFO does not run over. */
static void receive(mayday_run *run) {
  uint8_t bytes[CHUNK];
  size_t length;
  while ((length = run->rx(run->port->context, bytes, sizeof bytes)) > 0) {
    for (size_t i = 0; i < length; i++) mayday_target_byte(run->target, bytes[i]);
  }
}

static void flush(mayday_run *run) {
  uint32_t from = run->port->now_ms(run->port->context);
  while (!mayday_target_is_quiet(run->target) && run->port->now_ms(run->port->context) - from < FLUSH_MS)
    (void)mayday_target_poll(run->target);
}

/* True: healed. False: nobody served the board for the window. */
static bool call_for_help(mayday_run *run, uint32_t window_ms) {
  uint32_t since = run->port->now_ms(run->port->context);
  for (;;) {
    receive(run);
    mayday_target_state state = mayday_target_poll(run->target);
    uint32_t now = run->port->now_ms(run->port->context);
    if (run->port->watchdog != NULL) run->port->watchdog(run->port->context);
    if (state == MAYDAY_TARGET_HEALED) break;
    if (state == MAYDAY_TARGET_SERVED) since = now;
    if (window_ms > 0 && now - since >= window_ms) {
      mayday_target_stop(run->target);
      flush(run);
      return false;
    }
    uint32_t idle = mayday_target_idle_ms(run->target);
    if (window_ms > 0 && window_ms - (now - since) < idle) idle = window_ms - (now - since);
    if (run->idle != NULL && idle > 0) run->idle(run->port->context, idle);
  }
  flush(run);
  return true;
}

mayday_run_end mayday_target_run(mayday_run *run, uint32_t window_ms) {
  mayday_board *board = run->board;
  if (!mayday_layout_is_right(run->layout)) return MAYDAY_RUN_FAILED;
  (void)mayday_board_open(board, run->port, run->layout, run->identity, run->memory.blocks);
  bool boots = board->decision.failure == 0;
  if (!boots || (window_ms > 0 && run->identity->is_update_allowed)) {
    if (!mayday_target_init(run->target, board, run->line, &run->memory, boots)) return MAYDAY_RUN_FAILED;
    (void)call_for_help(run, window_ms);
  }
  /* A boot is counted before it happens. Flash that fails here leaves the board in distress. */
  if (!mayday_board_attempt(board) || board->decision.failure != 0) return MAYDAY_RUN_GAVE_UP;
  return MAYDAY_RUN_BOOTS;
}
