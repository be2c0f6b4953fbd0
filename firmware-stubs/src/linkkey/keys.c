#include "linkkey/keys.h"

#include "base/bytes.h"
#include "base/hmac.h"
#include "mayday/constants.h"

/* In ASCII, without a zero behind it. */
#define KEY_LABEL "mayday link key 1"
#define NONCE_LABEL "mayday nonce 1"
#define KEY_LABEL_LENGTH (sizeof KEY_LABEL - 1u)
#define NONCE_LABEL_LENGTH (sizeof NONCE_LABEL - 1u)

static uint8_t *put(uint8_t *at, const void *bytes, size_t length) {
  memcpy(at, bytes, length);
  return at + length;
}

void mayday_link_key_derive(const mayday_secret *secret, const mayday_pairing *pairing, const uint8_t *accept_nonce,
                            uint8_t use, uint8_t key[32]) {
  uint8_t salt[3u * MAYDAY_NONCE_LENGTH];
  uint8_t info[KEY_LABEL_LENGTH + 2u * MAYDAY_ID_LENGTH + MAYDAY_SHORT_DIGEST_LENGTH + 32u + 1u];
  uint8_t *end = put(salt, pairing->target_nonce, MAYDAY_NONCE_LENGTH);
  end = put(end, pairing->rescuer_nonce, MAYDAY_NONCE_LENGTH);
  if (accept_nonce != NULL) end = put(end, accept_nonce, MAYDAY_NONCE_LENGTH);
  uint8_t *at = put(info, KEY_LABEL, KEY_LABEL_LENGTH);
  at = put(at, pairing->target_id, MAYDAY_ID_LENGTH);
  at = put(at, pairing->rescuer_id, MAYDAY_ID_LENGTH);
  at = put(at, pairing->digest, MAYDAY_SHORT_DIGEST_LENGTH);
  at = put(at, pairing->call_digest, 32u);
  *at = use;
  mayday_hkdf(secret->hash, secret->bytes, secret->length, salt, (size_t)(end - salt), info, sizeof info, key, 32u);
}

void mayday_link_key_nonce(const mayday_secret *secret, const uint8_t node_id[8], uint32_t start, uint32_t index,
                           const uint8_t random[8], uint8_t nonce[8]) {
  uint8_t key[32], counted[8];
  mayday_hmac hmac;
  mayday_hkdf(secret->hash, secret->bytes, secret->length, node_id, MAYDAY_ID_LENGTH, (const uint8_t *)NONCE_LABEL,
              NONCE_LABEL_LENGTH, key, sizeof key);
  mayday_put32(counted, start);
  mayday_put32(counted + 4, index);
  mayday_hmac_begin(&hmac, secret->hash, key, sizeof key);
  mayday_hmac_add(&hmac, counted, sizeof counted);
  mayday_hmac_add(&hmac, random, MAYDAY_NONCE_LENGTH);
  mayday_hmac_end(&hmac, key);
  memcpy(nonce, key, MAYDAY_NONCE_LENGTH);
}
