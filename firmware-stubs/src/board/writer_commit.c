/* The end of an installation (PROTOCOL.md 13.4, 13.5). */
#include "base/bytes.h"
#include "board/inner.h"
#include "flash/flash.h"
#include "flash/map.h"
#include "flash/ranges.h"
#include "flash/record.h"

#include <string.h>

/* What the record says of the image that was received and verified. Nothing raises the floor before it ran. */
static bool install(mayday_writer *writer, const mayday_image *image) {
  mayday_board *board = writer->board;
  const mayday_slot_record *slots = board->record.state.slots;
  const mayday_slot_record *old = mayday_slot_known(board, writer->slot);
  uint8_t entry[MAYDAY_ENTRY_LENGTH];
  uint32_t rank = 0;
  unsigned flags = memcmp(old->digest, writer->digest, 32) == 0 ? old->flags & ~(unsigned)MAYDAY_SLOT_REVERTED : 0;
  bool is_proven = flags == (MAYDAY_SLOT_KNOWN | MAYDAY_SLOT_CONFIRMED);
  if ((flags & MAYDAY_SLOT_CONFIRMED) == 0) flags = image->is_confirmed_by_app ? 0 : MAYDAY_SLOT_CONFIRMED | MAYDAY_SLOT_UNPROVEN;
  for (unsigned i = 0; i < mayday_slot_count(board->layout); i++)
    if (slots[i].flags != 0 && slots[i].rank > rank) rank = slots[i].rank;
  mayday_entry_receiving(entry, writer->slot, writer->area);
  entry[MAYDAY_ENTRY_AT_TYPE] = MAYDAY_ENTRY_INSTALLED;
  entry[MAYDAY_ENTRY_AT_FLAGS] = (uint8_t)(flags & ~(unsigned)MAYDAY_SLOT_KNOWN);
  mayday_put32(entry + MAYDAY_ENTRY_AT_A, rank + 1u);
  if (is_proven) mayday_put32(entry + MAYDAY_ENTRY_AT_B, image->counter);
  return mayday_record_append(board, entry, writer->digest);
}

/* Closes all sectors of the image, after it was verified. */
static bool close_all(mayday_writer *writer, const mayday_sector_range *sectors) {
  mayday_board *board = writer->board;
  writer->has_closing = false;
  return !mayday_ranges_touch(&board->record.state.open, *sectors) || mayday_sectors_append(board, NULL, sectors);
}

/* 0, or why the image does not boot. */
static uint8_t commit(mayday_writer *writer, const uint8_t *envelope, uint16_t length) {
  mayday_board *board = writer->board;
  mayday_image image = {.slot = writer->slot, .area = writer->area, .digest = writer->digest};
  mayday_sector_range sectors = mayday_sectors_of(board->layout, mayday_slot_region(board, writer->slot).offset, writer->shape.size);
  /* To hash right is not enough where a sector may be torn. */
  if (!writer->is_open || mayday_ranges_touch(&writer->suspect, sectors)) return MAYDAY_BOOT_FAILURE_CODE_RECEIVING;
  if (!writer->is_begun && envelope == NULL) return MAYDAY_BOOT_FAILURE_CODE_MANIFEST;
  if (!writer->is_begun && !mayday_manifest_store(writer, envelope, length)) return MAYDAY_BOOT_FAILURE_CODE_RECEIVING;
  uint8_t failure = mayday_image_check(board, &image, 0);
  if (failure != 0) return failure;
  bool is_written = close_all(writer, &sectors) && mayday_manifest_close(writer) && install(writer, &image);
  if (!is_written) return MAYDAY_BOOT_FAILURE_CODE_RECEIVING;
  board->is_running = false;
  mayday_decision_take(board, &image);
  mayday_floor_pass_on(board);
  return 0;
}

uint8_t mayday_writer_commit(mayday_writer *writer, const uint8_t *envelope, uint16_t length) {
  uint8_t failure = commit(writer, envelope, length);
  mayday_writer_leave(writer);
  /* Nothing is known of it any more that flash does not say. */
  writer->is_begun = false;
  return failure;
}
