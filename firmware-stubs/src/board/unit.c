/* Repair units: how blocks lie on sectors (PROTOCOL.md 13.5). */
#include "base/bytes.h"
#include "board/inner.h"
#include "flash/map.h"

void mayday_unit_of(const mayday_board *board, uint8_t slot, const mayday_shape *shape, uint32_t block, mayday_unit *unit) {
  mayday_region region = board->map.slots[slot];
  mayday_region sector = {0, 0};
  uint32_t number;
  uint32_t mask = (UINT32_C(1) << shape->block_log2) - 1u;
  /* Offsets from the slot's start. */
  (void)mayday_sector_at(board->layout, region.offset + (block << shape->block_log2), &sector, &number);
  uint32_t start = sector.offset - region.offset;
  uint32_t end = start + sector.size;
  while ((start & mask) != 0 && mayday_sector_at(board->layout, region.offset + start - 1u, &sector, &number)) {
    start = sector.offset - region.offset;
  }
  while (end < region.size && (end & mask) != 0 && mayday_sector_at(board->layout, region.offset + end, &sector, &number)) {
    end += sector.size;
  }
  uint32_t past = (end + mask) >> shape->block_log2;
  unit->first = start >> shape->block_log2;
  unit->end = mayday_least32(past, shape->leaves);
  unit->is_single = past - unit->first == 1;
  uint32_t used = mayday_least32(end, shape->size);
  unit->sectors = mayday_sectors_of(board->layout, region.offset + start, used - start);
  (void)mayday_sector_at(board->layout, region.offset + used - 1u, &sector, &number);
  unit->extent.offset = region.offset + start;
  unit->extent.size = sector.offset + sector.size - unit->extent.offset;
}
