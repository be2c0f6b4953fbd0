/* Runs a target until the board boots, or until a boot loader has to go on without it: no heap, no variables of its own. */
#ifndef MAYDAY_PORTS_LOOP_H
#define MAYDAY_PORTS_LOOP_H

#include "mayday/target.h"

typedef enum mayday_loop_end {
  MAYDAY_LOOP_BOOTS,    /* `board->decision` says what to start; a trial boot is counted (13.4) */
  MAYDAY_LOOP_GAVE_UP,  /* nothing boots, and nobody served the board for `window_ms` */
  MAYDAY_LOOP_FAILED    /* layout or memory is wrong: a mistake of the port */
} mayday_loop_end;

/* Everything of the caller. */
typedef struct mayday_loop {
  const mayday_port *port;
  const mayday_layout *layout;
  const mayday_identity *identity;
  const mayday_line *line;
  mayday_memory memory;
  mayday_board *board;
  mayday_target *target;
  /* Takes at most `room` bytes that came on the line, and returns how many, at once. On a message link: takes frames itself, hands
   * them to mayday_target_frame, and returns 0. `context` is that of the port. */
  size_t (*rx)(void *context, uint8_t *bytes, size_t room);
  /* Optional: called when nothing is to be done for `ms`, unless bytes come: sleeps until an interrupt, for instance. */
  void (*idle)(void *context, uint32_t ms);
} mayday_loop;

/* A board that boots: with `window_ms` 0 it returns at once; else it calls for an update for `window_ms`, if its identity allows one.
 * A board that does not: calls for help, with `window_ms` 0 for as long as it takes. A session that runs is not given up.
 *
 * Where a boot loader waits for a key, its countdown is the window: mayday_target_run(&loop, 500). */
mayday_loop_end mayday_target_run(mayday_loop *loop, uint32_t window_ms);

#endif
