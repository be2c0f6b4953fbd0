#include "flash/record_scan.h"
#include "base/bytes.h"
#include "flash/entry.h"
#include "flash/flash.h"
#include "flash/record_state.h"

bool mayday_is_later(uint32_t a, uint32_t b) {
  uint32_t ahead = a - b;
  return ahead != 0 && ahead < UINT32_C(0x80000000);
}

/* What stands in the place of a type for what is no right entry: numbers that no type has. */
enum { WRONG = 0x00, BLANK = 0x03 };

/* Reads the entry at `offset`, and its write unit. Returns its type, WRONG or BLANK. */
static uint8_t read_entry(const mayday_board *board, uint32_t offset, uint8_t entry[MAYDAY_ENTRY_LENGTH]) {
  uint16_t padding = (uint16_t)(mayday_entry_stride(board->layout) - MAYDAY_ENTRY_LENGTH);
  bool is_read = mayday_flash_read(board, offset, entry, MAYDAY_ENTRY_LENGTH);
  bool is_filled = mayday_flash_is_erased(board, offset + MAYDAY_ENTRY_LENGTH, padding);
  if (!is_read || !is_filled) return WRONG;
  if (mayday_all_are(entry, MAYDAY_ENTRY_LENGTH, board->layout->erased)) return BLANK;
  return mayday_entry_is_right(entry) ? entry[MAYDAY_ENTRY_AT_TYPE] : WRONG;
}

static void note_sequence(uint32_t sequence, bool *has, uint32_t *latest) {
  if (!*has || mayday_is_later(sequence, *latest)) *latest = sequence;
  *has = true;
}

void mayday_scan_sector(const mayday_board *board, uint8_t sector, mayday_scan *scan, mayday_record_state *state) {
  uint8_t entry[MAYDAY_ENTRY_LENGTH];
  uint8_t before[MAYDAY_ENTRY_LENGTH] = {0};
  uint32_t stride = mayday_entry_stride(board->layout);
  mayday_region region = board->map.record[sector];
  uint32_t journal = board->map.journal_size;
  uint8_t left = 0;       /* entries of the snapshot to come */
  bool is_behind = false; /* the entry before is a digest entry */
  memset(scan, 0, sizeof *scan);
  if (state != NULL) mayday_state_init(state);
  for (uint32_t at = 0; at < journal; at += stride) {
    uint8_t type = read_entry(board, region.offset + at, entry);
    uint32_t sequence = mayday_u32(entry + MAYDAY_ENTRY_AT_SEQUENCE);
    if (type != BLANK) scan->end = at + stride;
    bool names_image = mayday_entry_names_image(type);
    bool is_joined = is_behind && names_image && sequence == mayday_u32(before + MAYDAY_ENTRY_AT_SEQUENCE) + 1u;
    if (names_image && !is_joined) type = WRONG;
    bool is_alone = is_behind && !is_joined;
    if (type == WRONG || is_alone) scan->is_torn = true;
    is_behind = type == MAYDAY_ENTRY_DIGEST;
    if (at == 0) {
      scan->counts = type == MAYDAY_ENTRY_HEADER;
      scan->header = sequence;
      if (scan->counts) left = entry[MAYDAY_ENTRY_AT_COUNT];
    } else if (left > 0) {
      left--;
      bool is_part = mayday_entry_is_event(type) || (is_behind && left > 0);
      if (!is_part || is_alone) scan->counts = false;
    }
    if (type == WRONG || type == BLANK) continue;
    note_sequence(sequence, &scan->has_any, &scan->last);
    if (type == MAYDAY_ENTRY_SEAL) note_sequence(sequence, &scan->has_seal, &scan->seal);
    if (state != NULL) mayday_state_apply(state, entry, before);
    memcpy(before, entry, MAYDAY_ENTRY_LENGTH);
  }
  if (is_behind) scan->is_torn = true;
  if (left > 0) scan->counts = false;
  scan->is_blank = scan->end == 0 && mayday_flash_is_erased(board, region.offset + journal, region.size - journal);
}

int8_t mayday_scan_elect(const mayday_scan *first, const mayday_scan *second) {
  if (!first->counts || !second->counts) return first->counts ? 0 : second->counts ? 1 : -1;
  if (first->has_seal != second->has_seal) return first->has_seal ? 0 : 1;
  if (first->has_seal && first->seal != second->seal) return mayday_is_later(first->seal, second->seal) ? 0 : 1;
  /* Without a seal the later one may be unstable, but the earlier one was not changed yet. */
  return mayday_is_later(second->header, first->header) ? 0 : 1;
}
