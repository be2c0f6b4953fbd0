/* Where a run ends, and which is text (PROTOCOL.md 2.2, 2.3). */
#include "check.h"
#include "wire/runs.h"

#include <stdlib.h>

static void check_runs(void) {
  uint8_t *room = malloc(130);
  mayday_runs runs;
  mayday_runs_init(&runs, room, 130, 115200);
  CHECK(mayday_runs_take(&runs, 0, 0) == MAYDAY_RUN_DELIMITED && runs.length == 0, "a delimiter alone ends an empty run");
  mayday_runs_clear(&runs);
  for (int i = 0; i < 129; i++) CHECK(mayday_runs_take(&runs, 'x', 1) == MAYDAY_RUN_OPEN, "byte %d of a run ends nothing", i);
  CHECK(mayday_runs_take(&runs, 0, 1) == MAYDAY_RUN_DELIMITED && runs.length == 129, "a run of 129 bytes and a delimiter fits 130");
  mayday_runs_clear(&runs);
  for (int i = 0; i < 129; i++) mayday_runs_take(&runs, 'x', 1);
  CHECK(mayday_runs_take(&runs, 'x', 1) == MAYDAY_RUN_CUT && runs.length == 130, "a run of 130 bytes is cut");
  CHECK(mayday_runs_take(&runs, 'x', 1) == MAYDAY_RUN_CUT && runs.length == 130, "a byte too many is no step past the end");
  mayday_runs_clear(&runs);
  CHECK(!mayday_runs_is_over(&runs, 1000), "silence does not end a run that has no byte");
  mayday_runs_take(&runs, 'x', 1000);
  CHECK(!mayday_runs_is_over(&runs, 1049), "a run is not over after 49 ms of silence");
  CHECK(mayday_runs_is_over(&runs, 1050), "a run is over after 50 ms of silence");
  mayday_runs_init(&runs, room, 130, 1200);
  CHECK(runs.silence == 400, "at 1200 bit/s a run is over after 400 ms of silence");
  mayday_runs_init(&runs, room, 130, 0);
  CHECK(runs.silence == 50, "at an unknown rate a run is over after 50 ms of silence");
}

static void check_text(void) {
  static const struct {
    const char *run;
    bool in_cut, in_delimited;
    const char *name;
  } cases[] = {
      {"", false, false, "nothing"},
      {"abc", false, false, "three printable bytes"},
      {"    ", true, true, "four spaces"},
      {"~~~~", true, true, "four of the highest printable byte"},
      {"abc\x7f", false, false, "three printable bytes and a delete"},
      {"abc\x1f", false, false, "three printable bytes and a control character"},
      {"abcd", true, true, "four printable bytes"},
      {"a\tb\r\n", true, true, "bytes with a tab and an end of line"},
      {"abcdefgh\x01\x02", true, true, "80 % printable"},
      {"abcdefgh\x01\x02\x03", false, false, "a short stretch in a run of 73 %"},
      {"0123456789abcdef\x80\x80\x80\x80\x80", true, false, "a stretch of 16 in a run of 76 %"},
      {"0123456789abcde\x80\x80\x80\x80\x80", false, false, "a stretch of 15 in a run of 75 %"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const uint8_t *run = (const uint8_t *)cases[i].run;
    const size_t length = strlen(cases[i].run);
    CHECK(mayday_run_is_text(run, length, false) == cases[i].in_cut, "%s, in a run that was cut", cases[i].name);
    CHECK(mayday_run_is_text(run, length, true) == cases[i].in_delimited, "%s, in a run that a delimiter ended", cases[i].name);
  }
}

int main(void) {
  check_runs();
  check_text();
  return check_end("runs");
}
