/* Manifests in the sectors of the boot record (PROTOCOL.md 13.3, `record`). */
#ifndef MAYDAY_FLASH_RECORD_PLACES_H
#define MAYDAY_FLASH_RECORD_PLACES_H

#include "mayday/board.h"

/* Copies the manifests that the state names, but that of an area, from the sector that holds to another one. Once the flash has
 * failed, and that is also so if a copy does not read back, it does nothing. */
void mayday_places_copy(mayday_board *board, uint8_t to, uint8_t without);

#endif
