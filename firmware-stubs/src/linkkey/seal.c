#include "linkkey/seal.h"

#include "base/bytes.h"
#include "linkkey/mac.h"

/* Counters in the window, the highest one among them: the bits of `seen`. */
#define WINDOW 64u

void mayday_seal_begin(mayday_seal *seal) {
  seal->seen = 0;
  seal->highest = 0;
  seal->next = 0;
  seal->is_exhausted = false;
}

size_t mayday_seal_put(mayday_seal *seal, const mayday_hash *hash, uint8_t *bytes, size_t length) {
  if (seal->is_exhausted) return 0;
  seal->is_exhausted = seal->next == UINT32_MAX;
  mayday_put32(bytes + length, seal->next++);
  length += MAYDAY_SEAL_COUNTER_LENGTH;
  mayday_mac(hash, seal->own_key, bytes, length, bytes + length);
  return length + MAYDAY_LINK_MAC_LENGTH;
}

static bool is_new(const mayday_seal *seal, uint32_t counter) {
  if (seal->seen == 0 || counter > seal->highest) return true;
  uint32_t age = seal->highest - counter;
  return age < WINDOW && (seal->seen >> age & 1u) == 0;
}

static void note(mayday_seal *seal, uint32_t counter) {
  if (seal->seen != 0 && counter <= seal->highest) {
    seal->seen |= UINT64_C(1) << (seal->highest - counter);
    return;
  }
  uint32_t ahead = counter - seal->highest;
  seal->seen = ahead < WINDOW ? seal->seen << ahead | 1u : 1u;
  seal->highest = counter;
}

size_t mayday_seal_open(mayday_seal *seal, const mayday_hash *hash, const uint8_t *bytes, size_t length) {
  if (length <= MAYDAY_SEAL_LENGTH) return 0;
  size_t mac_at = length - MAYDAY_LINK_MAC_LENGTH;
  uint32_t counter = mayday_u32(bytes + length - MAYDAY_SEAL_LENGTH);
  if (!is_new(seal, counter)) return 0;
  if (!mayday_mac_is_right(hash, seal->peer_key, bytes, mac_at, bytes + mac_at)) return 0;
  note(seal, counter);
  return length - MAYDAY_SEAL_LENGTH;
}
