#include "wire/runs.h"

/* Silence that closes a run (2.2); below 9600 bit/s the time of 48 bytes of 10 bits each. */
#define SILENCE_MS 50u
#define SILENCE_BITS 480u

/* Shortest stretch of text in a run that is nearly all printable, and in any other one (2.3). */
#define STRETCH_MIN 4u
#define STRETCH_SURE 16u

void mayday_runs_init(mayday_runs *runs, uint8_t *run, uint16_t room, uint32_t baud) {
  runs->run = run;
  runs->room = room;
  runs->length = 0;
  runs->last = 0;
  runs->silence = SILENCE_MS;
  if (baud > 0 && baud < 9600u) runs->silence = (SILENCE_BITS * UINT32_C(1000) + baud - 1u) / baud;
}

/* Cuts nothing by time: bytes that waited while flash was written come late, and are no new run. */
mayday_run_end mayday_runs_take(mayday_runs *runs, uint8_t byte, uint32_t now) {
  runs->last = now;
  if (byte == 0) return MAYDAY_RUN_DELIMITED;
  if (runs->length < runs->room) runs->run[runs->length++] = byte;
  return runs->length < runs->room ? MAYDAY_RUN_OPEN : MAYDAY_RUN_CUT;
}

bool mayday_runs_is_over(const mayday_runs *runs, uint32_t now) {
  return runs->length > 0 && now - runs->last >= runs->silence;
}

void mayday_runs_clear(mayday_runs *runs) {
  runs->length = 0;
}

static bool is_printable(uint8_t byte) {
  return (byte >= 0x20 && byte < 0x7f) || byte == 0x09 || byte == 0x0a || byte == 0x0d;
}

bool mayday_run_is_text(const uint8_t *run, size_t length, bool is_delimited) {
  size_t printable = 0, stretch = 0, longest = 0;
  for (size_t i = 0; i < length; i++) {
    stretch = is_printable(run[i]) ? stretch + 1 : 0;
    if (stretch > 0) printable++;
    if (stretch > longest) longest = stretch;
  }
  bool is_mostly_printable = (uint32_t)printable * 5u >= (uint32_t)length * 4u;
  if (is_mostly_printable) return longest >= STRETCH_MIN;
  return !is_delimited && longest >= STRETCH_SURE;
}
