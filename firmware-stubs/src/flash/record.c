#include "flash/record.h"
#include "base/bytes.h"
#include "flash/flash.h"
#include "flash/map.h"
#include "flash/record_scan.h"

/* Entries at the end of a sector that only further seals use. */
#define KEPT 4u
#define RESEALS 2u
#define NO_AREA 0xffu

void mayday_record_read(mayday_board *board) {
  mayday_record *record = &board->record;
  mayday_record_state second_state;
  mayday_scan first, second;
  mayday_scan_sector(board, 0, &first, &record->state);
  mayday_scan_sector(board, 1, &second, &second_state);
  record->active = mayday_scan_elect(&first, &second);
  if (record->active < 0) mayday_state_init(&record->state);
  if (record->active == 1) record->state = second_state;
  const mayday_scan *held = record->active == 1 ? &second : &first;
  const mayday_scan *other = record->active == 1 ? &first : &second;
  record->sequence = first.has_any ? first.last : 0;
  if (second.has_any && (!first.has_any || mayday_is_later(second.last, first.last))) record->sequence = second.last;
  record->is_clean = other->is_blank && (record->active < 0 ? held->is_blank : !held->is_torn);
  /* The seal that decided may be one that a cut left unstable. */
  record->reseal_at = held->counts && other->counts ? held->end : 0;
  record->at = 0;
  record->given = -1;
}

static bool program_at(mayday_board *board, uint8_t sector, uint32_t at, uint8_t entry[MAYDAY_ENTRY_LENGTH]) {
  uint8_t unit[MAYDAY_STRIDE_MAX];
  memset(unit, board->layout->erased, sizeof unit);
  mayday_entry_finish(entry, ++board->record.sequence);
  memcpy(unit, entry, MAYDAY_ENTRY_LENGTH);
  return mayday_flash_program(board, board->map.record[sector].offset + at, unit, mayday_entry_stride(board->layout));
}

/* The two entries of an event that names an image stand in one sector. */
static bool program_event(mayday_board *board, uint8_t entry[MAYDAY_ENTRY_LENGTH], const uint8_t *digest) {
  mayday_record *record = &board->record;
  uint16_t stride = mayday_entry_stride(board->layout);
  if (digest != NULL) {
    uint8_t before[MAYDAY_ENTRY_LENGTH];
    mayday_entry_set_digest(entry, before, digest);
    if (!program_at(board, (uint8_t)record->active, record->at, before)) return false;
    record->at += stride;
  }
  if (!program_at(board, (uint8_t)record->active, record->at, entry)) return false;
  record->at += stride;
  return true;
}

static bool program_seal(mayday_board *board, uint32_t at) {
  uint8_t entry[MAYDAY_ENTRY_LENGTH];
  mayday_entry_begin(entry, MAYDAY_ENTRY_SEAL);
  return program_at(board, (uint8_t)board->record.active, at, entry);
}

/* Seals a sector again whose own seal may be unstable, before the other one is erased. */
static bool reseal(mayday_board *board) {
  mayday_record *record = &board->record;
  uint16_t stride = mayday_entry_stride(board->layout);
  uint32_t at = record->reseal_at;
  for (uint8_t i = 0; at != 0 && i < RESEALS && board->map.journal_size - at >= stride; i++) {
    if (!program_seal(board, at)) return false;
    at += stride;
  }
  record->reseal_at = 0;
  return true;
}

/* Snapshot, header, seal; all of it has to read back. */
static bool write_fresh(mayday_board *board) {
  uint8_t entry[MAYDAY_ENTRY_LENGTH];
  mayday_record *record = &board->record;
  uint16_t stride = mayday_entry_stride(board->layout);
  bool is_there;
  record->at = stride;
  for (uint8_t i = 0;; i++) {
    const uint8_t *digest = mayday_state_snapshot(&record->state, i, entry, &is_there);
    if (!is_there) break;
    if (!program_event(board, entry, digest)) return false;
  }
  mayday_entry_header(entry, (uint8_t)(record->at / stride - 1u));
  if (!program_at(board, (uint8_t)record->active, 0, entry)) return false;
  if (!program_seal(board, record->at)) return false;
  record->at += stride;
  mayday_scan scan;
  mayday_scan_sector(board, (uint8_t)record->active, &scan, NULL);
  return (scan.counts && scan.has_seal && scan.seal == record->sequence) || mayday_flash_fail(board);
}

/* Starts a fresh sector with the state. A sector is erased only when a seal that was written in this run shows that the other
 * one is complete, and a header is written only when all manifests that the state names, but that of `without`, were read back. */
static bool start_sector(mayday_board *board, uint8_t without) {
  mayday_record *record = &board->record;
  int8_t old = record->active;
  uint8_t fresh = old == 0 ? 1 : 0;
  bool is_erased = record->at != 0;
  if (!reseal(board)) return false;
  record->at = 0;
  if (!is_erased && !mayday_flash_erase(board, board->map.record[fresh].offset)) return false;
#if MAYDAY_WITH_RECORD_MANIFESTS
  bool has_places = board->layout->are_manifests_in_record && old >= 0;
  if (has_places && !mayday_places_copy(board, (uint8_t)old, fresh, without)) return false;
#else
  (void)without;
#endif
  record->active = (int8_t)fresh;
  if (!write_fresh(board)) {
    record->active = old;
    record->at = 0;
    return false;
  }
  return mayday_flash_erase(board, board->map.record[fresh ^ 1u].offset);
}

bool mayday_record_append(mayday_board *board, uint8_t entry[MAYDAY_ENTRY_LENGTH], const uint8_t *digest) {
  mayday_record *record = &board->record;
  uint8_t before[MAYDAY_ENTRY_LENGTH];
  uint16_t stride = mayday_entry_stride(board->layout);
  if (board->has_failed) return false;
  if (digest != NULL) mayday_entry_set_digest(entry, before, digest);
  uint32_t needed = (digest == NULL ? 1u : 2u) * (uint32_t)stride;
  bool has_room = record->at != 0 && record->at + needed <= board->map.journal_size - KEPT * stride;
  /* The digest may be the state's own: program before it changes. */
  if (has_room && !program_event(board, entry, digest)) return false;
  mayday_state_apply(&record->state, entry, before);
  if (!has_room && !start_sector(board, NO_AREA)) return false;
  if (record->given >= 0 && mayday_state_names_area(&record->state, (uint8_t)record->given)) record->given = -1;
  return true;
}

bool mayday_record_settle(mayday_board *board) {
  if (board->has_failed) return false;
  return board->record.at != 0 || start_sector(board, NO_AREA);
}

#if MAYDAY_WITH_RECORD_MANIFESTS
bool mayday_record_blank_place(mayday_board *board, uint8_t area, uint32_t *offset) {
  mayday_record *record = &board->record;
  if (board->has_failed) return false;
  record->given = -1;
  bool is_blank = record->at != 0 && mayday_record_place(board, area, offset) &&
                  mayday_flash_is_erased(board, *offset, MAYDAY_PLACE_SIZE);
  if (!is_blank && !start_sector(board, area)) return false;
  if (!mayday_record_place(board, area, offset)) return false;
  record->given = (int8_t)area;
  return true;
}
#endif
