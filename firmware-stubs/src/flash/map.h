/* The flash map (PROTOCOL.md 13.1): which sectors there are, and what lies where. */
#ifndef MAYDAY_FLASH_MAP_H
#define MAYDAY_FLASH_MAP_H

#include "mayday/board.h"

/* Bytes of a manifest's place in a sector of the record (13.3). */
#define MAYDAY_PLACE_SIZE 1024u

/* Whether there are two slots: never in a build for one. */
static inline bool mayday_is_ab(const mayday_layout *layout) {
  return MAYDAY_WITH_AB && layout->is_ab;
}

static inline uint8_t mayday_slot_count(const mayday_layout *layout) {
  return mayday_is_ab(layout) ? 2 : 1;
}

/* Manifest areas: one for each slot, and one for what is being received. */
static inline uint8_t mayday_area_count(const mayday_layout *layout) {
  return (uint8_t)(mayday_slot_count(layout) + 1u);
}

/* Whether manifests lie in the sectors of the record: never in a build without that. */
static inline bool mayday_has_places(const mayday_layout *layout) {
  return MAYDAY_WITH_RECORD_MANIFESTS && layout->are_manifests_in_record;
}

/* Where a slot lies, and what the record says of it. */
static inline mayday_region mayday_slot_region(const mayday_board *board, uint8_t slot) {
  return board->map.slots[MAYDAY_WITH_AB ? slot : 0];
}
static inline const mayday_slot_record *mayday_slot_known(const mayday_board *board, uint8_t slot) {
  return &board->record.state.slots[MAYDAY_WITH_AB ? slot : 0];
}

/* Lays the regions out. False: the sectors do not reach, or this build has one slot only. */
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
