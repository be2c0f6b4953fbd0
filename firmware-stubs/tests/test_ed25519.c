/* The signature check of the hook, by ed25519-strict.json, and as the check of envelopes (PROTOCOL.md 8.4). */
#include "check.h"
#include "image/envelope.h"
#include "json.h"
#include "mayday/ed25519.h"
#include "names.h"
#include "reduce.h"

#include "crypto_hash_sha512.h"

#include <stdlib.h>

static void check_strict(const json *strict) {
  unsigned valid = 0, wrong = 0;
  JSON_EACH(vector, json_get(strict, "signatures")) {
    uint8_t key[32], signature[64], message[600];
    json_hex(json_get(vector, "key"), key, sizeof key);
    json_hex(json_get(vector, "signature"), signature, sizeof signature);
    const size_t length = json_hex(json_get(vector, "message"), message, sizeof message);
    uint8_t *exact = malloc(length + 1);
    memcpy(exact, message, length);
    const uint32_t verdict = mayday_ed25519_verify(NULL, key, signature, exact, length);
    free(exact);
    const bool is_valid = json_bool(vector, "valid");
    CHECK(verdict == (is_valid ? MAYDAY_SIGNATURE_RIGHT : MAYDAY_SIGNATURE_WRONG), "%s is judged as %08lx",
          json_text(vector, "name"), (unsigned long)verdict);
    valid += is_valid;
    wrong += !is_valid;
  }
  CHECK(valid + wrong >= 466 && valid > 50, "%u right and %u wrong signatures were judged", valid, wrong);
}

static const mayday_port port = {.verify = mayday_ed25519_verify};

/* The envelopes of image-manifest.json with their real signatures. */
static void check_envelopes(const json *manifests) {
  mayday_key key = {{0}, 3, UINT32_MAX, MAYDAY_STEP_DEFAULT};
  json_hex(json_get(manifests, "publicKey"), key.bytes, sizeof key.bytes);
  JSON_EACH(vector, json_get(manifests, "manifests")) {
    static const char *const groups[3] = {"signedBefore", "payload", "signedAfter"};
    const json *fields = json_get(vector, "fields");
    const char *vendor = json_text(fields, "vendor");
    const mayday_policy policy = {&key, 1, false, vendor, json_text(fields, "hardwareClass")};
    uint8_t envelope[640], before[640];
    size_t length = 0;
    for (int i = 0; i < 3; i++) {
      JSON_EACH(part, json_get(vector, groups[i])) {
        const json digits = {.kind = JSON_TEXT, .text = strchr(part->text, ':') + 1};
        length += json_hex(&digits, envelope + length, sizeof envelope - length);
      }
    }
    memcpy(before, envelope, sizeof before);
    mayday_manifest manifest;
    uint32_t step;
    const uint8_t code = strcmp(json_text(fields, "role"), "app") == 0 ? 0 : MAYDAY_REFUSAL_CODE_ROLE;
    CHECK(mayday_envelope_check(&port, &policy, envelope, length, &manifest, &step) == code, "the envelope of %s", vendor);
    CHECK(memcmp(envelope, before, length) == 0, "the envelope of %s is as before", vendor);
    for (size_t at = 34; at < length; at += at == 60 ? 240 : 1) {
      envelope[at] ^= 0x20;
      CHECK(mayday_envelope_check(&port, &policy, envelope, length, &manifest, &step) != 0, "%s: byte %zu matters", vendor, at);
      envelope[at] ^= 0x20;
    }
  }
}

