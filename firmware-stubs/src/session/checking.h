/* The check of the manifest that came in a session (PROTOCOL.md 6.1, 8.4). */
#ifndef MAYDAY_SESSION_CHECKING_H
#define MAYDAY_SESSION_CHECKING_H

#include "mayday/target.h"
#include "session/receiving.h"

static inline uint8_t mayday_refused(uint8_t reason) {
  return (uint8_t)(MAYDAY_OUTCOME_REFUSED + reason);
}

/* Judges the manifest, chooses where the image goes, and compares the slot's root: a mayday_outcome. */
uint8_t mayday_manifest_check(mayday_target *target);

#endif
