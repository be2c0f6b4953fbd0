#include "linkkey/mac.h"

#include "base/bytes.h"
#include "base/hmac.h"

void mayday_mac(const mayday_hash *hash, const uint8_t key[32], const uint8_t *bytes, size_t length, uint8_t mac[8]) {
  uint8_t whole[32];
  mayday_hmac hmac;
  mayday_hmac_begin(&hmac, hash, key, 32u);
  mayday_hmac_add(&hmac, bytes, length);
  mayday_hmac_end(&hmac, whole);
  memcpy(mac, whole, MAYDAY_LINK_MAC_LENGTH);
}

bool mayday_mac_is_right(const mayday_hash *hash, const uint8_t key[32], const uint8_t *bytes, size_t length,
                         const uint8_t *mac) {
  uint8_t right[MAYDAY_LINK_MAC_LENGTH];
  mayday_mac(hash, key, bytes, length, right);
  return mayday_equal(right, mac, sizeof right);
}

size_t mayday_proof_put(const mayday_hash *hash, const uint8_t key[32], const uint8_t *extra, uint8_t *bytes,
                        size_t length) {
  bytes[length++] = MAYDAY_EXTENSION_TYPE_LINK_PROOF;
  bytes[length++] = (uint8_t)(MAYDAY_LINK_MAC_LENGTH + (extra == NULL ? 0u : MAYDAY_NONCE_LENGTH));
  if (extra != NULL) {
    memcpy(bytes + length, extra, MAYDAY_NONCE_LENGTH);
    length += MAYDAY_NONCE_LENGTH;
  }
  mayday_mac(hash, key, bytes, length, bytes + length);
  return length + MAYDAY_LINK_MAC_LENGTH;
}

bool mayday_proof_is_right(const mayday_hash *hash, const uint8_t key[32], const mayday_frame *message) {
  const uint8_t *mac = message->proof + (message->proof_length - MAYDAY_LINK_MAC_LENGTH);
  return mayday_mac_is_right(hash, key, mac - message->proven_length, message->proven_length, mac);
}
