#include "session/clock.h"

#include <string.h>

#define SET_BACK_AT (UINT32_C(1) << 31)
#define SET_BACK_BY (UINT32_C(1) << 30)

/* Where the moments of a struct begin and end: all members from `first` to `last` are moments. */
#define MOMENTS(type, first, last) offsetof(type, first), offsetof(type, last) + sizeof(mayday_moment)

static void set_back(void *object, size_t at, size_t end) {
  for (; at < end; at += sizeof(mayday_moment)) {
    uint8_t *bytes = (uint8_t *)object + at;
    mayday_moment moment;
    memcpy(&moment, bytes, sizeof moment);
    if (moment == MAYDAY_NO_MOMENT) continue;
    moment = moment > SET_BACK_BY ? moment - SET_BACK_BY : 0;
    memcpy(bytes, &moment, sizeof moment);
  }
}

mayday_moment mayday_target_look(mayday_target *target) {
  uint32_t clock = target->port->now_ms(target->port->context);
  target->now += clock - target->clock;
  target->clock = clock;
  while (target->now >= SET_BACK_AT) {
    target->now -= SET_BACK_BY;
    set_back(&target->calls, MOMENTS(mayday_calls, started, said_at));
    set_back(&target->session, MOMENTS(mayday_session, heard_at, ends_at));
    set_back(target->changes, 0, sizeof target->changes);
  }
  return target->now;
}

uint32_t mayday_excuse_work(mayday_target *target) {
  uint32_t took = target->clock;
  mayday_target_look(target);
  took = target->clock - took;
  target->session.heard_at += took;
  target->session.asked_at += took;
  target->session.run_asked_at += took;
  target->session.lease_end += took;
  return took;
}
