/* Repair units: how blocks lie on sectors (PROTOCOL.md 13.5). */
#include "base/bytes.h"
#include "board/inner.h"
#include "flash/map.h"
#include "flash/ranges.h"

void mayday_unit_of(const mayday_writer *writer, uint32_t block, mayday_unit *unit) {
  const mayday_layout *layout = writer->board->layout;
  mayday_region slot = mayday_slot_region(writer->board, writer->slot);
  uint8_t log2 = writer->shape.block_log2;
  uint32_t mask = (UINT32_C(1) << log2) - 1u;
  mayday_sector first = {0, 0, 0}, last;
  (void)mayday_sector_at(layout, slot.offset + (block << log2), &first);
  last = first;
  while (((first.offset - slot.offset) & mask) != 0 && mayday_sector_at(layout, first.offset - 1u, &first)) {
  }
  while (last.end - slot.offset < slot.size && ((last.end - slot.offset) & mask) != 0 && mayday_sector_at(layout, last.end, &last)) {
  }
  uint32_t past = (last.end - slot.offset + mask) >> log2;
  unit->first = (first.offset - slot.offset) >> log2;
  unit->end = mayday_least32(past, writer->shape.leaves);
  unit->is_single = past - unit->first == 1u;
  /* The image may end in an earlier sector than the unit. */
  if (last.end - slot.offset > writer->shape.size) (void)mayday_sector_at(layout, slot.offset + writer->shape.size - 1u, &last);
  unit->sectors.first = (mayday_sector_number)first.number;
  unit->sectors.last = (mayday_sector_number)last.number;
  unit->offset = first.offset;
  unit->past = last.end;
}

bool mayday_unit_is_touched(const mayday_writer *writer, const mayday_unit *unit) {
  return mayday_ranges_touch(&writer->board->record.state.open, unit->sectors) &&
         !mayday_ranges_touch(&writer->suspect, unit->sectors);
}
