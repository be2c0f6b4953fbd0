/* The seal of a session's frames (PROTOCOL.md 14.4). */
#ifndef MAYDAY_LINKKEY_SEAL_H
#define MAYDAY_LINKKEY_SEAL_H

#include "mayday/port.h"

typedef struct mayday_seal {
  uint8_t own_key[32], peer_key[32];
  uint64_t seen;     /* bit i: counter `highest` - i was accepted; 0 when none was yet */
  uint32_t highest;
  uint32_t next;     /* own counter */
  bool is_exhausted; /* the last counter was used */
} mayday_seal;

/* Begins a session: both keys were put in. */
void mayday_seal_begin(mayday_seal *seal);

/* Puts the seal behind a frame of `length` bytes without CRC, where 12 bytes have to be free; returns the length with it. 0: all
 * counters are used, and nothing may be sent any more. */
size_t mayday_seal_put(mayday_seal *seal, const mayday_hash *hash, uint8_t *bytes, size_t length);

/* Checks the seal of a frame of `length` bytes without CRC, and takes its counter as accepted; returns the length without
 * it. 0: it is missing or wrong, or came before. */
size_t mayday_seal_open(mayday_seal *seal, const mayday_hash *hash, const uint8_t *bytes, size_t length);

#endif
