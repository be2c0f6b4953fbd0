/* The target: calls for help, takes one image at a time from a rescuer, and ends when the board boots (PROTOCOL.md 6.1).
 *
 *   mayday_board_open(&board, ...);
 *   if (board.decision.failure == 0) boot(...);
 *   mayday_target_init(&target, &board, &line, &memory);
 *   for (;;) {
 *     while (uart_has_byte()) mayday_target_byte(&target, uart_byte());
 *     mayday_target_state state = mayday_target_poll(&target);
 *     if (state == MAYDAY_TARGET_HEALED) boot(...);
 *   }
 *
 * A poll does at most one piece of work with flash: it judges a manifest, compares a run, erases a unit and writes a block, or
 * commits. Between polls bytes may wait in a FIFO or a ring. */
#ifndef MAYDAY_TARGET_H
#define MAYDAY_TARGET_H

#include "mayday/board.h"

/* The line (PROTOCOL.md 2, 4.4). */
typedef struct mayday_line {
  uint32_t baud;             /* bit/s; 0 where it is unknown, on I2C for instance */
  bool is_stream;            /* UART or TCP; else frames come whole (10) */
  uint8_t rto_floor_ms;      /* 10 on a native UART, 25 behind USB and on I2C (4.4) */
  bool is_deaf_while_writing; /* bytes that come while flash is erased or programmed are lost */
} mayday_line;

/* Memory of the caller, which the target keeps. */
typedef struct mayday_memory {
  /* Where runs are put together: the largest payload is what fits, 32 to 4096 bytes in steps of 32, 15 bytes for the header and
   * what COBS adds. MAYDAY_FRAME_ROOM(payload) says how much that is. */
  uint8_t *frame;
  uint16_t frame_size;
  /* Block buffers: as many blocks of an image are open as fit. 1 KiB at least, and no image with larger blocks than this. */
  uint8_t *blocks;
  uint32_t blocks_size;
} mayday_memory;

/* Bytes of `frame` for a payload: header and CRC, one for each 254 of COBS, a seal with a link key; 130 at least (2.2). */
#define MAYDAY_FRAME_ROOM(payload) ((payload) + 33u + (payload) / 254u < 130u ? 130u : (payload) + 33u + (payload) / 254u)

#endif
