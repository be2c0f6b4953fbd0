#include "flash/map.h"
#include "flash/entry.h"

#define SIZE_MAX_GIB UINT32_C(0x40000000)
/* An image in a larger one could have more blocks than the walk down its tree reaches. */
#define SLOT_SIZE_MAX ((uint32_t)MAYDAY_BLOCK_MIN << MAYDAY_TREE_LEVELS_MAX)

bool mayday_sector_at(const mayday_layout *layout, uint32_t offset, mayday_sector *sector) {
  uint32_t start = 0, first = 0;
  for (unsigned i = 0; i < layout->sector_runs; i++) {
    const mayday_sectors *run = &layout->sectors[i];
    uint32_t index = (offset - start) / run->size;
    if (index < run->count) {
      sector->offset = start + index * run->size;
      sector->end = sector->offset + run->size;
      sector->number = first + index;
      return true;
    }
    /* No overflow: the byte lies behind this run. */
    start += run->count * run->size;
    first += run->count;
  }
  return false;
}

mayday_sector_range mayday_sectors_of(const mayday_layout *layout, uint32_t offset, uint32_t length) {
  mayday_sector first = {0, 0, 0}, last = {0, 0, 0};
  (void)mayday_sector_at(layout, offset, &first);
  (void)mayday_sector_at(layout, offset + (length - 1u), &last);
  mayday_sector_range range = {(mayday_sector_number)first.number, (mayday_sector_number)last.number};
  return range;
}

/* Takes `size` bytes from *at, rounded up to the end of a sector. */
static bool take(const mayday_layout *layout, uint32_t *at, uint32_t size, mayday_region *out) {
  mayday_sector sector;
  out->offset = *at;
  if (size - 1u > UINT32_MAX - *at || !mayday_sector_at(layout, *at + (size - 1u), &sector)) return false;
  out->size = sector.end - *at;
  *at = sector.end;
  return true;
}

bool mayday_map_build(const mayday_layout *layout, mayday_map *map) {
  mayday_region other;
  uint32_t at = 0;
  if (layout->is_ab && !MAYDAY_WITH_AB) return false;
  bool fits = take(layout, &at, layout->recovery_size, &other);
  /* One byte rounds up to a sector. */
  for (unsigned i = 0; fits && i < 2; i++) fits = take(layout, &at, 1, &map->record[i]);
  for (unsigned i = 0; fits && i < mayday_area_count(layout); i++) {
    map->areas[i] = at;
    if (!mayday_has_places(layout)) fits = take(layout, &at, 1, &other);
  }
  for (unsigned i = 0; fits && i < mayday_slot_count(layout); i++) fits = take(layout, &at, layout->slot_size, &map->slots[i]);
  if (!fits) return false;
  uint32_t size = map->record[0].size < map->record[1].size ? map->record[0].size : map->record[1].size;
  map->record[0].size = size;
  map->record[1].size = size;
  uint32_t places = mayday_has_places(layout) ? mayday_area_count(layout) * MAYDAY_PLACE_SIZE : 0;
  map->journal_size = size > places ? size - places : 0;
  return true;
}

static bool is_power_of_two(uint32_t value) {
  return value != 0 && (value & (value - 1u)) == 0;
}

bool mayday_layout_is_right(const mayday_layout *layout) {
  uint32_t sectors = 0;
  if (layout->sector_runs < 1 || layout->sector_runs > 16) return false;
  for (unsigned i = 0; i < layout->sector_runs; i++) {
    const mayday_sectors *run = &layout->sectors[i];
    if (!is_power_of_two(run->size) || run->size < 1024u || run->size > UINT32_C(1048576)) return false;
    if (run->count < 1 || run->count > UINT32_C(1048576)) return false;
    sectors += run->count;
  }
  if (sectors > MAYDAY_SECTOR_LAST) return false;
  if (layout->recovery_size < 1 || layout->recovery_size > SIZE_MAX_GIB) return false;
  if (layout->slot_size < 1 || layout->slot_size > SLOT_SIZE_MAX) return false;
  if (!is_power_of_two(layout->write_unit) || layout->write_unit > MAYDAY_WRITE_UNIT_MAX) return false;
  if (layout->erased != 0xffu && layout->erased != 0) return false;
  if (layout->are_manifests_in_record && !MAYDAY_WITH_RECORD_MANIFESTS) return false;
  mayday_map map;
  return mayday_map_build(layout, &map) && map.journal_size >= 32u * mayday_entry_stride(layout);
}
