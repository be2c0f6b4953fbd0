/* The target's clock, and what own work took. */
#ifndef MAYDAY_SESSION_CLOCK_H
#define MAYDAY_SESSION_CLOCK_H

#include "mayday/target.h"

/* Looks at the port's clock, and returns `target->now`, which is less than 2^31 then: no sum of it and a time of the protocol
 * overflows. That may set all moments of the target back: one that was kept elsewhere is wrong then. */
mayday_moment mayday_target_look(mayday_target *target);

/* Own work took until now: the limits of the session stood still (6). Returns how long it took, in milliseconds. */
uint32_t mayday_excuse_work(mayday_target *target);

/* The same moment in microseconds, for acks (4.3); wraps. It does not jump when times are set back, as 2^30 ms are a multiple of
 * 2^32 us. */
static inline uint32_t mayday_target_us(const mayday_target *target) {
  return target->now * 1000u;
}

#endif
