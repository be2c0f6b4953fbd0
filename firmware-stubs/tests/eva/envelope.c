/* Any bytes as an envelope, each length value by value, on a board with keys and on one without. What its payload says is
 * anything: that is read in manifest.c. */
#include "any.h"

#include "image/envelope.h"

static uint8_t envelope[MAYDAY_ENVELOPE_MAX + 1u];
static mayday_manifest manifest;

uint8_t mayday_manifest_read(const uint8_t *payload, size_t length, const char *vendor, const char *hardware_class,
                             mayday_manifest *out) {
  (void)vendor;
  (void)hardware_class;
  //@ assert \valid_read(payload + (0 .. length - 1));
  (void)payload;
  (void)length;
  make_any(out, sizeof *out);
  return Frama_C_unsigned_char_interval(0, 14);
}

static uint32_t any_verify(void *context, const uint8_t key[32], const uint8_t signature[64], const uint8_t *message,
                           size_t length) {
  (void)context;
  //@ assert \valid_read(key + (0 .. 31)) && \valid_read(signature + (0 .. 63)) && \valid_read(message + (0 .. length - 1));
  (void)key;
  (void)signature;
  (void)message;
  (void)length;
  return any_bool() ? MAYDAY_SIGNATURE_RIGHT : any32();
}

int main(void) {
  static const mayday_port port = {.verify = any_verify, .hash = &any_hash};
  static mayday_key keys[2];
  mayday_policy policy = {keys, 2, false, "acme", "pump-7"};
  uint32_t step;
  make_any(keys, sizeof keys);
  //@ loop unroll MAYDAY_ENVELOPE_MAX + 2;
  for (size_t length = 0; length <= sizeof envelope; length++) {
    make_any(envelope, sizeof envelope);
    policy.key_count = 2;
    mayday_envelope_check(&port, &policy, envelope + sizeof envelope - length, length, &manifest, &step);
    policy.key_count = 0;
    policy.is_unsigned_allowed = true;
    mayday_envelope_check(&port, &policy, envelope + sizeof envelope - length, length, &manifest, &step);
  }
  return 0;
}
