/* Any stream of bytes, into buffers of several sizes: cut into runs, which are looked at as text. */
#include "any.h"

#include "wire/runs.h"

static uint8_t run[4129];

static void hear(uint16_t room) {
  mayday_runs runs;
  mayday_time now = 0;
  mayday_runs_init(&runs, run + sizeof run - room, room, any32());
  //@ widen_hints runs.length, 128, 130, 290, 4129;
  for (;;) {
    now += any32();
    bool is_over = mayday_runs_is_over(&runs, now);
    if (is_over || mayday_runs_take(&runs, any8(), now) != MAYDAY_RUN_OPEN) {
      mayday_run_is_text(runs.run, runs.length, any_bool());
      mayday_runs_clear(&runs);
    }
    if (any_bool()) break;
  }
}

int main(void) {
  hear(128);
  hear(130);
  hear(290);
  hear(sizeof run);
  return 0;
}
