#include "flash/flash.h"
#include "flash/map.h"

#include <string.h>

/* Bytes read at a time, to keep the stack small. */
#define PIECE 64u
/* The watchdog is fed at least once for so many bytes; whole write units. No length comes so near to the end of its type. */
#define FED ((size_t)4096)

static void feed(const mayday_board *board) {
  if (board->port->watchdog != NULL) board->port->watchdog(board->port->context);
}

bool mayday_flash_read(const mayday_board *board, uint32_t offset, uint8_t *bytes, size_t length) {
  for (size_t done = 0; done < length; done += FED) {
    size_t count = length - done < FED ? length - done : FED;
    feed(board);
    if (!board->port->flash_read(board->port->context, offset + (uint32_t)done, bytes + done, count)) return false;
  }
  return true;
}

bool mayday_flash_fail(mayday_board *board) {
  board->has_failed = true;
  return false;
}

bool mayday_flash_erase(mayday_board *board, uint32_t offset) {
  mayday_sector sector;
  if (board->has_failed || !mayday_sector_at(board->layout, offset, &sector)) return mayday_flash_fail(board);
  feed(board);
  bool is_erased = board->port->flash_erase(board->port->context, sector.offset, sector.end - sector.offset);
  feed(board);
  return is_erased || mayday_flash_fail(board);
}

bool mayday_flash_program(mayday_board *board, uint32_t offset, const uint8_t *bytes, size_t length) {
  for (size_t done = 0; done < length; done += FED) {
    size_t count = length - done < FED ? length - done : FED;
    feed(board);
    if (board->has_failed) return false;
    if (!board->port->flash_program(board->port->context, offset + (uint32_t)done, bytes + done, count)) return mayday_flash_fail(board);
  }
  return true;
}

bool mayday_all_are(const uint8_t *bytes, size_t length, uint8_t value) {
  for (size_t i = 0; i < length; i++) {
    if (bytes[i] != value) return false;
  }
  return true;
}

bool mayday_flash_holds(const mayday_board *board, uint32_t offset, const uint8_t *bytes, uint32_t length) {
  uint8_t piece[PIECE];
  for (uint32_t done = 0; done < length; done += PIECE) {
    size_t count = length - done < PIECE ? (size_t)(length - done) : PIECE;
    if (!mayday_flash_read(board, offset + done, piece, count)) return false;
    if (bytes == NULL ? !mayday_all_are(piece, count, board->layout->erased) : memcmp(piece, bytes + done, count) != 0) return false;
  }
  return true;
}

bool mayday_flash_is_erased(const mayday_board *board, uint32_t offset, uint32_t length) {
  return mayday_flash_holds(board, offset, NULL, length);
}
