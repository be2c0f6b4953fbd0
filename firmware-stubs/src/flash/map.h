/* The flash map (PROTOCOL.md 13.1): which sectors there are, and what lies where. */
#ifndef MAYDAY_FLASH_MAP_H
#define MAYDAY_FLASH_MAP_H

#include "mayday/board.h"

/* Bytes of a manifest's place in a sector of the record (13.3). */
#define MAYDAY_PLACE_SIZE 1024u

/* Lays the regions out. False: the sectors do not reach. */
bool mayday_map_build(const mayday_layout *layout, mayday_map *map);

/* A sector; `end` is the offset behind it, and `number` counts from the flash's start. */
typedef struct mayday_sector {
  uint32_t offset, end, number;
} mayday_sector;

/* The sector that a byte lies in. False, and `sector` is as it was: there is none. */
bool mayday_sector_at(const mayday_layout *layout, uint32_t offset, mayday_sector *sector);

/* The sectors of some bytes, one at least, which have to lie in the flash. */
mayday_sector_range mayday_sectors_of(const mayday_layout *layout, uint32_t offset, uint32_t length);

#endif
