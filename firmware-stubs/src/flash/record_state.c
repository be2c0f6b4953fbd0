#include "flash/record_state.h"
#include "base/bytes.h"
#include "flash/ranges.h"

void mayday_state_init(mayday_record_state *state) {
  memset(state, 0, sizeof *state);
}

#if MAYDAY_WITH_QUARANTINE
mayday_failed *mayday_state_failed(mayday_record_state *state, const uint8_t *digest) {
  for (unsigned i = 0; i < state->failed_count; i++)
    if (memcmp(state->failed[i].digest, digest, 8) == 0) return &state->failed[i];
  return NULL;
}

/* Puts a count behind all others. */
static void set_failed(mayday_record_state *state, const uint8_t *digest, uint8_t count) {
  mayday_failed *failed = mayday_state_failed(state, digest);
  mayday_failed *last = state->failed + state->failed_count;
  uint8_t refusals = 0;
  if (failed != NULL) {
    refusals = failed->refusals;
  } else {
    if (count == 0) return;
    failed = state->failed_count < MAYDAY_FAILED_MAX ? last : state->failed;
  }
  if (failed == last) {
    state->failed_count++;
  } else {
    /* Those behind it step up. Not by memmove, which a target needs for nothing else. */
    for (last--; failed < last; failed++) *failed = failed[1];
  }
  memcpy(failed->digest, digest, 8);
  failed->count = count;
  failed->refusals = refusals;
  if (count == 0) state->failed_count--;
}

/* A trial is given up and counted in one step, so that a cut cannot count it twice or not at all. */
static void count_failed(mayday_record_state *state, const mayday_slot_record *slot, unsigned flags, const uint8_t *digest) {
  const mayday_failed *failed = mayday_state_failed(state, digest);
  uint8_t count = failed == NULL ? 0 : failed->count;
  bool was_tried = slot->flags != 0 && (slot->flags & MAYDAY_SLOT_REVERTED) == 0 && memcmp(slot->digest, digest, 32) == 0;
  if ((flags & MAYDAY_SLOT_REVERTED) != 0 && was_tried) set_failed(state, digest, (uint8_t)(count < 255u ? count + 1u : 255u));
  if ((flags & MAYDAY_SLOT_CONFIRMED) != 0 && failed != NULL) set_failed(state, digest, 0);
}
#endif

static void apply_floor(mayday_record_state *state, const uint8_t *entry, bool is_confirmed) {
  uint32_t floor = mayday_u32(entry + MAYDAY_ENTRY_AT_B);
  if (floor > state->floor) state->floor = floor;
  if (is_confirmed || state->floor > 0) state->was_confirmed = true;
}

static void apply_slot(mayday_record_state *state, const uint8_t *entry, const uint8_t *before) {
  uint8_t number = entry[MAYDAY_ENTRY_AT_PLACE] & 0x0fu;
  unsigned flags = entry[MAYDAY_ENTRY_AT_FLAGS];
  bool is_confirmed = (flags & MAYDAY_SLOT_CONFIRMED) != 0;
  if (number < MAYDAY_SLOTS_MAX) {
    mayday_slot_record *slot = &state->slots[number];
    uint8_t digest[32];
    mayday_entry_get_digest(entry, before, digest);
#if MAYDAY_WITH_QUARANTINE
    count_failed(state, slot, flags, digest);
#endif
    slot->flags = (uint8_t)(flags | MAYDAY_SLOT_KNOWN);
    slot->area = entry[MAYDAY_ENTRY_AT_PLACE] >> 4;
    slot->boots = entry[MAYDAY_ENTRY_AT_COUNT];
    slot->rank = mayday_u32(entry + MAYDAY_ENTRY_AT_A);
    memcpy(slot->digest, digest, 32);
  }
  if (is_confirmed) state->has_given_up = false;
  apply_floor(state, entry, is_confirmed && (flags & MAYDAY_SLOT_UNPROVEN) == 0);
}

