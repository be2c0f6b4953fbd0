/* The MACs of frames: proofs of handshake messages (PROTOCOL.md 14.3), seals of session frames (14.4). */
#ifndef MAYDAY_LINKKEY_MAC_H
#define MAYDAY_LINKKEY_MAC_H

#include "wire/frame.h"

#include "mayday/port.h"

/* The first 8 bytes of HMAC-SHA-256. */
void mayday_mac(const mayday_hash *hash, const uint8_t key[32], const uint8_t *bytes, size_t length, uint8_t mac[8]);

/* Whether these 8 bytes are the MAC; takes as long wherever they differ. */
bool mayday_mac_is_right(const mayday_hash *hash, const uint8_t key[32], const uint8_t *bytes, size_t length,
                         const uint8_t *mac);

/* Most bytes that a proof or a seal makes a frame longer. */
#define MAYDAY_PROOF_MAX 18u

/* Puts a proof behind a message of `length` bytes without CRC; returns the length with it. There has to be room for
 * MAYDAY_PROOF_MAX bytes more. `extra`: 8 bytes in an offer or an accept, NULL in other messages. */
size_t mayday_proof_put(const mayday_hash *hash, const uint8_t key[32], const uint8_t *extra, uint8_t *bytes, size_t length);

/* Whether the proof of a message that was read, and that has one, is right. */
bool mayday_proof_is_right(const mayday_hash *hash, const uint8_t key[32], const mayday_frame *message);

#endif
