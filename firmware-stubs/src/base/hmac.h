/* HMAC-SHA-256 (RFC 2104) and HKDF-SHA-256 (RFC 5869), for link keys (PROTOCOL.md 14). */
#ifndef MAYDAY_BASE_HMAC_H
#define MAYDAY_BASE_HMAC_H

#include "mayday/port.h"

/* Longest key of an HMAC, in bytes: a block of SHA-256. RFC 2104 hashes longer ones first; here there are none. */
#define MAYDAY_HMAC_KEY_MAX 64u

typedef struct mayday_hmac {
  const mayday_hash *hash;
  const uint8_t *key;
  size_t length; /* of the key */
  mayday_hash_state state;
} mayday_hmac;

/* `key`: MAYDAY_HMAC_KEY_MAX bytes at most; it is read once more at the end. */
void mayday_hmac_begin(mayday_hmac *hmac, const mayday_hash *hash, const uint8_t *key, size_t length);
void mayday_hmac_add(mayday_hmac *hmac, const uint8_t *bytes, size_t length);
/* The whole MAC, of which a frame has the first 8 bytes (14.2). */
void mayday_hmac_end(mayday_hmac *hmac, uint8_t mac[32]);

typedef struct mayday_hkdf {
  uint8_t extracted[32];
  mayday_hmac hmac;
} mayday_hkdf;

/* `key`: the input keying material, of any length; `salt`: MAYDAY_HMAC_KEY_MAX bytes at most. */
void mayday_hkdf_begin(mayday_hkdf *hkdf, const mayday_hash *hash, const uint8_t *key, size_t key_length, const uint8_t *salt,
                       size_t salt_length);
/* A piece of the info. */
void mayday_hkdf_add(mayday_hkdf *hkdf, const void *bytes, size_t length);
/* The first 32 bytes of the output, which are all that is needed. */
void mayday_hkdf_end(mayday_hkdf *hkdf, uint8_t out[32]);

#endif