static void check_reduction(void) {
  /* Multiples of the order, and numbers just beside them. */
  static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
  uint8_t number[64] = {0}, zero[64] = {0};
  memcpy(number, order, 32);
  mayday_ed25519_reduce(number);
  CHECK(memcmp(number, zero, 64) == 0, "the order is 0");
  memcpy(number + 32, order, 32);
  mayday_ed25519_reduce(number);
  CHECK(memcmp(number, zero, 64) == 0, "the order times 2^256 is 0");
  memcpy(number, order, 32);
  number[0]--;
  mayday_ed25519_reduce(number);
  CHECK(number[0] == order[0] - 1 && memcmp(number + 1, order + 1, 31) == 0, "one less than the order stays");
  memset(number, 0, 64);
  memcpy(number, order, 32);
  number[0]++;
  mayday_ed25519_reduce(number);
  zero[0] = 1;
  CHECK(memcmp(number, zero, 64) == 0, "one more than the order is 1");
  /* 2^512 - 1, computed with Python. */
  static const uint8_t largest[32] = {0x00, 0x0f, 0x9c, 0x44, 0xe3, 0x11, 0x06, 0xa4, 0x47, 0x93, 0x85, 0x68, 0xa7, 0x1b, 0x0e, 0xd0, 0x65, 0xbe, 0xf5, 0x17, 0xd2, 0x73, 0xec, 0xce, 0x3d, 0x9a, 0x30, 0x7c, 0x1b, 0x41, 0x99, 0x03};
  memset(number, 0xff, 64);
  mayday_ed25519_reduce(number);
  CHECK(memcmp(number, largest, 32) == 0, "2^512 - 1 is reduced");
}

/* Lengths around the ends of blocks; the first 8 bytes are computed with Python's hashlib. */
static void check_sha512(void) {
  static const struct {
    size_t length;
    uint8_t first[8];
  } known[] = {
      {0, {0xcf, 0x83, 0xe1, 0x35, 0x7e, 0xef, 0xb8, 0xbd}},
      {3, {0x88, 0x53, 0x16, 0x7a, 0xb1, 0x4c, 0x04, 0x39}},
      {111, {0x68, 0xcf, 0xfa, 0x6d, 0x0d, 0x76, 0xf3, 0x09}},
      {112, {0xd0, 0x86, 0x5c, 0x52, 0x4d, 0x1d, 0xdd, 0xf7}},
      {113, {0x60, 0x63, 0x14, 0x35, 0x3b, 0xd4, 0x19, 0xf9}},
      {127, {0xe0, 0xb6, 0xa2, 0x0f, 0x1c, 0x0c, 0x88, 0x97}},
      {128, {0x99, 0xb1, 0x6f, 0x17, 0xaa, 0x0b, 0x96, 0x9a}},
      {129, {0xa1, 0x55, 0x6e, 0x29, 0x18, 0x57, 0x78, 0xaa}},
      {239, {0x18, 0xee, 0x83, 0xf3, 0x02, 0x61, 0xc3, 0xc6}},
      {240, {0x9d, 0x60, 0xee, 0x60, 0xd2, 0x9e, 0xc4, 0xfa}},
      {241, {0x4a, 0xa5, 0xb7, 0x99, 0x4e, 0x3c, 0x6e, 0x0b}},
      {301, {0x71, 0xbd, 0x2f, 0x9d, 0xf5, 0x73, 0x42, 0x3e}},
  };
  uint8_t message[301], digest[64];
  for (size_t i = 0; i < sizeof message; i++) message[i] = (uint8_t)(i * 7 + 3);
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    crypto_hash_sha512_state state;
    crypto_hash_sha512_init(&state);
    crypto_hash_sha512_update(&state, message, known[i].length / 3);
    crypto_hash_sha512_update(&state, message + known[i].length / 3, known[i].length - known[i].length / 3);
    crypto_hash_sha512_final(&state, digest);
    CHECK(memcmp(digest, known[i].first, 8) == 0, "SHA-512 of %zu bytes is right", known[i].length);
  }
}

int main(int argc, char **argv) {
  const char *vectors = argc > 1 ? argv[1] : "../vectors";
  check_reduction();
  check_sha512();
  check_strict(json_load(vectors, "ed25519-strict.json"));
  check_envelopes(json_load(vectors, "image-manifest.json"));
  return check_end("ed25519");
}