/* False: it is none, or lies beyond all numbers of sectors. */
static bool read_range(const uint8_t *at, mayday_sector_range *range) {
  uint32_t first = mayday_u32(at);
  range->first = (mayday_sector_number)first;
  range->last = (mayday_sector_number)mayday_least32(mayday_u32(at + 4), MAYDAY_SECTOR_LAST);
  return first <= MAYDAY_SECTOR_LAST;
}

static void apply_sectors(mayday_record_state *state, const uint8_t *entry) {
  mayday_sector_range range;
  state->joined.first = 1;
  state->joined.last = 0;
  if (read_range(entry + MAYDAY_ENTRY_AT_A, &range)) (void)mayday_ranges_remove(&state->open, range);
  if (read_range(entry + MAYDAY_ENTRY_AT_BYTES, &range)) (void)mayday_ranges_add(&state->open, range, &state->joined);
}

static void apply_order(mayday_record_state *state, const uint8_t *entry) {
  const uint8_t *order = entry + MAYDAY_ENTRY_AT_BYTES;
  state->given_up.sequence = mayday_u48(order);
  for (unsigned i = 0; i < 3u; i++) state->given_up.version[i] = mayday_u16(order + 6u + 2u * i);
  state->has_given_up = false;
  for (unsigned i = 0; i < 12u; i++)
    if (order[i] != 0) state->has_given_up = true;
}

void mayday_state_apply(mayday_record_state *state, const uint8_t *entry, const uint8_t *before) {
  uint8_t type = entry[MAYDAY_ENTRY_AT_TYPE];
  uint8_t count = entry[MAYDAY_ENTRY_AT_COUNT];
  switch (type) {
    case MAYDAY_ENTRY_INSTALLED:
    case MAYDAY_ENTRY_SLOT:
      apply_slot(state, entry, before);
      if (type == MAYDAY_ENTRY_INSTALLED) state->is_receiving = false;
      break;
    case MAYDAY_ENTRY_RECEIVING:
      state->is_receiving = true;
      state->receiving_slot = entry[MAYDAY_ENTRY_AT_PLACE] & 0x0fu;
      state->receiving_area = entry[MAYDAY_ENTRY_AT_PLACE] >> 4;
      mayday_entry_get_digest(entry, before, state->receiving_digest);
      break;
    case MAYDAY_ENTRY_SECTORS: apply_sectors(state, entry); break;
    case MAYDAY_ENTRY_FLOOR: apply_floor(state, entry, count == 1u); break;
#if MAYDAY_WITH_QUARANTINE
    case MAYDAY_ENTRY_FAILED: set_failed(state, entry + MAYDAY_ENTRY_AT_BYTES, count); break;
#endif
    case MAYDAY_ENTRY_ORDER: apply_order(state, entry); break;
    case MAYDAY_ENTRY_NONCES: {
      uint32_t starts = mayday_u32(entry + MAYDAY_ENTRY_AT_A);
      if (starts > state->starts) state->starts = starts;
      break;
    }
    default: break;
  }
}

bool mayday_state_names_area(const mayday_record_state *state, uint8_t area) {
  if (state->is_receiving && state->receiving_area == area) return true;
  for (unsigned i = 0; i < MAYDAY_SLOTS_MAX; i++) {
    if (state->slots[i].flags != 0 && state->slots[i].area == area) return true;
  }
  return false;
}

