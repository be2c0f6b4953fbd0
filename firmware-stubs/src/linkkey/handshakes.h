/* What a target remembers of its handshakes: the calls that an offer may answer (PROTOCOL.md 14.2), and the offers that are
 * spent (14.3). */
#ifndef MAYDAY_LINKKEY_HANDSHAKES_H
#define MAYDAY_LINKKEY_HANDSHAKES_H

#include "mayday/port.h"

/* What a distress says changes with the board's status only. */
#define MAYDAY_SENT_CALLS_MAX 4u

typedef struct mayday_handshakes {
  uint8_t calls[MAYDAY_SENT_CALLS_MAX][32]; /* digests, the newest first */
  uint8_t call_count;
  uint8_t spent_count;
  uint8_t spent[MAYDAY_SPENT_OFFERS_MAX][8]; /* rescuer nonces */
} mayday_handshakes;

/* A distress of `length` bytes without CRC is sent. Calls are remembered once each. */
void mayday_handshakes_note_call(mayday_handshakes *handshakes, const mayday_hash *hash, const uint8_t *bytes, size_t length);

/* The digest of the call whose digest begins with these 8 bytes; NULL: it is none of the last ones. */
const uint8_t *mayday_handshakes_find_call(const mayday_handshakes *handshakes, const uint8_t name[8]);

typedef enum mayday_claim {
  MAYDAY_CLAIMED,
  MAYDAY_SPENT, /* it was claimed before */
  MAYDAY_FULL   /* it cannot be remembered: all were forgotten, and the boot nonce has to change */
} mayday_claim;

/* Claims a proven offer by its rescuer nonce. */
mayday_claim mayday_handshakes_claim(mayday_handshakes *handshakes, const uint8_t rescuer_nonce[8]);

#endif
