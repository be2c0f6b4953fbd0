/* Any bytes as an envelope, under a key that finds every signature right or wrong, and as the payload of one. */
#include "copy.h"
#include "input.h"

#include "image/envelope.h"

static uint32_t verify(void *context, const uint8_t key[32], const uint8_t signature[64], const uint8_t *message,
                       size_t length) {
  (void)context;
  /* All of it is there. */
  uint8_t all = (uint8_t)(key[31] ^ signature[63] ^ message[length - 1u]);
  return (all & 1u) != 0 ? MAYDAY_SIGNATURE_WRONG : MAYDAY_SIGNATURE_RIGHT;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  static const mayday_key keys[2] = {
      {.roles = 1, .counter_max = UINT32_MAX, .step_max = MAYDAY_STEP_DEFAULT},
      {.bytes = {1}, .roles = 3, .counter_max = 9, .step_max = 3},
  };
  static const mayday_port port = {.verify = verify};
  mayday_policy policy = {
      .keys = keys, .key_count = 2, .vendor = "example", .hardware_class = "gateway-1"};
  mayday_manifest manifest;
  uint32_t step;
  if (length > MAYDAY_ENVELOPE_MAX + 64u) return 0;
  mayday_manifest_read(bytes, length, policy.vendor, policy.hardware_class, &manifest);

  uint8_t *envelope = copy_of(bytes, length, length);
  mayday_envelope_check(&port, &policy, envelope, length, &manifest, &step);
  HOLDS(memcmp(envelope, bytes, length) == 0);
  policy.key_count = 0;
  policy.is_unsigned_allowed = true;
  mayday_envelope_check(&port, &policy, envelope, length, &manifest, &step);
  HOLDS(memcmp(envelope, bytes, length) == 0);
  copy_drop(envelope);
  return 0;
}
