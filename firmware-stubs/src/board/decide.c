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

/* The manifest of an image: 0, or why it does not boot. */
static uint8_t load(mayday_board *board, const mayday_image *image, mayday_manifest *manifest) {
  uint32_t step_max;
  uint16_t length = mayday_area_read(board, image->area, board->scratch);
  if (length == 0) return MAYDAY_BOOT_FAILURE_CODE_MANIFEST;
  uint8_t code = mayday_policy_check(board, board->scratch, length, manifest, &step_max);
  if (code == MAYDAY_REFUSAL_CODE_COUNTER) return MAYDAY_BOOT_FAILURE_CODE_COUNTER;
  if (code != 0 && code != MAYDAY_REFUSAL_CODE_MANIFEST) return MAYDAY_BOOT_FAILURE_CODE_SIGNATURE;
  return code == 0 && memcmp(manifest->digest, image->digest, 32) == 0 ? 0 : MAYDAY_BOOT_FAILURE_CODE_MANIFEST;
}

/* Whether the slot holds the image of a manifest: 0, or why it does not boot. */
static uint8_t verify(mayday_board *board, uint8_t slot, const mayday_manifest *manifest) {
  uint32_t floor = mayday_board_floor(board);
  mayday_shape shape;
  uint8_t root[32];
  bool is_for_slot = manifest->size <= board->layout->slot_size && manifest->role == MAYDAY_ROLE_APP;
  if (!mayday_hardware_fits(board, manifest)) return MAYDAY_BOOT_FAILURE_CODE_HARDWARE;
  if (manifest->counter < floor || floor > manifest->not_after) return MAYDAY_BOOT_FAILURE_CODE_COUNTER;
  if (!is_for_slot) return MAYDAY_BOOT_FAILURE_CODE_MANIFEST;
  mayday_shape_of(manifest, &shape);
  bool is_read = mayday_slot_hash(board, slot, &shape, mayday_root_level(&shape), 0, board->scratch, root);
  return is_read && memcmp(root, manifest->root, 32) == 0 ? 0 : MAYDAY_BOOT_FAILURE_CODE_HASH;
}

uint8_t mayday_image_check(mayday_board *board, mayday_image *image, uint8_t failure) {
  mayday_manifest manifest;
  uint8_t fault = load(board, image, &manifest);
  image->is_read = fault == 0;
  if (fault == 0) {
    image->is_confirmed_by_app = manifest.is_confirmed_by_app;
    image->counter = manifest.counter;
    image->size = manifest.size;
    image->order = manifest.order;
  }
  if (failure == 0) failure = fault;
  return failure == 0 ? verify(board, image->slot, &manifest) : failure;
}

/* Looks at an image that the record names. */
static uint8_t check_slot(mayday_board *board, uint8_t slot, uint8_t failure, mayday_image *image) {
  const mayday_slot_record *record = mayday_slot_known(board, slot);
  image->slot = slot;
  image->area = record->area;
  image->digest = record->digest;
  return mayday_image_check(board, image, failure);
}

/* Why the record alone forbids to boot a slot; 0 when it does not. */
static uint8_t record_failure(const mayday_board *board, uint8_t slot) {
  const mayday_record_state *state = &board->record.state;
  const mayday_slot_record *record = mayday_slot_known(board, slot);
  if (state->is_receiving && state->receiving_slot == slot) return MAYDAY_BOOT_FAILURE_CODE_RECEIVING;
  /* The last boot of what runs is counted already. */
  bool is_used_up = (record->flags & MAYDAY_SLOT_CONFIRMED) == 0 && record->boots >= MAYDAY_TRIAL_BOOTS_MAX && !board->is_running;
  return is_used_up || (record->flags & MAYDAY_SLOT_REVERTED) != 0 ? MAYDAY_BOOT_FAILURE_CODE_REVERTED : 0;
}

/* Looks whether the other slot is a way back for the image that boots, which is not proven (13.4). */
static void find_way_back(mayday_board *board) {
  board->decision.has_way_back = false;
#if MAYDAY_WITH_AB
  uint8_t slot = board->decision.slot ^ 1u;
  const mayday_record_state *state = &board->record.state;
  mayday_image image;
  if (!mayday_is_ab(board->layout) || (state->slots[slot ^ 1u].flags & MAYDAY_SLOT_UNPROVEN) == 0) return;
  if ((state->slots[slot].flags & MAYDAY_SLOT_CONFIRMED) == 0 || (state->is_receiving && state->receiving_slot == slot)) return;
  board->decision.has_way_back = check_slot(board, slot, 0, &image) == 0;
#endif
}

void mayday_decision_take(mayday_board *board, const mayday_image *image) {
  mayday_decision *decision = &board->decision;
  decision->failure = 0;
  decision->slot = image->slot;
  decision->is_trial = (mayday_slot_known(board, image->slot)->flags & MAYDAY_SLOT_CONFIRMED) == 0;
  decision->counter = image->counter;
  decision->size = image->size;
  mayday_status_install(board, image);
  find_way_back(board);
}

/* The slot that is tried first. */
static uint8_t first_slot(const mayday_board *board) {
#if MAYDAY_WITH_AB
  const mayday_slot_record *slots = board->record.state.slots;
  if (mayday_is_ab(board->layout) && slots[1].flags != 0 && (slots[0].flags == 0 || slots[1].rank > slots[0].rank)) return 1;
#endif
  (void)board;
  return 0;
}

void mayday_board_decide(mayday_board *board) {
  mayday_decision *decision = &board->decision;
  const mayday_record_state *state = &board->record.state;
  uint8_t slot = first_slot(board), failure = 1;
  uint8_t first_failure = state->is_receiving ? MAYDAY_BOOT_FAILURE_CODE_RECEIVING : 0;
  bool is_first = true;
  mayday_image image;
  decision->has_way_back = false;
  decision->is_trial = false;
  mayday_status_install(board, NULL);
  for (unsigned i = 0; failure != 0 && i < mayday_slot_count(board->layout); i++, slot ^= 1u) {
    if (mayday_slot_known(board, slot)->flags == 0) continue;
    failure = record_failure(board, slot);
    /* Of the first one the status says what is installed, also if it does not boot. */
    if (is_first || failure == 0) failure = check_slot(board, slot, failure, &image);
    if (is_first && image.is_read) mayday_status_install(board, &image);
    is_first = false;
    if (first_failure == 0) first_failure = failure;
  }
  if (failure == 0) {
    mayday_decision_take(board, &image);
  } else {
    decision->failure = first_failure != 0 ? first_failure : MAYDAY_BOOT_FAILURE_CODE_EMPTY;
  }
}
