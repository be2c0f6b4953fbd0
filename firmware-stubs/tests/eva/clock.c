/* A target's clock from any moments on, however it jumps, without end. */
#include "any.h"

#include "session/clock.h"

static uint32_t any_now(void *context) {
  (void)context;
  return any32();
}

int main(void) {
  static const mayday_port port = {.now_ms = any_now};
  static mayday_target target;
  make_any(&target.calls, offsetof(mayday_calls, is_answer_due));
  make_any(&target.session.heard_at, offsetof(mayday_session, rescuer_id) - offsetof(mayday_session, heard_at));
  make_any(target.changes, sizeof target.changes);
  target.now = any32();
  target.clock = any32();
  target.port = &port;
  while (any_bool()) {
    mayday_target_look(&target);
    mayday_excuse_work(&target);
  }
  return 0;
}
