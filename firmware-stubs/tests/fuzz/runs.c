/* Any byte stream: cut into runs, which are decoded, and looked at as text. */
#include "copy.h"
#include "input.h"

#include "wire/cobs.h"
#include "wire/runs.h"

static void take_run(mayday_runs *runs, bool is_delimited) {
  HOLDS(runs->length <= runs->room);
  mayday_run_is_text(runs->run, runs->length, is_delimited);
  size_t length = mayday_cobs_decode(runs->run, runs->length);
  HOLDS(length <= runs->length);
  mayday_runs_clear(runs);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  input in = {bytes, length};
  mayday_runs runs;
  uint16_t room = (uint16_t)(128u + take8(&in));
  uint32_t baud = take8(&in) * 1200u;
  mayday_time now = take8(&in);
  uint8_t *run = copy_of(bytes, 0, room);
  mayday_runs_init(&runs, run, room, baud);
  while (in.length > 0) {
    uint8_t byte = take8(&in);
    /* Now and then the line falls silent. */
    if (byte == 0x7f) now += take8(&in);
    if (mayday_runs_is_over(&runs, now)) take_run(&runs, false);
    mayday_run_end end = mayday_runs_take(&runs, byte, now);
    if (end != MAYDAY_RUN_OPEN) take_run(&runs, end == MAYDAY_RUN_DELIMITED);
  }
  copy_drop(run);
  return 0;
}
