/* The flash of a board: the port's functions, with what all callers need around them. */
#ifndef MAYDAY_FLASH_FLASH_H
#define MAYDAY_FLASH_FLASH_H

#include "mayday/board.h"

/* False: it cannot be read, which is no failure of the flash: what it holds is then not right (PROTOCOL.md 13.5). */
bool mayday_flash_read(const mayday_board *board, uint32_t offset, uint8_t *bytes, size_t length);

/* Erases the sector that begins at `offset`. False: the flash failed, now or before; then nothing is written any more. */
bool mayday_flash_erase(mayday_board *board, uint32_t offset);

/* Programs whole write units. False as above. */
bool mayday_flash_program(mayday_board *board, uint32_t offset, const uint8_t *bytes, size_t length);

/* Notes that the flash failed, and returns false. */
bool mayday_flash_fail(mayday_board *board);

bool mayday_flash_is_erased(const mayday_board *board, uint32_t offset, uint32_t length);

/* Whether flash reads as these bytes; NULL: as erased ones. */
bool mayday_flash_holds(const mayday_board *board, uint32_t offset, const uint8_t *bytes, uint32_t length);

bool mayday_all_are(const uint8_t *bytes, size_t length, uint8_t value);

#endif
