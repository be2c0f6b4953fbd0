#include "linkkey/handshakes.h"

#include "base/bytes.h"
#include "base/sha256.h"
#include "mayday/constants.h"

void mayday_handshakes_note_call(mayday_handshakes *handshakes, const mayday_hash *hash, const uint8_t *bytes, size_t length) {
  uint8_t digest[32];
  uint8_t at = 0;
  mayday_hash_all(hash, bytes, length, digest);
  while (at < handshakes->call_count && !mayday_equal(handshakes->calls[at], digest, sizeof digest)) at++;
  if (at == handshakes->call_count) {
    if (at < MAYDAY_SENT_CALLS_MAX) handshakes->call_count++;
    else at--;
  }
  /* It moves to the front, in place of the one that it is or the oldest one. */
  memmove(handshakes->calls + 1, handshakes->calls, at * sizeof handshakes->calls[0]);
  memcpy(handshakes->calls[0], digest, sizeof digest);
}

const uint8_t *mayday_handshakes_find_call(const mayday_handshakes *handshakes, const uint8_t name[8]) {
  for (uint8_t i = 0; i < handshakes->call_count; i++)
    if (mayday_equal(handshakes->calls[i], name, MAYDAY_CALL_NAME_LENGTH)) return handshakes->calls[i];
  return NULL;
}

mayday_claim mayday_handshakes_claim(mayday_handshakes *handshakes, const uint8_t rescuer_nonce[8]) {
  for (uint8_t i = 0; i < handshakes->spent_count; i++)
    if (mayday_equal(handshakes->spent[i], rescuer_nonce, MAYDAY_NONCE_LENGTH)) return MAYDAY_SPENT;
  if (handshakes->spent_count == MAYDAY_SPENT_OFFERS_MAX) {
    handshakes->spent_count = 0;
    return MAYDAY_FULL;
  }
  memcpy(handshakes->spent[handshakes->spent_count++], rescuer_nonce, MAYDAY_NONCE_LENGTH);
  return MAYDAY_CLAIMED;
}
