#include "base/bytes.h"
#include "base/sha256.h"
#include "mayday/manifest.h"

uint8_t mayday_ring(const mayday_port *port, const mayday_manifest *manifest, const uint8_t node_id[8]) {
  uint8_t dealt[4 + 8], digest[32];
  mayday_put32(dealt, manifest->ring_seed);
  memcpy(dealt + 4, node_id, 8);
  mayday_hash_all(mayday_hash_of(port), dealt, sizeof dealt, digest);
  return (uint8_t)(mayday_u32(digest) % manifest->rings);
}