const uint8_t *mayday_state_snapshot(const mayday_record_state *state, uint8_t number, uint8_t entry[MAYDAY_ENTRY_LENGTH],
                                     bool *is_there) {
  *is_there = true;
  if (number-- == 0) {
    mayday_entry_begin(entry, MAYDAY_ENTRY_FLOOR);
    mayday_put32(entry + MAYDAY_ENTRY_AT_B, state->floor);
    entry[MAYDAY_ENTRY_AT_COUNT] = state->floor == 0 && state->was_confirmed ? 1 : 0;
    return NULL;
  }
  for (uint8_t i = 0; i < MAYDAY_SLOTS_MAX; i++) {
    if (state->slots[i].flags == 0 || number-- != 0) continue;
    mayday_entry_slot(entry, MAYDAY_ENTRY_SLOT, i, &state->slots[i], state->floor);
    return state->slots[i].digest;
  }
  /* Behind the slots: a confirmed one would forget it. */
  if (state->has_given_up && number-- == 0) {
    mayday_entry_order(entry, &state->given_up);
    return NULL;
  }
  if (state->is_receiving && number-- == 0) {
    mayday_entry_receiving(entry, state->receiving_slot, state->receiving_area);
    return state->receiving_digest;
  }
#if MAYDAY_WITH_QUARANTINE
  if (number < state->failed_count) {
    mayday_entry_begin(entry, MAYDAY_ENTRY_FAILED);
    memcpy(entry + MAYDAY_ENTRY_AT_BYTES, state->failed[number].digest, 8);
    entry[MAYDAY_ENTRY_AT_COUNT] = state->failed[number].count;
    return NULL;
  }
  number = (uint8_t)(number - state->failed_count);
#endif
  if (number < state->open.count) {
    mayday_entry_sectors(entry, &state->open.ranges[number], NULL);
    return NULL;
  }
  *is_there = state->starts > 0 && number == state->open.count;
  mayday_entry_nonces(entry, state->starts);
  return NULL;
}

void mayday_entry_receiving(uint8_t entry[MAYDAY_ENTRY_LENGTH], uint8_t slot, uint8_t area) {
  mayday_entry_begin(entry, MAYDAY_ENTRY_RECEIVING);
  entry[MAYDAY_ENTRY_AT_PLACE] = (uint8_t)(slot | (area << 4 & 0xf0));
}

void mayday_entry_slot(uint8_t entry[MAYDAY_ENTRY_LENGTH], uint8_t type, uint8_t slot, const mayday_slot_record *record,
                       uint32_t floor) {
  mayday_entry_receiving(entry, slot, record->area);
  entry[MAYDAY_ENTRY_AT_TYPE] = type;
  entry[MAYDAY_ENTRY_AT_FLAGS] = (uint8_t)(record->flags & ~(unsigned)MAYDAY_SLOT_KNOWN);
  entry[MAYDAY_ENTRY_AT_COUNT] = record->boots;
  mayday_put32(entry + MAYDAY_ENTRY_AT_A, record->rank);
  mayday_put32(entry + MAYDAY_ENTRY_AT_B, floor);
}

void mayday_entry_sectors(uint8_t entry[MAYDAY_ENTRY_LENGTH], const mayday_sector_range *open,
                          const mayday_sector_range *close) {
  const mayday_sector_range *const ranges[2] = {open, close};
  mayday_entry_begin(entry, MAYDAY_ENTRY_SECTORS);
  for (unsigned i = 0; i < 2u; i++) {
    uint8_t *range = entry + MAYDAY_ENTRY_AT_BYTES + 8u * i;
    mayday_put32(range, ranges[i] == NULL ? MAYDAY_NO_SECTOR : ranges[i]->first);
    mayday_put32(range + 4, ranges[i] == NULL ? MAYDAY_NO_SECTOR : ranges[i]->last);
  }
}

void mayday_entry_order(uint8_t entry[MAYDAY_ENTRY_LENGTH], const mayday_order *order) {
  mayday_entry_begin(entry, MAYDAY_ENTRY_ORDER);
  if (order == NULL) return;
  mayday_put48(entry + MAYDAY_ENTRY_AT_BYTES, order->sequence);
  for (unsigned i = 0; i < 3u; i++) mayday_put16(entry + MAYDAY_ENTRY_AT_BYTES + 6u + 2u * i, order->version[i]);
}

void mayday_entry_nonces(uint8_t entry[MAYDAY_ENTRY_LENGTH], uint32_t starts) {
  mayday_entry_begin(entry, MAYDAY_ENTRY_NONCES);
  mayday_put32(entry + MAYDAY_ENTRY_AT_A, starts);
}
