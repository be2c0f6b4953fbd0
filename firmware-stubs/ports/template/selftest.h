/* What a new port is tried with before it heals anything (docs/porting.md). Not for a product. */
#ifndef MAYDAY_PORTS_SELFTEST_H
#define MAYDAY_PORTS_SELFTEST_H

#include "mayday/board.h"

/* Erases, programs and reads the sector at `offset` of the flash, whose content is lost; NULL, or what is wrong. */
const char *selftest_flash(const mayday_port *port, const mayday_layout *layout, uint32_t offset, uint32_t sector);

/* Checks one right signature and three wrong ones; NULL, or what is wrong. */
const char *selftest_signature(const mayday_port *port);

/* Watches the clock for about 100 ms of its own time; NULL, or what is wrong. Compare the time with a watch yourself. */
const char *selftest_clock(const mayday_port *port);

#endif
