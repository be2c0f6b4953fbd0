#include "flash/record.h"
#include "base/bytes.h"
#include "flash/flash.h"
#include "flash/map.h"
#include "flash/record_places.h"
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

/* Programs an entry into the sector that holds. Once the flash has failed it does nothing, so that only the last of many calls
 * needs a look at that. */
static bool program_at(mayday_board *board, uint32_t at, uint8_t entry[MAYDAY_ENTRY_LENGTH]) {
  uint8_t unit[MAYDAY_STRIDE_MAX];
  mayday_record *record = &board->record;
  memset(unit, board->layout->erased, sizeof unit);
  mayday_entry_finish(entry, ++record->sequence);
  memcpy(unit, entry, MAYDAY_ENTRY_LENGTH);
  /* A sector holds whenever entries are written. */
  return mayday_flash_program(board, board->map.record[(unsigned)record->active & 1u].offset + at, unit, mayday_entry_stride(board->layout));
}

/* Adds an entry behind the last one. */
static bool program_next(mayday_board *board, uint8_t entry[MAYDAY_ENTRY_LENGTH]) {
  uint32_t at = board->record.at;
  board->record.at = at + mayday_entry_stride(board->layout);
  return program_at(board, at, entry);
}

/* The two entries of an event that names an image stand in one sector. */
static bool program_event(mayday_board *board, uint8_t entry[MAYDAY_ENTRY_LENGTH], const uint8_t *digest) {
  if (digest != NULL) {
    uint8_t before[MAYDAY_ENTRY_LENGTH];
    mayday_entry_set_digest(entry, before, digest);
    (void)program_next(board, before);
  }
  return program_next(board, entry);
}

static void program_seal(mayday_board *board) {
  uint8_t entry[MAYDAY_ENTRY_LENGTH];
  mayday_entry_begin(entry, MAYDAY_ENTRY_SEAL);
  (void)program_next(board, entry);
}

/* Seals a sector again whose own seal may be unstable, before the other one is erased. */
static void reseal(mayday_board *board) {
  mayday_record *record = &board->record;
  record->at = record->reseal_at;
  for (unsigned i = 0; record->at != 0 && i < RESEALS; i++)
    if (board->map.journal_size - record->at >= mayday_entry_stride(board->layout)) program_seal(board);
  record->reseal_at = 0;
}

/* Snapshot, header, seal; all of it has to read back. */
static void write_fresh(mayday_board *board) {
  uint8_t entry[MAYDAY_ENTRY_LENGTH];
  mayday_record *record = &board->record;
  uint16_t stride = mayday_entry_stride(board->layout);
  mayday_scan scan;
  record->at = stride;
  for (uint8_t i = 0;; i++) {
    bool is_there;
    const uint8_t *digest = mayday_state_snapshot(&record->state, i, entry, &is_there);
    if (!is_there) break;
    (void)program_event(board, entry, digest);
  }
  mayday_entry_header(entry, (uint8_t)(record->at / stride - 1u));
  (void)program_at(board, 0, entry);
  program_seal(board);
  mayday_scan_sector(board, (uint8_t)record->active, &scan, NULL);
  if (!scan.counts || !scan.has_seal || scan.seal != record->sequence) (void)mayday_flash_fail(board);
}

/* A sector is erased only when a seal that was written in this run shows that the other one is complete, and a header is written
 * only when all manifests that the state names were read back. */
bool mayday_record_restart(mayday_board *board, uint8_t without) {
  mayday_record *record = &board->record;
  int8_t old = record->active;
  uint8_t fresh = old == 0 ? 1 : 0;
  bool is_erased = record->at != 0;
  reseal(board);
  if (!is_erased) (void)mayday_flash_erase(board, board->map.record[fresh].offset);
#if MAYDAY_WITH_RECORD_MANIFESTS
  if (old >= 0 && mayday_has_places(board->layout)) mayday_places_copy(board, fresh, without);
#else
  (void)without;
#endif
  record->active = (int8_t)fresh;
  if (!board->has_failed) write_fresh(board);
  if (board->has_failed) {
    record->active = old;
    record->at = 0;
    return false;
  }
  return mayday_flash_erase(board, board->map.record[fresh ^ 1u].offset);
}

bool mayday_record_append(mayday_board *board, uint8_t entry[MAYDAY_ENTRY_LENGTH], const uint8_t *digest) {
  mayday_record *record = &board->record;
  uint8_t before[MAYDAY_ENTRY_LENGTH];
  uint32_t stride = mayday_entry_stride(board->layout);
  if (board->has_failed) return false;
  if (digest != NULL) mayday_entry_set_digest(entry, before, digest);
  uint32_t needed = KEPT * stride + (digest == NULL ? stride : 2u * stride);
  bool has_room = record->at != 0 && record->at + needed <= board->map.journal_size;
  /* The digest may be the state's own: program before it changes. */
  if (has_room && !program_event(board, entry, digest)) return false;
  mayday_state_apply(&record->state, entry, before);
  if (!has_room && !mayday_record_restart(board, NO_AREA)) return false;
  if (MAYDAY_WITH_RECORD_MANIFESTS && record->given >= 0 && mayday_state_names_area(&record->state, (uint8_t)record->given)) record->given = -1;
  return true;
}

bool mayday_record_settle(mayday_board *board) {
  if (board->has_failed) return false;
  return board->record.at != 0 || mayday_record_restart(board, NO_AREA);
}
