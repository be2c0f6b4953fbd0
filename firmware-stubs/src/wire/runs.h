/* Cuts a byte stream into runs (PROTOCOL.md 2.2), and tells text from noise (2.3, 2.4). Times are milliseconds that wrap at 2^32. */
#ifndef MAYDAY_WIRE_RUNS_H
#define MAYDAY_WIRE_RUNS_H

#include "mayday/port.h"

typedef struct mayday_runs {
  uint8_t *run;
  uint16_t room;
  uint16_t length;
  uint32_t last; /* when a byte came */
  /* Milliseconds of silence that close a run. */
  uint32_t silence;
} mayday_runs;

/* `room`: the longest run, in bytes; 128 at least. `baud`: bit/s, 0 when unknown. */
void mayday_runs_init(mayday_runs *runs, uint8_t *run, uint16_t room, uint32_t baud);

/* How a run ended. */
typedef enum mayday_run_end { MAYDAY_RUN_OPEN, MAYDAY_RUN_DELIMITED, MAYDAY_RUN_CUT } mayday_run_end;

/* Takes one byte. Unless it returns MAYDAY_RUN_OPEN, `run` and `length` hold a run, which may be empty, until
 * mayday_runs_clear. */
mayday_run_end mayday_runs_take(mayday_runs *runs, uint8_t byte, uint32_t now);

/* Whether silence closes the run that is unfinished: then it is as after MAYDAY_RUN_CUT. */
bool mayday_runs_is_over(const mayday_runs *runs, uint32_t now);

void mayday_runs_clear(mayday_runs *runs);

/* Whether a foreign run holds text that keeps a node silent (2.3, and the end of 2.4). */
bool mayday_run_is_text(const uint8_t *run, size_t length, bool is_delimited);

#endif
