/* Any 256 bytes as the payload of a manifest, and payloads of other lengths. */
#include "any.h"

#include "image/envelope.h"

static uint8_t payload[512];

int main(void) {
  static mayday_manifest manifest;
  make_any(payload, sizeof payload);
  mayday_manifest_read(payload + 256, 256, "acme", "pump-7", &manifest);
  mayday_manifest_read(payload, sizeof payload, "acme", "pump-7", &manifest);
  return 0;
}
