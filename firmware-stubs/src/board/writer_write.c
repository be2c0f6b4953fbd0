/* Blocks go into a slot, a repair unit at a time (PROTOCOL.md 13.5). */
#include "base/bytes.h"
#include "board/inner.h"
#include "flash/flash.h"
#include "flash/map.h"
#include "flash/ranges.h"

/* Whether bytes can be programmed where flash holds what it does. */
static bool fits(const mayday_board *board, uint32_t offset, const uint8_t *bytes, uint32_t length) {
  uint8_t erased = board->layout->erased;
  uint8_t old[64];
  for (uint32_t at = 0; at < length; at += sizeof old) {
    size_t count = (size_t)mayday_least32(length - at, sizeof old);
    if (!mayday_flash_read(board, offset + at, old, count)) return false;
    for (size_t i = 0; i < count; i++) {
      uint8_t programmed = old[i] ^ erased;
      uint8_t next = bytes[at + i] ^ erased;
      if (programmed != 0 && (board->layout->is_programmed_once || (programmed & ~next) != 0)) return false;
    }
  }
  return true;
}

/* Whether a unit takes its first block, of `length` bytes with what fills it up, without being erased. */
static bool takes(const mayday_board *board, const mayday_unit *unit, const uint8_t *block, uint32_t length) {
  if (!unit->is_single) length = 0;
  return fits(board, unit->offset, block, length) &&
         mayday_flash_is_erased(board, unit->offset + length, unit->past - unit->offset - length);
}

/* Makes the record say that a unit is open. */
static bool open_unit(mayday_writer *writer, const mayday_unit *unit) {
  mayday_board *board = writer->board;
  mayday_sector_range joined;
  if (!mayday_sectors_append(board, &unit->sectors, writer->has_closing ? &writer->closing : NULL)) return false;
  writer->has_closing = false;
  /* Sectors that became open only because two ranges were joined are not begun: no block goes there without an erase. */
  joined = board->record.state.joined;
  if (joined.first <= joined.last) (void)mayday_ranges_add(&writer->suspect, joined, &joined);
  return true;
}

/* Before the first block of a unit. */
static bool touch(mayday_writer *writer, const mayday_unit *unit, const uint8_t *block, uint32_t length) {
  mayday_board *board = writer->board;
  bool needs_erase = mayday_ranges_touch(&writer->suspect, unit->sectors) || !takes(board, unit, block, length);
  if (!open_unit(writer, unit)) return false;
  mayday_sector sector;
  for (uint32_t at = unit->offset; needs_erase && at < unit->past; at = sector.end)
    if (!mayday_sector_at(board->layout, at, &sector) || !mayday_flash_erase(board, at)) return false;
  (void)mayday_ranges_remove(&writer->suspect, unit->sectors);
  return true;
}

mayday_write mayday_writer_write(mayday_writer *writer, uint32_t index, const uint8_t hash[32], uint8_t *block) {
  mayday_board *board = writer->board;
  uint8_t found[32];
  mayday_unit unit;
  uint32_t length = mayday_block_length(&writer->shape, index);
  if (!writer->is_begun || length == 0) return MAYDAY_MISMATCH;
  mayday_leaf_hash(board->hash, block, length, found);
  if (memcmp(found, hash, sizeof found) != 0) return MAYDAY_MISMATCH;
  uint32_t unit_mask = board->layout->write_unit - 1u;
  uint32_t whole = (length + unit_mask) & ~unit_mask;
  memset(block + length, board->layout->erased, (size_t)(whole - length));
  mayday_unit_of(writer, index, &unit);
  uint32_t offset = mayday_slot_region(board, writer->slot).offset + (index << writer->shape.block_log2);
  /* Never over what cannot be programmed: a unit that this run began may have got other bits since. */
  bool is_ready = mayday_unit_is_touched(writer, &unit) && fits(board, offset, block, whole);
  if (!is_ready && !touch(writer, &unit, block, whole)) return MAYDAY_FAILED;
  bool is_blank = mayday_all_are(block, (size_t)whole, board->layout->erased);
  if (!is_blank && !mayday_flash_program(board, offset, block, (size_t)whole)) return MAYDAY_FAILED;
  if (mayday_flash_holds(board, offset, block, whole)) return MAYDAY_WRITTEN;
  (void)mayday_flash_fail(board);
  return MAYDAY_FAILED;
}

/* The record learns which sectors are complete. */
static void close(mayday_writer *writer) {
  if (writer->has_closing) (void)mayday_sectors_append(writer->board, NULL, &writer->closing);
}

void mayday_writer_unit_done(mayday_writer *writer, uint32_t block) {
  mayday_unit unit;
  mayday_unit_of(writer, block, &unit);
  if (!writer->is_begun || !mayday_unit_is_touched(writer, &unit)) return;
  if (writer->has_closing && writer->closing.last + 1u == unit.sectors.first) {
    writer->closing.last = unit.sectors.last;
    return;
  }
  close(writer);
  writer->closing = unit.sectors;
  writer->has_closing = true;
}

void mayday_writer_leave(mayday_writer *writer) {
  close(writer);
  writer->has_closing = false;
  writer->is_open = false;
}
