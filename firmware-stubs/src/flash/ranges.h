/* Sets of sector ranges (PROTOCOL.md 13.2.3). */
#ifndef MAYDAY_FLASH_RANGES_H
#define MAYDAY_FLASH_RANGES_H

#include "mayday/board.h"

/* Adds a range; ranges that touch are joined. A thirteenth makes the two nearest one: then this returns true, and `gap` is
 * what that added between them. */
bool mayday_ranges_add(mayday_range_set *set, mayday_sector_range range, mayday_sector_range *gap);

/* Takes a range out. False, and nothing is changed, where that needs a thirteenth. */
bool mayday_ranges_remove(mayday_range_set *set, mayday_sector_range range);

/* Whether any sector of a range is in the set. */
bool mayday_ranges_touch(const mayday_range_set *set, mayday_sector_range range);

#endif
