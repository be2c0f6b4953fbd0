#include "base/hmac.h"

#include "base/sha256.h"

#include <string.h>

#define INNER 0x36u
#define OUTER 0x5cu

static void change_pad(mayday_hmac *hmac, unsigned by) {
  for (unsigned i = 0; i < sizeof hmac->pad; i++) hmac->pad[i] = (uint8_t)(hmac->pad[i] ^ by);
}

void mayday_hmac_begin(mayday_hmac *hmac, const mayday_hash *hash, const uint8_t *key, size_t length) {
  hmac->hash = hash;
  memset(hmac->pad, 0, sizeof hmac->pad);
  if (length > sizeof hmac->pad) {
    mayday_hash_all(hash, key, length, hmac->pad);
  } else {
    memcpy(hmac->pad, key, length);
  }
  change_pad(hmac, INNER);
  hash->begin(&hmac->state);
  hash->add(&hmac->state, hmac->pad, sizeof hmac->pad);
}

void mayday_hmac_add(mayday_hmac *hmac, const uint8_t *bytes, size_t length) {
  hmac->hash->add(&hmac->state, bytes, length);
}

void mayday_hmac_end(mayday_hmac *hmac, uint8_t mac[32]) {
  hmac->hash->end(&hmac->state, mac);
  change_pad(hmac, INNER ^ OUTER);
  hmac->hash->begin(&hmac->state);
  hmac->hash->add(&hmac->state, hmac->pad, sizeof hmac->pad);
  hmac->hash->add(&hmac->state, mac, MAYDAY_HASH_LENGTH);
  hmac->hash->end(&hmac->state, mac);
  memset(hmac->pad, 0, sizeof hmac->pad);
}

void mayday_hkdf(const mayday_hash *hash, const uint8_t *key, size_t key_length, const uint8_t *salt, size_t salt_length,
                 const uint8_t *info, size_t info_length, uint8_t *out, size_t length) {
  mayday_hmac hmac;
  uint8_t extracted[MAYDAY_HASH_LENGTH], block[MAYDAY_HASH_LENGTH];
  mayday_hmac_begin(&hmac, hash, salt, salt_length);
  mayday_hmac_add(&hmac, key, key_length);
  mayday_hmac_end(&hmac, extracted);
  size_t before = 0; /* bytes of the block before; none at first */
  for (uint8_t number = 1; length > 0; number++) {
    mayday_hmac_begin(&hmac, hash, extracted, sizeof extracted);
    mayday_hmac_add(&hmac, block, before);
    mayday_hmac_add(&hmac, info, info_length);
    mayday_hmac_add(&hmac, &number, 1);
    mayday_hmac_end(&hmac, block);
    before = sizeof block;
    const size_t piece = length < before ? length : before;
    memcpy(out, block, piece);
    out += piece;
    length -= piece;
  }
}
