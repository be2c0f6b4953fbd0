/* What a board uses of its flash: a record that says anything, areas and slots that hold anything, each write of which may fail.
 * record.c and journal.c of this folder follow that. */
#ifndef MAYDAY_TESTS_EVA_ANY_FLASH_H
#define MAYDAY_TESTS_EVA_ANY_FLASH_H

#include "any_state.h"

#include "flash/area.h"
#include "flash/flash.h"
#include "flash/ranges.h"
#include "flash/record.h"

void mayday_record_read(mayday_board *of) {
  of->record.is_clean = any_bool();
  any_state(&of->record.state);
}

static bool any_written(mayday_board *of) {
  bool is_written = any_bool();
  if (!is_written) of->has_failed = true;
  return is_written;
}

bool mayday_record_append(mayday_board *of, uint8_t entry[MAYDAY_ENTRY_LENGTH], const uint8_t *digest) {
  //@ assert \valid(entry + (0 .. MAYDAY_ENTRY_LENGTH - 1)) && (digest == \null || \valid_read(digest + (0 .. 31)));
  //@ assert digest != \null <==> (MAYDAY_ENTRY_INSTALLED <= entry[MAYDAY_ENTRY_AT_TYPE] <= MAYDAY_ENTRY_RECEIVING);
  (void)entry;
  (void)digest;
  any_state(&of->record.state);
  return any_written(of);
}

bool mayday_record_settle(mayday_board *of) {
  return any_written(of);
}

mayday_failed *mayday_state_failed(mayday_record_state *state, const uint8_t *digest) {
  //@ assert \valid_read(digest + (0 .. 7));
  (void)digest;
  return any_bool() ? &state->failed[Frama_C_interval(0, MAYDAY_FAILED_MAX - 1)] : NULL;
}

/* Events are 32 bytes, of which the record takes any. */
static void any_entry(uint8_t entry[MAYDAY_ENTRY_LENGTH], uint8_t type) {
  //@ assert \valid(entry + (0 .. MAYDAY_ENTRY_LENGTH - 1));
  make_any(entry, MAYDAY_ENTRY_LENGTH);
  entry[MAYDAY_ENTRY_AT_TYPE] = type;
}

void mayday_entry_slot(uint8_t entry[MAYDAY_ENTRY_LENGTH], uint8_t type, uint8_t slot, const mayday_slot_record *record,
                       uint32_t floor) {
  (void)slot;
  (void)floor;
  //@ assert \valid_read(record);
  (void)record;
  any_entry(entry, type);
}

void mayday_entry_receiving(uint8_t entry[MAYDAY_ENTRY_LENGTH], uint8_t slot, uint8_t area) {
  (void)slot;
  (void)area;
  any_entry(entry, MAYDAY_ENTRY_RECEIVING);
}

void mayday_entry_sectors(uint8_t entry[MAYDAY_ENTRY_LENGTH], const mayday_sector_range *open,
                          const mayday_sector_range *close) {
  //@ assert (open == \null || \valid_read(open)) && (close == \null || \valid_read(close));
  (void)open;
  (void)close;
  any_entry(entry, MAYDAY_ENTRY_SECTORS);
}

void mayday_entry_order(uint8_t entry[MAYDAY_ENTRY_LENGTH], const mayday_order *order) {
  //@ assert order == \null || \valid_read(order);
  (void)order;
  any_entry(entry, MAYDAY_ENTRY_ORDER);
}

void mayday_entry_nonces(uint8_t entry[MAYDAY_ENTRY_LENGTH], uint32_t starts) {
  (void)starts;
  any_entry(entry, MAYDAY_ENTRY_NONCES);
}

uint16_t mayday_area_read(const mayday_board *of, uint8_t area, uint8_t *envelope) {
  (void)of;
  (void)area;
  //@ assert \valid(envelope + (0 .. MAYDAY_ENVELOPE_MAX - 1));
  make_any(envelope, MAYDAY_ENVELOPE_MAX);
  return any_bool() ? 0 : (uint16_t)Frama_C_interval(MAYDAY_ENVELOPE_MIN, MAYDAY_ENVELOPE_MAX);
}

bool mayday_area_holds(const mayday_board *of, uint8_t area, const uint8_t *envelope, uint16_t length) {
  (void)of;
  (void)area;
  //@ assert \valid_read(envelope + (0 .. length - 1));
  (void)envelope;
  (void)length;
  return any_bool();
}

bool mayday_area_write(mayday_board *of, uint8_t area, const uint8_t *envelope, uint16_t length) {
  mayday_area_holds(of, area, envelope, length);
  return any_written(of);
}

bool mayday_area_sector(const mayday_board *of, uint8_t area, mayday_sector_range *sector) {
  (void)of;
  (void)area;
  if (any_bool()) return false;
  make_any(sector, sizeof *sector);
  return true;
}

bool mayday_flash_read(const mayday_board *of, uint32_t offset, uint8_t *bytes, size_t length) {
  //@ assert \valid(bytes + (0 .. length - 1));
  return any_read(of->port->context, offset, bytes, length);
}

bool mayday_flash_fail(mayday_board *of) {
  of->has_failed = true;
  return false;
}

bool mayday_flash_erase(mayday_board *of, uint32_t offset) {
  (void)offset;
  return any_written(of);
}

bool mayday_flash_program(mayday_board *of, uint32_t offset, const uint8_t *bytes, size_t length) {
  return any_program(of->port->context, offset, bytes, length) || mayday_flash_fail(of);
}

bool mayday_all_are(const uint8_t *bytes, size_t length, uint8_t value) {
  //@ assert \valid_read(bytes + (0 .. length - 1));
  (void)bytes;
  (void)length;
  (void)value;
  return any_bool();
}

bool mayday_flash_holds(const mayday_board *of, uint32_t offset, const uint8_t *bytes, uint32_t length) {
  (void)of;
  (void)offset;
  //@ assert bytes == \null || \valid_read(bytes + (0 .. length - 1));
  (void)bytes;
  (void)length;
  return any_bool();
}

bool mayday_flash_is_erased(const mayday_board *of, uint32_t offset, uint32_t length) {
  return mayday_flash_holds(of, offset, NULL, length);
}

bool mayday_ranges_add(mayday_range_set *set, mayday_sector_range range, mayday_sector_range *gap) {
  (void)range;
  //@ assert set->count <= MAYDAY_OPEN_RANGES_MAX;
  any_ranges(set);
  if (any_bool()) return false;
  make_any(gap, sizeof *gap);
  return true;
}

bool mayday_ranges_remove(mayday_range_set *set, mayday_sector_range range) {
  (void)range;
  //@ assert set->count <= MAYDAY_OPEN_RANGES_MAX;
  any_ranges(set);
  return any_bool();
}

bool mayday_ranges_touch(const mayday_range_set *set, mayday_sector_range range) {
  (void)range;
  //@ assert set->count <= MAYDAY_OPEN_RANGES_MAX;
  (void)set;
  return any_bool();
}

#endif
