/* The transfer within a session: the check of the manifest, the walk down the tree, blocks into flash (PROTOCOL.md 6.1, 6.3). */
#ifndef MAYDAY_SESSION_RECEIVING_H
#define MAYDAY_SESSION_RECEIVING_H

#include "mayday/target.h"
#include "wire/frame.h"

/* What a piece of work led to. */
typedef enum mayday_outcome {
  MAYDAY_OUTCOME_IDLE,      /* there was nothing to do */
  MAYDAY_OUTCOME_WORKED,    /* there may be more */
  MAYDAY_OUTCOME_LOST,
  MAYDAY_OUTCOME_COMPLETE,  /* nothing is missing */
  MAYDAY_OUTCOME_HEALED,    /* committed, and the board boots */
  MAYDAY_OUTCOME_REFUSED    /* this and a code of 5.7 */
} mayday_outcome;

/* Does one piece of work: a mayday_outcome. */
uint8_t mayday_receiving_work(mayday_target *target);

/* The manifest, a run or a block in flash is right: the lease begins again. What `bytes` take at 1200 baud is added to the time for
 * which *later* may hold it (6.5). Returns MAYDAY_OUTCOME_WORKED. */
uint8_t mayday_receiving_count(mayday_target *target, uint32_t bytes);

/* A run or a claim that a node is uniform. Kept if it is wanted, or was asked for with the accept. */
void mayday_receiving_take_object(mayday_target *target, const mayday_frame *chunk);

/* The first bytes of an answer came, so many of them: a sample of the round trip (4.4). */
void mayday_receiving_sample(mayday_target *target, mayday_moment asked_at, uint16_t bytes);

/* Whether it completed a block. */
bool mayday_receiving_take_data(mayday_target *target, const mayday_frame *chunk);

/* The rescuer needs time: the lease stands still for it, within limits (6.5). */
void mayday_receiving_take_later(mayday_target *target, uint16_t ms);

/* Sends what changed of what is wanted; all of it with `is_again`. */
void mayday_receiving_ask(mayday_target *target, bool is_again);

/* When unanswered questions are asked again. */
mayday_moment mayday_receiving_ask_at(const mayday_target *target);

#endif
