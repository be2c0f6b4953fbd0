/* The transfer within a session: the check of the manifest, the walk down the tree, blocks into flash (PROTOCOL.md 6.1, 6.3). */
#ifndef MAYDAY_SESSION_RECEIVING_H
#define MAYDAY_SESSION_RECEIVING_H

#include "mayday/target.h"
#include "wire/frame.h"

/* What a piece of work led to. */
typedef struct mayday_outcome {
  enum {
    MAYDAY_OUTCOME_GOES_ON,
    MAYDAY_OUTCOME_REFUSED, /* `reason`, a code of 5.7 */
    MAYDAY_OUTCOME_LOST,
    MAYDAY_OUTCOME_COMPLETE, /* nothing is missing */
    MAYDAY_OUTCOME_HEALED    /* committed, and the board boots */
  } tag;
  uint8_t reason;
  bool did_work; /* with GOES_ON: else there was nothing to do */
} mayday_outcome;

/* Does one piece of work. */
mayday_outcome mayday_receiving_work(mayday_target *target);

/* A run or a claim that a node is uniform. Kept if it is wanted, or was asked for with the accept. */
void mayday_receiving_take_object(mayday_target *target, const mayday_frame *chunk);

/* Whether it completed a block. */
bool mayday_receiving_take_data(mayday_target *target, const mayday_frame *chunk);

/* The rescuer needs time: the lease stands still for it, within limits (6.5). */
void mayday_receiving_take_later(mayday_target *target, uint16_t ms);

/* Sends what changed of what is wanted; all of it with `is_again`. */
void mayday_receiving_ask(mayday_target *target, bool is_again);

/* When unanswered questions are asked again. */
mayday_time mayday_receiving_ask_at(const mayday_target *target);

#endif
