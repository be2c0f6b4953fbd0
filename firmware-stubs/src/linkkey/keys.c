#include "linkkey/keys.h"

#include "base/bytes.h"
#include "base/hmac.h"
#include "mayday/constants.h"

/* In ASCII, without a zero behind it. */
#define KEY_LABEL "mayday link key 1"
#define NONCE_LABEL "mayday nonce 1"
#define KEY_LABEL_LENGTH (sizeof KEY_LABEL - 1u)
#define NONCE_LABEL_LENGTH (sizeof NONCE_LABEL - 1u)

void mayday_link_key_derive(const mayday_secret *secret, const mayday_pairing *pairing, const uint8_t *accept_nonce,
                            uint8_t use, uint8_t key[32]) {
  uint8_t salt[3u * MAYDAY_NONCE_LENGTH];
  size_t length = 2u * MAYDAY_NONCE_LENGTH;
  mayday_hkdf hkdf;
  memcpy(salt, pairing->target_nonce, MAYDAY_NONCE_LENGTH);
  memcpy(salt + MAYDAY_NONCE_LENGTH, pairing->rescuer_nonce, MAYDAY_NONCE_LENGTH);
  if (accept_nonce != NULL) {
    memcpy(salt + length, accept_nonce, MAYDAY_NONCE_LENGTH);
    length += MAYDAY_NONCE_LENGTH;
  }
  mayday_hkdf_begin(&hkdf, secret->hash, secret->bytes, secret->length, salt, length);
  mayday_hkdf_add(&hkdf, KEY_LABEL, KEY_LABEL_LENGTH);
  mayday_hkdf_add(&hkdf, pairing->target_id, MAYDAY_ID_LENGTH);
  mayday_hkdf_add(&hkdf, pairing->rescuer_id, MAYDAY_ID_LENGTH);
  mayday_hkdf_add(&hkdf, pairing->digest, MAYDAY_SHORT_DIGEST_LENGTH);
  mayday_hkdf_add(&hkdf, pairing->call_digest, 32u);
  mayday_hkdf_add(&hkdf, &use, 1u);
  mayday_hkdf_end(&hkdf, key);
}

void mayday_link_key_nonce(const mayday_secret *secret, const uint8_t node_id[8], uint32_t start, uint32_t index,
                           const uint8_t random[8], uint8_t nonce[8]) {
  uint8_t key[32], mac[32], counted[8];
  mayday_hkdf hkdf;
  mayday_hkdf_begin(&hkdf, secret->hash, secret->bytes, secret->length, node_id, MAYDAY_ID_LENGTH);
  mayday_hkdf_add(&hkdf, NONCE_LABEL, NONCE_LABEL_LENGTH);
  mayday_hkdf_end(&hkdf, key);
  mayday_put32(counted, start);
  mayday_put32(counted + 4, index);
  mayday_hmac_begin(&hkdf.hmac, secret->hash, key, sizeof key);
  mayday_hmac_add(&hkdf.hmac, counted, sizeof counted);
  mayday_hmac_add(&hkdf.hmac, random, MAYDAY_NONCE_LENGTH);
  mayday_hmac_end(&hkdf.hmac, mac);
  memcpy(nonce, mac, MAYDAY_NONCE_LENGTH);
}
