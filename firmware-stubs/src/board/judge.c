/* Whether a board takes an image (PROTOCOL.md 8.4). */
#include "base/bytes.h"
#include "board/inner.h"
#include "flash/map.h"
#include "flash/record_state.h"
#include "image/envelope.h"

/* An image that could raise the floor so far that its owner's next release is below it, or that is below it now. */
static uint8_t judge_counter(const mayday_board *board, const mayday_manifest *manifest, uint32_t step_max) {
  uint32_t floor = mayday_board_floor(board);
  if (manifest->counter < floor || floor > manifest->not_after) return MAYDAY_REFUSAL_CODE_COUNTER;
  bool had_image = board->record.state.was_confirmed || floor > 0;
  return had_image && manifest->counter - floor > step_max ? MAYDAY_REFUSAL_CODE_COUNTER : 0;
}

/* `single`: an image that was given up for a newer one opens no way to older ones (13.5). */
static uint8_t judge_given_up(const mayday_board *board, const mayday_manifest *manifest) {
  const mayday_record_state *state = &board->record.state;
  if (mayday_is_ab(board->layout) || !state->has_given_up) return 0;
  if (!state->is_receiving && (state->slots[0].flags & MAYDAY_SLOT_CONFIRMED) != 0) return 0;
  return mayday_order_compare(&manifest->order, &state->given_up) < 0 ? MAYDAY_REFUSAL_CODE_VERSION : 0;
}

/* Of a board that boots. */
static uint8_t judge_update(const mayday_board *board, const mayday_manifest *manifest) {
  const mayday_identity *identity = board->identity;
  const mayday_decision *decision = &board->decision;
  if (decision->failure != 0) return 0;
  if (!identity->is_update_allowed) return MAYDAY_REFUSAL_CODE_HEALTHY;
  if (mayday_order_compare(&manifest->order, &board->order) <= 0) return MAYDAY_REFUSAL_CODE_VERSION;
  if (!mayday_is_ab(board->layout)) return identity->is_single_update_allowed ? 0 : MAYDAY_REFUSAL_CODE_HEALTHY;
  /* The other slot holds what the board falls back to. */
  return decision->is_trial || decision->has_way_back ? MAYDAY_REFUSAL_CODE_HEALTHY : 0;
}

#if MAYDAY_WITH_QUARANTINE
#define FAILED_CONFIRMS_MAX 3u
#define YIELD_AFTER_MIN 3u
#define YIELD_AFTER_MAX 48u

/* Counts a refusal that may end one day (13.4). */
static uint8_t judge_health(mayday_board *board, const mayday_manifest *manifest) {
  mayday_record_state *state = &board->record.state;
  if (state->is_receiving && memcmp(state->receiving_digest, manifest->digest, 32) == 0) return 0;
  mayday_failed *failed = mayday_state_failed(state, manifest->digest);
  if (failed == NULL || failed->count < FAILED_CONFIRMS_MAX) return 0;
  if (board->decision.failure == 0) return MAYDAY_REFUSAL_CODE_QUARANTINED;
  uint8_t needed = YIELD_AFTER_MIN;
  for (uint8_t i = FAILED_CONFIRMS_MAX; i < failed->count && needed < YIELD_AFTER_MAX; i++) needed = (uint8_t)(needed * 2u);
  if (failed->refusals >= needed) return 0;
  failed->refusals++;
  return MAYDAY_REFUSAL_CODE_QUARANTINED;
}
#else
static uint8_t judge_health(mayday_board *board, const mayday_manifest *manifest) {
  (void)board;
  (void)manifest;
  return 0;
}
#endif

uint8_t mayday_board_judge(mayday_board *board, uint8_t *envelope, size_t length, const uint8_t offered[8],
                           uint32_t block_max, mayday_manifest *out) {
  uint32_t step_max;
  uint8_t code = mayday_policy_check(board, envelope, length, out, &step_max);
  if (code != 0) return code;
  if (out->role != MAYDAY_ROLE_APP) return MAYDAY_REFUSAL_CODE_ROLE;
  if (!mayday_hardware_fits(board, out)) return MAYDAY_REFUSAL_CODE_HARDWARE;
  code = judge_counter(board, out, step_max);
  if (code == 0) code = judge_given_up(board, out);
  if (code == 0) code = judge_update(board, out);
  if (code != 0) return code;
  if (out->size > board->layout->slot_size) return MAYDAY_REFUSAL_CODE_SIZE;
  if (UINT32_C(1) << out->block_log2 > block_max) return MAYDAY_REFUSAL_CODE_BLOCK_SIZE;
  /* The last but one, because it counts refusals. */
  code = judge_health(board, out);
  if (code != 0) return code;
  return memcmp(out->digest, offered, 8) == 0 ? 0 : MAYDAY_REFUSAL_CODE_MANIFEST;
}
