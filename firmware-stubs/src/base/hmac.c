#include "base/hmac.h"

#include "base/sha256.h"

#define INNER 0x36u
#define OUTER 0x5cu

/* Begins a hash with the key, zeros up to a block behind it, all bits of `pad` changed. In pieces, to keep the stack small. */
static void begin_padded(mayday_hmac *hmac, uint8_t pad) {
  uint8_t piece[8];
  hmac->hash->begin(&hmac->state);
  for (size_t at = 0; at < MAYDAY_HMAC_KEY_MAX;) {
    for (unsigned i = 0; i < sizeof piece; i++, at++) piece[i] = (uint8_t)((at < hmac->length ? hmac->key[at] : 0u) ^ pad);
    hmac->hash->add(&hmac->state, piece, sizeof piece);
  }
}

void mayday_hmac_begin(mayday_hmac *hmac, const mayday_hash *hash, const uint8_t *key, size_t length) {
  hmac->hash = hash;
  hmac->key = key;
  hmac->length = length;
  begin_padded(hmac, INNER);
}

void mayday_hmac_add(mayday_hmac *hmac, const uint8_t *bytes, size_t length) {
  hmac->hash->add(&hmac->state, bytes, length);
}

void mayday_hmac_end(mayday_hmac *hmac, uint8_t mac[32]) {
  hmac->hash->end(&hmac->state, mac);
  begin_padded(hmac, OUTER);
  hmac->hash->add(&hmac->state, mac, MAYDAY_HASH_LENGTH);
  hmac->hash->end(&hmac->state, mac);
}

void mayday_hkdf_begin(mayday_hkdf *hkdf, const mayday_hash *hash, const uint8_t *key, size_t key_length, const uint8_t *salt,
                       size_t salt_length) {
  mayday_hmac_begin(&hkdf->hmac, hash, salt, salt_length);
  mayday_hmac_add(&hkdf->hmac, key, key_length);
  mayday_hmac_end(&hkdf->hmac, hkdf->extracted);
  mayday_hmac_begin(&hkdf->hmac, hash, hkdf->extracted, sizeof hkdf->extracted);
}

void mayday_hkdf_add(mayday_hkdf *hkdf, const void *bytes, size_t length) {
  mayday_hmac_add(&hkdf->hmac, bytes, length);
}

void mayday_hkdf_end(mayday_hkdf *hkdf, uint8_t out[32]) {
  static const uint8_t first_block = 1;
  mayday_hmac_add(&hkdf->hmac, &first_block, 1);
  mayday_hmac_end(&hkdf->hmac, out);
}
