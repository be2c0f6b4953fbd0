/* HMAC-SHA-256 (RFC 2104) and HKDF-SHA-256 (RFC 5869), for link keys (PROTOCOL.md 14). */
#ifndef MAYDAY_BASE_HMAC_H
#define MAYDAY_BASE_HMAC_H

#include "mayday/port.h"

typedef struct mayday_hmac {
  const mayday_hash *hash;
  mayday_hash_state state;
  uint8_t pad[64]; /* of the key */
} mayday_hmac;

/* `key` of any length; it is not needed afterwards. */
void mayday_hmac_begin(mayday_hmac *hmac, const mayday_hash *hash, const uint8_t *key, size_t length);
void mayday_hmac_add(mayday_hmac *hmac, const uint8_t *bytes, size_t length);
/* The whole MAC, of which a frame has the first 8 bytes (14.2). */
void mayday_hmac_end(mayday_hmac *hmac, uint8_t mac[32]);

/* Derives `length` bytes, 1 to 8,160. `key`: the input keying material; `info` may be empty. */
void mayday_hkdf(const mayday_hash *hash, const uint8_t *key, size_t key_length, const uint8_t *salt, size_t salt_length,
                 const uint8_t *info, size_t info_length, uint8_t *out, size_t length);

#endif
