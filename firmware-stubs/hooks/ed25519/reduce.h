#ifndef MAYDAY_HOOKS_ED25519_REDUCE_H
#define MAYDAY_HOOKS_ED25519_REDUCE_H

/* Reduces a number of 512 bits, low byte first, by the order of the base point (RFC 8032 section 5.1), in place; the upper 32
 * bytes become 0. */
void mayday_ed25519_reduce(unsigned char number[64]);

#endif
