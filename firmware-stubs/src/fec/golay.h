/* The extended Golay code of the sync word (PROTOCOL.md 2.5): 12 bits, 11 check bits, and one that makes the number of ones even. */
#ifndef MAYDAY_FEC_GOLAY_H
#define MAYDAY_FEC_GOLAY_H

#include <stdint.h>

/* What mayday_golay_decode returns for what is no word. */
#define MAYDAY_NO_WORD 0xffffu

/* The number of bits that are set. */
uint8_t mayday_bit_count(uint32_t value);

/* The word of these 12 bits: 24 bits, the 12 in front. */
uint32_t mayday_golay_encode(uint16_t data);

/* The 12 bits of the word that differs from these 24 bits in at most three of them; MAYDAY_NO_WORD when none does. Takes 26 counts
 * of bits at most. */
uint16_t mayday_golay_decode(uint32_t received);

#endif
