#include "flash/record_scan.h"
#include "base/bytes.h"
#include "flash/entry.h"
#include "flash/flash.h"
#include "flash/record_state.h"

bool mayday_is_later(uint32_t a, uint32_t b) {
  uint32_t ahead = a - b;
  return ahead != 0 && ahead < UINT32_C(0x80000000);
}

typedef enum kind { BLANK, WRONG, RIGHT } kind;

/* Reads the entry at `offset`, and its write unit. */
static kind read_entry(const mayday_board *board, uint32_t offset, uint8_t entry[MAYDAY_ENTRY_LENGTH]) {
  uint16_t padding = (uint16_t)(mayday_entry_stride(board->layout) - MAYDAY_ENTRY_LENGTH);
  bool is_read = mayday_flash_read(board, offset, entry, MAYDAY_ENTRY_LENGTH);
  bool is_filled = mayday_flash_is_erased(board, offset + MAYDAY_ENTRY_LENGTH, padding);
  if (!is_read || !is_filled) return WRONG;
  if (mayday_all_are(entry, MAYDAY_ENTRY_LENGTH, board->layout->erased)) return BLANK;
  return mayday_entry_is_right(entry) ? RIGHT : WRONG;
}

static void note_sequence(const uint8_t *entry, bool *has, uint32_t *latest) {
  uint32_t sequence = mayday_u32(entry + MAYDAY_ENTRY_AT_SEQUENCE);
  if (!*has || mayday_is_later(sequence, *latest)) *latest = sequence;
  *has = true;
}

void mayday_scan_sector(const mayday_board *board, uint8_t sector, mayday_scan *scan, mayday_record_state *state) {
  uint8_t entries[2][MAYDAY_ENTRY_LENGTH];
  uint16_t stride = mayday_entry_stride(board->layout);
  mayday_region region = board->map.record[sector];
  uint32_t left = 0;      /* entries of the snapshot to come */
  bool is_behind = false; /* the entry before is a digest entry */
  memset(scan, 0, sizeof *scan);
  scan->is_blank = true;
  if (state != NULL) mayday_state_init(state);
  for (uint32_t at = 0; at < board->map.journal_size; at += stride) {
    uint8_t *entry = entries[at / stride & 1u];
    const uint8_t *before = entries[(at / stride & 1u) ^ 1u];
    kind found = read_entry(board, region.offset + at, entry);
    uint8_t type = entry[MAYDAY_ENTRY_AT_TYPE];
    if (found != BLANK) {
      scan->is_blank = false;
      scan->end = at + stride;
    }
    bool is_joined = is_behind && found == RIGHT && mayday_entry_names_image(type) &&
                     mayday_u32(entry + MAYDAY_ENTRY_AT_SEQUENCE) == mayday_u32(before + MAYDAY_ENTRY_AT_SEQUENCE) + 1u;
    if (found == RIGHT && mayday_entry_names_image(type) && !is_joined) found = WRONG;
    bool is_alone = is_behind && !is_joined;
    if (found == WRONG || is_alone) scan->is_torn = true;
    is_behind = found == RIGHT && type == MAYDAY_ENTRY_DIGEST;
    if (at == 0) {
      scan->counts = found == RIGHT && type == MAYDAY_ENTRY_HEADER;
      scan->header = mayday_u32(entry + MAYDAY_ENTRY_AT_SEQUENCE);
      if (scan->counts) left = entry[MAYDAY_ENTRY_AT_COUNT];
    } else if (left > 0) {
      left--;
      bool is_part = found == RIGHT && (mayday_entry_is_event(type) || (is_behind && left > 0));
      if (!is_part || is_alone) scan->counts = false;
    }
    if (found != RIGHT) continue;
    note_sequence(entry, &scan->has_any, &scan->last);
    if (type == MAYDAY_ENTRY_SEAL) note_sequence(entry, &scan->has_seal, &scan->seal);
    if (state != NULL) mayday_state_apply(state, entry, before);
  }
  if (is_behind) scan->is_torn = true;
  if (left > 0) scan->counts = false;
  if (scan->is_blank) {
    scan->is_blank = mayday_flash_is_erased(board, region.offset + board->map.journal_size, region.size - board->map.journal_size);
  }
}

int8_t mayday_scan_elect(const mayday_scan *first, const mayday_scan *second) {
  if (!first->counts || !second->counts) return first->counts ? 0 : second->counts ? 1 : -1;
  if (first->has_seal != second->has_seal) return first->has_seal ? 0 : 1;
  if (first->has_seal && first->seal != second->seal) return mayday_is_later(first->seal, second->seal) ? 0 : 1;
  /* Without a seal the later one may be unstable, but the earlier one was not changed yet. */
  return mayday_is_later(second->header, first->header) ? 0 : 1;
}
