/* The Reed-Solomon code of the second form: 2 t bytes of parity mend t wrong ones, t from 1 to 16 (PROTOCOL.md 2.5). */
#ifndef MAYDAY_FEC_REED_SOLOMON_H
#define MAYDAY_FEC_REED_SOLOMON_H

#include "mayday/constants.h"

#include <stdint.h>

#define MAYDAY_PARITY_MAX (2u * MAYDAY_MENDABLE_MAX)

/* Bytes go in one by one, and their parity stands in the register then, its highest power first. */
typedef struct mayday_parity {
  uint8_t count; /* bytes of parity, 2 to 32 */
  uint8_t generator[MAYDAY_PARITY_MAX]; /* coefficients, the highest but the leading 1 first */
  uint8_t bytes[MAYDAY_PARITY_MAX];
} mayday_parity;

void mayday_parity_init(mayday_parity *parity, uint8_t count);

/* Begins a codeword. */
void mayday_parity_clear(mayday_parity *parity);

/* One byte of it: about 40 + 4 t steps. */
void mayday_parity_feed(mayday_parity *parity, uint8_t byte);

/* What mayday_mend returns where more bytes are wrong than can be mended. */
#define MAYDAY_UNMENDED 0xffu

/* Mends a codeword of `length` bytes, 255 at most, of which `parity` are parity, in place. Returns how many bytes were wrong;
 * MAYDAY_UNMENDED when there are more than half of `parity`: the codeword is as it was then, or was taken for another one, which the
 * CRC of its frame shows. `changes`: `parity` bytes, for each wrong byte its place and what was added to it, then zeros. Stack: 250
 * bytes. */
uint8_t mayday_mend(uint8_t *codeword, uint8_t length, uint8_t parity, uint8_t *changes);

/* Makes a mended codeword what it was. `at` the place of its parity stand the changes of mayday_mend. */
void mayday_unmend(uint8_t *codeword, uint8_t length, uint8_t parity);

#endif
