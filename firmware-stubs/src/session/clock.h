/* The target's clock: the port's 32 bits made 64, and what own work took. */
#ifndef MAYDAY_SESSION_CLOCK_H
#define MAYDAY_SESSION_CLOCK_H

#include "mayday/target.h"

/* Looks at the clock. Returns `target->now`. */
mayday_time mayday_target_look(mayday_target *target);

/* The same moment in microseconds, for acks (4.3); wraps. */
static inline uint32_t mayday_target_us(const mayday_target *target) {
  return (uint32_t)(target->now * 1000u);
}

#endif
