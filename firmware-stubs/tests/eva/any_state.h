/* What a boot record may say of a board. */
#ifndef MAYDAY_TESTS_EVA_ANY_STATE_H
#define MAYDAY_TESTS_EVA_ANY_STATE_H

#include "any.h"

static void any_ranges(mayday_range_set *set) {
  make_any(set->ranges, sizeof set->ranges);
  set->count = Frama_C_unsigned_char_interval(0, MAYDAY_OPEN_RANGES_MAX);
}

static void any_state(mayday_record_state *state) {
  state->is_receiving = any_bool();
  state->receiving_slot = Frama_C_unsigned_char_interval(0, 15);
  state->receiving_area = Frama_C_unsigned_char_interval(0, 15);
  state->was_confirmed = any_bool();
  state->has_given_up = any_bool();
  state->floor = any32();
  state->starts = any32();
  make_any(state->slots, sizeof state->slots);
  make_any(state->receiving_digest, sizeof state->receiving_digest);
  make_any(&state->given_up, sizeof state->given_up);
  state->failed_count = Frama_C_unsigned_char_interval(0, MAYDAY_FAILED_MAX);
  make_any(state->failed, sizeof state->failed);
  any_ranges(&state->open);
  make_any(&state->joined, sizeof state->joined);
}

#endif
