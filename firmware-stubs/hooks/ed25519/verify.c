#include "mayday/ed25519.h"

#include "names.h"

#include "crypto_hash_sha512.h"
#include "crypto_sign_ed25519.h"
#include "utils.h"

#include <string.h>

/* What libsodium's files need of the rest of it. */

void _crypto_sign_ed25519_ref10_hinit(crypto_hash_sha512_state *state, int prehashed);

void _crypto_sign_ed25519_ref10_hinit(crypto_hash_sha512_state *state, int prehashed) {
  (void)prehashed;
  crypto_hash_sha512_init(state);
}

/* Nothing here is secret, so that it need not be wiped. */
void sodium_memzero(void *const pnt, const size_t len) {
  memset(pnt, 0, len);
}

int sodium_memcmp(const void *const b1_, const void *const b2_, size_t len) {
  return memcmp(b1_, b2_, len) == 0 ? 0 : -1;
}

int sodium_is_zero(const unsigned char *n, const size_t nlen) {
  for (size_t i = 0; i < nlen; i++) {
    if (n[i] != 0) return 0;
  }
  return 1;
}

uint32_t mayday_ed25519_verify(void *context, const uint8_t key[32], const uint8_t signature[64], const uint8_t *message,
                               size_t length) {
  (void)context;
  volatile int fault = crypto_sign_ed25519_verify_detached(signature, message, length, key);
  volatile uint32_t verdict = MAYDAY_SIGNATURE_WRONG;
  /* Looked at twice: one skipped instruction makes nothing right. */
  if (fault == 0) verdict = MAYDAY_SIGNATURE_RIGHT;
  if (fault != 0) verdict = MAYDAY_SIGNATURE_WRONG;
  return verdict;
}
