/* Manifest areas (PROTOCOL.md 13.3), in sectors of their own or in those of the boot record. */
#ifndef MAYDAY_FLASH_AREA_H
#define MAYDAY_FLASH_AREA_H

#include "mayday/board.h"

/* The envelope in an area, into `envelope` of MAYDAY_ENVELOPE_MAX bytes. 0: there is none, or it is not right. Trust is not
 * looked at. */
uint16_t mayday_area_read(const mayday_board *board, uint8_t area, uint8_t *envelope);

/* Whether an area holds this envelope, header included. */
bool mayday_area_holds(const mayday_board *board, uint8_t area, const uint8_t *envelope, uint16_t length);

/* Stores an envelope in an area that no installed image uses. False: the flash failed. */
bool mayday_area_write(mayday_board *board, uint8_t area, const uint8_t *envelope, uint16_t length);

/* The sector of an area that has one of its own. */
bool mayday_area_sector(const mayday_board *board, uint8_t area, mayday_sector_range *sector);

#endif
