#include "board/writer.h"
#include "base/bytes.h"
#include "board/inner.h"
#include "flash/flash.h"
#include "flash/map.h"
#include "flash/ranges.h"

void mayday_writer_init(mayday_writer *writer, mayday_board *board) {
  memset(writer, 0, sizeof *writer);
  writer->board = board;
}

void mayday_writer_open(mayday_writer *writer, const mayday_manifest *manifest) {
  const mayday_board *board = writer->board;
  uint8_t slot = mayday_slot_choose(board, manifest->digest);
  uint8_t area = mayday_area_choose(board);
  bool is_same = writer->slot == slot && writer->area == area && memcmp(writer->digest, manifest->digest, 32) == 0;
  writer->is_open = true;
  if (writer->is_begun && is_same) return;
  mayday_shape_of(manifest, &writer->shape);
  mayday_hash_copy(writer->digest, manifest->digest);
  writer->slot = slot;
  writer->area = area;
  writer->is_begun = false;
  writer->has_closing = false;
  writer->suspect = board->record.state.open;
  /* Only of the slot: units are taken off the lower end, so that the set never has to be split. */
  mayday_sector_range before = mayday_sectors_of(board->layout, 0, mayday_slot_region(board, slot).offset);
  (void)mayday_ranges_remove(&writer->suspect, before);
}

/* Whether blocks have to be written even if they are right: their sectors may be torn, or what follows the image in its last one
 * is not erased. */
static bool is_doubtful(const mayday_writer *writer, uint32_t first, uint32_t end) {
  const mayday_board *board = writer->board;
  mayday_unit unit;
  mayday_unit_of(writer, first, &unit);
  mayday_sector_range sectors = unit.sectors;
  mayday_unit_of(writer, end - 1u, &unit);
  sectors.last = unit.sectors.last;
  if (mayday_ranges_touch(&writer->suspect, sectors)) return true;
  uint32_t behind = mayday_slot_region(board, writer->slot).offset + writer->shape.size;
  return end == writer->shape.leaves && !mayday_flash_is_erased(board, behind, unit.past - behind);
}

bool mayday_writer_has(mayday_writer *writer, uint8_t level, uint32_t index, const uint8_t hash[32]) {
  const mayday_shape *shape = &writer->shape;
  uint8_t hashes[32u * MAYDAY_COMPARED_LEVEL_MAX];
  uint8_t found[32];
  if (level > MAYDAY_COMPARED_LEVEL_MAX) return false;
  if (!writer->is_open || level > mayday_root_level(shape) || index >= mayday_level_nodes(shape, level)) return false;
  uint32_t first = index << level;
  uint32_t end = first + mayday_least32(UINT32_C(1) << level, shape->leaves - first);
  if (is_doubtful(writer, first, end)) return false;
  return mayday_slot_hash(writer->board, writer->slot, shape, level, index, hashes, found) && memcmp(found, hash, 32) == 0;
}

void mayday_writer_unit(const mayday_writer *writer, uint32_t block, uint32_t *first, uint32_t *end) {
  mayday_unit unit;
  mayday_unit_of(writer, block, &unit);
  *first = unit.first;
  *end = unit.end;
}

bool mayday_writer_is_touched(const mayday_writer *writer, uint32_t block) {
  mayday_unit unit;
  mayday_unit_of(writer, block, &unit);
  return mayday_unit_is_touched(writer, &unit);
}

#if MAYDAY_WITH_AB
bool mayday_writer_copy(mayday_writer *writer, uint32_t index, const uint8_t hash[32], uint8_t *block) {
  const mayday_board *board = writer->board;
  uint32_t length = mayday_block_length(&writer->shape, index);
  if (!mayday_is_ab(board->layout) || length == 0) return false;
  mayday_region slot = mayday_slot_region(board, writer->slot ^ 1u);
  uint32_t offset = index << writer->shape.block_log2;
  uint8_t found[32];
  if (offset > slot.size || length > slot.size - offset) return false;
  if (!mayday_flash_read(board, slot.offset + offset, block, (size_t)length)) return false;
  mayday_leaf_hash(board->hash, block, length, found);
  return memcmp(found, hash, 32) == 0;
}
#endif
