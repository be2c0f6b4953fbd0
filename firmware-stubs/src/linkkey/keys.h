/* What is derived from a link key: the keys of a session, and nonces (PROTOCOL.md 14.2). */
#ifndef MAYDAY_LINKKEY_KEYS_H
#define MAYDAY_LINKKEY_KEYS_H

#include "mayday/port.h"

#define MAYDAY_LINK_KEY_MIN 16u
#define MAYDAY_LINK_KEY_MAX 1024u

/* The secret of both ends, and what it is used with. */
typedef struct mayday_secret {
  const mayday_hash *hash;
  const uint8_t *bytes;
  size_t length; /* 16 to 1024 bytes */
} mayday_secret;

/* What an offer and all that follows it is about. 8 bytes each; the call digest has 32. */
typedef struct mayday_pairing {
  const uint8_t *target_nonce, *rescuer_nonce, *target_id, *rescuer_id, *digest, *call_digest;
} mayday_pairing;

/* The key for a use (MAYDAY_LINK_KEY_USE_*), 32 bytes. `accept_nonce`: 8 bytes for the uses of a session; NULL for those of a
 * handshake. */
void mayday_link_key_derive(const mayday_secret *secret, const mayday_pairing *pairing, const uint8_t *accept_nonce,
                            uint8_t use, uint8_t key[32]);

/* A nonce that nobody without the key foresees. `start`: the number of this start of the node, which no other start has;
 * `index`: that of the nonce in it; `random`: 8 bytes, zeros where there are none. */
void mayday_link_key_nonce(const mayday_secret *secret, const uint8_t node_id[8], uint32_t start, uint32_t index,
                           const uint8_t random[8], uint8_t nonce[8]);

#endif
