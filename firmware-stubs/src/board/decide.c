/* The boot decision (PROTOCOL.md 13.4). */
#include "board/inner.h"
#include "flash/area.h"
#include "flash/flash.h"
#include "flash/map.h"
#include "flash/record.h"
#include "image/envelope.h"

#include <string.h>

#if MAYDAY_SCRATCH_BYTES < 32 * 20
#error "the scratch has to take a hash for each level of a tree"
#endif

uint8_t mayday_policy_check(const mayday_board *board, uint8_t *envelope, size_t length, mayday_manifest *out,
                            uint32_t *step_max) {
  const mayday_identity *identity = board->identity;
  mayday_policy policy;
  policy.keys = identity->keys;
  policy.key_count = identity->key_count;
  policy.is_unsigned_allowed = identity->is_unsigned_allowed;
  policy.vendor = identity->vendor;
  policy.hardware_class = identity->hardware_class;
  return mayday_envelope_check(board->port, &policy, envelope, length, out, step_max);
}

bool mayday_hardware_fits(const mayday_board *board, const mayday_manifest *manifest) {
  uint16_t revision = board->identity->revision;
  return manifest->is_hardware_right && revision >= manifest->revision_min && revision <= manifest->revision_max;
}

uint8_t mayday_manifest_load(mayday_board *board, uint8_t area, const uint8_t digest[32], mayday_manifest *out) {
  uint32_t step_max;
  uint16_t length = mayday_area_read(board, area, board->scratch);
  if (length == 0) return MAYDAY_BOOT_FAILURE_CODE_MANIFEST;
  switch (mayday_policy_check(board, board->scratch, length, out, &step_max)) {
    case 0: break;
    case MAYDAY_REFUSAL_CODE_MANIFEST: return MAYDAY_BOOT_FAILURE_CODE_MANIFEST;
    case MAYDAY_REFUSAL_CODE_COUNTER: return MAYDAY_BOOT_FAILURE_CODE_COUNTER;
    default: return MAYDAY_BOOT_FAILURE_CODE_SIGNATURE;
  }
  return memcmp(out->digest, digest, 32) == 0 ? 0 : MAYDAY_BOOT_FAILURE_CODE_MANIFEST;
}

uint8_t mayday_image_verify(mayday_board *board, uint8_t slot, const mayday_manifest *manifest) {
  uint32_t floor = mayday_floor_of(board);
  mayday_shape shape;
  uint8_t root[32];
  bool is_right = manifest->size <= board->layout->slot_size && manifest->role == MAYDAY_ROLE_APP;
  if (!is_right) return MAYDAY_BOOT_FAILURE_CODE_MANIFEST;
  if (!mayday_hardware_fits(board, manifest)) return MAYDAY_BOOT_FAILURE_CODE_HARDWARE;
  if (manifest->counter < floor || floor > manifest->not_after) return MAYDAY_BOOT_FAILURE_CODE_COUNTER;
  mayday_shape_of(manifest, &shape);
  bool is_read = mayday_slot_hash(board, slot, &shape, mayday_root_level(&shape), 0, board->scratch, root);
  return is_read && memcmp(root, manifest->root, 32) == 0 ? 0 : MAYDAY_BOOT_FAILURE_CODE_HASH;
}

/* Why the record alone forbids to boot a slot; 0 when it does not. */
static uint8_t record_failure(const mayday_board *board, uint8_t slot) {
  const mayday_record_state *state = &board->record.state;
  const mayday_slot_record *record = &state->slots[slot];
  if (state->is_receiving && state->receiving_slot == slot) return MAYDAY_BOOT_FAILURE_CODE_RECEIVING;
  /* The last boot of what runs is counted already. */
  bool is_used_up = !record->is_confirmed && record->boots >= MAYDAY_TRIAL_BOOTS_MAX && !board->is_running;
  return record->is_reverted || is_used_up ? MAYDAY_BOOT_FAILURE_CODE_REVERTED : 0;
}

void mayday_way_back_find(mayday_board *board) {
  board->decision.has_way_back = false;
#if MAYDAY_WITH_AB
  uint8_t slot = board->decision.slot ^ 1u;
  const mayday_record_state *state = &board->record.state;
  const mayday_slot_record *other = &state->slots[slot];
  mayday_manifest manifest;
  if (board->map.slot_count < 2 || !state->slots[slot ^ 1u].is_unproven) return;
  if (!other->is_known || !other->is_confirmed || (state->is_receiving && state->receiving_slot == slot)) return;
  board->decision.has_way_back = mayday_manifest_load(board, other->area, other->digest, &manifest) == 0 &&
                                 mayday_image_verify(board, slot, &manifest) == 0;
#endif
}

/* The slot that is tried first. */
static uint8_t first_slot(const mayday_board *board) {
#if MAYDAY_WITH_AB
  const mayday_slot_record *slots = board->record.state.slots;
  if (board->map.slot_count > 1 && slots[1].is_known && (!slots[0].is_known || slots[1].rank > slots[0].rank)) return 1;
#endif
  (void)board;
  return 0;
}

void mayday_board_decide(mayday_board *board) {
  mayday_decision *decision = &board->decision;
  const mayday_record_state *state = &board->record.state;
  uint8_t slot = first_slot(board);
  bool is_first = true;
  decision->failure = state->is_receiving ? MAYDAY_BOOT_FAILURE_CODE_RECEIVING : 0;
  decision->has_way_back = false;
  decision->is_trial = false;
  mayday_status_install(board, NULL);
  for (uint8_t i = 0; i < board->map.slot_count; i++, slot ^= 1u) {
    const mayday_slot_record *record = &state->slots[slot];
    if (!record->is_known) continue;
    uint8_t failure = record_failure(board, slot);
    /* Of the first one the status says what is installed, also if it does not boot. */
    if (is_first || failure == 0) {
      uint8_t fault = mayday_manifest_load(board, record->area, record->digest, &decision->manifest);
      if (is_first && fault == 0) mayday_status_install(board, &decision->manifest);
      if (failure == 0) failure = fault;
    }
    is_first = false;
    if (failure == 0) failure = mayday_image_verify(board, slot, &decision->manifest);
    if (failure == 0) {
      decision->failure = 0;
      decision->slot = slot;
      decision->is_trial = !record->is_confirmed;
      mayday_status_install(board, &decision->manifest);
      mayday_way_back_find(board);
      mayday_status_update(board);
      return;
    }
    if (decision->failure == 0) decision->failure = failure;
  }
  if (decision->failure == 0) decision->failure = MAYDAY_BOOT_FAILURE_CODE_EMPTY;
  mayday_status_update(board);
}
