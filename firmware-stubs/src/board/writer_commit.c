/* The end of an installation (PROTOCOL.md 13.4, 13.5). */
#include "base/bytes.h"
#include "board/inner.h"
#include "flash/flash.h"
#include "flash/map.h"
#include "flash/ranges.h"
#include "flash/record.h"

/* What the record says of the image that was received and verified. Nothing raises the floor before it ran. */
static bool install(mayday_writer *writer, const mayday_manifest *manifest) {
  mayday_board *board = writer->board;
  const mayday_slot_record *slots = board->record.state.slots;
  const mayday_slot_record *old = &slots[writer->slot];
  uint8_t entry[MAYDAY_ENTRY_LENGTH];
  uint32_t rank = 0;
  for (uint8_t i = 0; i < board->map.slot_count; i++) {
    if (slots[i].is_known && slots[i].rank > rank) rank = slots[i].rank;
  }
  bool was_confirmed = old->is_known && old->is_confirmed && memcmp(old->digest, writer->digest, 32) == 0;
  bool is_proven = was_confirmed && !old->is_unproven;
  bool is_confirmed = was_confirmed || !manifest->is_confirmed_by_app;
  mayday_entry_begin(entry, MAYDAY_ENTRY_INSTALLED);
  entry[MAYDAY_ENTRY_AT_PLACE] = (uint8_t)(writer->slot | (writer->area << 4 & 0xf0));
  if (is_confirmed) entry[MAYDAY_ENTRY_AT_FLAGS] = is_proven ? MAYDAY_FLAG_CONFIRMED : MAYDAY_FLAG_CONFIRMED | MAYDAY_FLAG_UNPROVEN;
  mayday_put32(entry + MAYDAY_ENTRY_AT_A, rank + 1u);
  mayday_put32(entry + MAYDAY_ENTRY_AT_B, is_proven ? manifest->counter : 0);
  return mayday_record_append(board, entry, writer->digest);
}

/* Closes all sectors of the image, after it was verified. */
static bool close_all(mayday_writer *writer, const mayday_sector_range *sectors) {
  mayday_board *board = writer->board;
  writer->has_closing = false;
  return !mayday_ranges_touch(&board->record.state.open, *sectors) || mayday_sectors_append(board, NULL, sectors);
}

/* The image that boots is the one that was just verified. */
static void decide(mayday_writer *writer, const mayday_manifest *manifest) {
  mayday_board *board = writer->board;
  board->decision.failure = 0;
  board->decision.slot = writer->slot;
  board->decision.is_trial = !board->record.state.slots[writer->slot].is_confirmed;
  board->decision.manifest = *manifest;
  board->is_running = false;
  mayday_status_install(board, manifest);
  mayday_way_back_find(board);
  mayday_status_update(board);
  mayday_floor_pass_on(board);
}

/* 0, or why the image does not boot. */
static uint8_t commit(mayday_writer *writer, const uint8_t *envelope, uint16_t length) {
  mayday_board *board = writer->board;
  mayday_manifest manifest;
  mayday_sector_range sectors = mayday_sectors_of(board->layout, board->map.slots[writer->slot].offset, writer->shape.size);
  /* To hash right is not enough where a sector may be torn. */
  if (!writer->is_open || mayday_ranges_touch(&writer->suspect, sectors)) return MAYDAY_BOOT_FAILURE_CODE_RECEIVING;
  if (!writer->is_begun && envelope == NULL) return MAYDAY_BOOT_FAILURE_CODE_MANIFEST;
  if (!writer->is_begun && !mayday_manifest_store(writer, envelope, length)) return MAYDAY_BOOT_FAILURE_CODE_RECEIVING;
  uint8_t failure = mayday_manifest_load(board, writer->area, writer->digest, &manifest);
  if (failure == 0) failure = mayday_image_verify(board, writer->slot, &manifest);
  if (failure != 0) return failure;
  bool is_written = close_all(writer, &sectors) && mayday_manifest_close(writer) && install(writer, &manifest);
  if (!is_written) return MAYDAY_BOOT_FAILURE_CODE_RECEIVING;
  decide(writer, &manifest);
  return 0;
}

uint8_t mayday_writer_commit(mayday_writer *writer, const uint8_t *envelope, uint16_t length) {
  uint8_t failure = commit(writer, envelope, length);
  mayday_writer_leave(writer);
  /* Nothing is known of it any more that flash does not say. */
  writer->is_begun = false;
  return failure;
}
