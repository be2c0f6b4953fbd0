/* CRCs (PROTOCOL.md 3.3, 10.2, 10.3), session tags (3.4), SHA-256, HMAC and HKDF (14.2). */
#include "base/crc.h"
#include "base/hmac.h"
#include "base/sha256.h"
#include "check.h"
#include "json.h"
#include "wire/frame.h"

static void check_crcs(const json *wire) {
  JSON_EACH(vector, json_get(wire, "crcs")) {
    uint8_t bytes[64];
    size_t length = json_hex(json_get(vector, VECTOR_BYTES), bytes, sizeof bytes);
    uint32_t tag = json_find(vector, "tag") == NULL ? 0 : (uint32_t)json_u64(vector, "tag");
    uint32_t crc = mayday_crc32(tag, bytes, length);
    CHECK(crc == json_u64(vector, "crc"), "the CRC of %s is %lu", json_text(vector, VECTOR_BYTES), (unsigned long)crc);
    uint32_t joined = mayday_crc32(mayday_crc32(tag, bytes, length / 2), bytes + length / 2, length - length / 2);
    CHECK(joined == crc, "a CRC taken in two parts is that of the whole: %s", json_text(vector, VECTOR_BYTES));
  }
}

static void check_tags(const json *wire) {
  JSON_EACH(vector, json_get(wire, "sessionTags")) {
    static const char *const names[5] = {"targetNonce", "rescuerNonce", "targetId", "rescuerId", "digest"};
    uint8_t parts[5][8];
    for (int i = 0; i < 5; i++) {
      CHECK(json_hex(json_get(json_get(vector, "identity"), names[i]), parts[i], 8) == 8, "%s has 8 bytes", names[i]);
    }
    uint32_t tag = mayday_session_tag(parts[0], parts[1], parts[2], parts[3], parts[4]);
    CHECK(tag == json_u64(vector, "tag"), "%s has the tag %lu", json_text(vector, "name"), (unsigned long)tag);
  }
}

/* Parts whose CRC is 0, which is never a tag (3.4). */
static void check_tag_of_zero(void) {
  static const uint8_t digest[8] = {0x00, 0x00, 0x00, 0x00, 0x7a, 0xe7, 0x50, 0x29};
  static const char parts[4][9] = {"\x10\x11\x12\x13\x14\x15\x16\x17", "\x20\x21\x22\x23\x24\x25\x26\x27", "target01", "rescuer1"};
  const uint8_t *part[4];
  uint32_t crc = 0;
  for (int i = 0; i < 4; i++) {
    part[i] = (const uint8_t *)parts[i];
    crc = mayday_crc32(crc, part[i], 8);
  }
  CHECK(mayday_crc32(crc, digest, 8) == 0, "the CRC of these parts is 0");
  CHECK(mayday_session_tag(part[0], part[1], part[2], part[3], digest) == 1, "a tag of 0 becomes 1");
}

/* The small CRCs have the check values of the text; mailbox-v1.json has their vectors. */
static void check_small_crcs(void) {
  CHECK(mayday_crc8((const uint8_t *)"123456789", 9) == 0xf4, "the CRC-8 of 123456789 is F4");
  CHECK(mayday_crc8(NULL, 0) == 0, "the CRC-8 of nothing is 0");
  unsigned right = 0;
  for (unsigned first = 0; first < 256; first++) right += (first & 7u) == mayday_crc3((uint8_t)first);
  CHECK(right == 32, "32 first bytes of writes have a right CRC-3, and not %u", right);
  CHECK((0xc3u & 7u) == mayday_crc3(0xc3), "a hello begins with C3");
  CHECK(mayday_crc3(0) != 0, "a byte 0 is no first byte of a write");
}

static void check_sha256(void) {
  static const struct {
    const char *text;
    uint8_t first[4];
  } known[] = {
      {"", {0xe3, 0xb0, 0xc4, 0x42}},
      {"abc", {0xba, 0x78, 0x16, 0xbf}},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", {0x24, 0x8d, 0x6a, 0x61}},
  };
  uint8_t digest[32];
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    mayday_hash_all(&mayday_sha256, (const uint8_t *)known[i].text, strlen(known[i].text), digest);
    CHECK(memcmp(digest, known[i].first, 4) == 0, "SHA-256 of \"%s\" begins as in FIPS 180-4", known[i].text);
  }
  /* Any two parts give what the whole gives, at all lengths around the ends of blocks. */
  static uint8_t bytes[300];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7 + 3);
  for (size_t length = 0; length <= sizeof bytes; length++) {
    uint8_t whole[32];
    mayday_hash_state state;
    mayday_hash_all(&mayday_sha256, bytes, length, whole);
    mayday_sha256.begin(&state);
    mayday_sha256.add(&state, bytes, length / 3);
    mayday_sha256.add(&state, bytes + length / 3, length - length / 3);
    mayday_sha256.end(&state, digest);
    CHECK(memcmp(whole, digest, 32) == 0, "%zu bytes in two parts have the hash of the whole", length);
  }
  static uint8_t million[1000];
  static const uint8_t expected[4] = {0xcd, 0xc7, 0x6e, 0x5c};
  mayday_hash_state state;
  memset(million, 'a', sizeof million);
  mayday_sha256.begin(&state);
  for (int i = 0; i < 1000; i++) mayday_sha256.add(&state, million, sizeof million);
  mayday_sha256.end(&state, digest);
  CHECK(memcmp(digest, expected, 4) == 0, "SHA-256 of a million times \"a\" begins as in FIPS 180-4");
}

static void check_choice(void) {
  static const mayday_hash own = {NULL, NULL, NULL};
  mayday_port port = {0};
  CHECK(mayday_hash_of(&port) == &mayday_sha256, "a port without a hash uses the one in software");
  port.hash = &own;
  CHECK(mayday_hash_of(&port) == &own, "a port's own hash is used");
}

static void check_macs(const json *keys) {
  uint8_t key[200], bytes[200], expected[64], mac[64];
  JSON_EACH(vector, json_get(keys, "hmac")) {
    mayday_hmac hmac;
    const size_t key_length = json_hex(json_get(vector, "key"), key, sizeof key);
    const size_t length = json_hex(json_get(vector, VECTOR_BYTES), bytes, sizeof bytes);
    mayday_hmac_begin(&hmac, &mayday_sha256, key, key_length);
    mayday_hmac_add(&hmac, bytes, length / 2);
    mayday_hmac_add(&hmac, bytes + length / 2, length - length / 2);
    mayday_hmac_end(&hmac, mac);
    json_hex(json_get(vector, "mac"), expected, sizeof expected);
    CHECK(memcmp(mac, expected, 32) == 0, "the HMAC of %s", json_text(vector, "name"));
  }
}

static void derive(const uint8_t *key, size_t key_length, const uint8_t *salt, size_t salt_length, const uint8_t *info,
                   size_t info_length, uint8_t out[32]) {
  mayday_hkdf hkdf;
  mayday_hkdf_begin(&hkdf, &mayday_sha256, key, key_length, salt, salt_length);
  mayday_hkdf_add(&hkdf, info, info_length / 2);
  mayday_hkdf_add(&hkdf, info + info_length / 2, info_length - info_length / 2);
  mayday_hkdf_end(&hkdf, out);
}

static void check_hkdf(const json *keys) {
  uint8_t key[64], salt[64], info[128], expected[64], out[32];
  JSON_EACH(vector, json_get(keys, "hkdf")) {
    const size_t key_length = json_hex(json_get(vector, "ikm"), key, sizeof key);
    const size_t salt_length = json_hex(json_get(vector, "salt"), salt, sizeof salt);
    const size_t info_length = json_hex(json_get(vector, "info"), info, sizeof info);
    const size_t length = json_hex(json_get(vector, "okm"), expected, sizeof expected);
    derive(key, key_length, salt, salt_length, info, info_length, out);
    CHECK(length >= sizeof out && memcmp(out, expected, sizeof out) == 0, "the key of %s", json_text(vector, "name"));
  }
  const size_t key_length = json_hex(json_get(keys, "linkKey"), key, sizeof key);
  JSON_EACH(vector, json_get(keys, "keys")) {
    const size_t salt_length = json_hex(json_get(vector, "salt"), salt, sizeof salt);
    const size_t info_length = json_hex(json_get(vector, "info"), info, sizeof info);
    CHECK(json_hex(json_get(vector, "okm"), expected, sizeof expected) == 32, "a session's key has 32 bytes");
    derive(key, key_length, salt, salt_length, info, info_length, out);
    CHECK(memcmp(out, expected, 32) == 0, "the key of a session for the use %s", json_text(vector, "use"));
  }
}

int main(int argc, char **argv) {
  const char *vectors = argc > 1 ? argv[1] : "../vectors";
  const json *wire = json_load(vectors, "wire-v1.json");
  const json *keys = json_load(vectors, "link-key-v1.json");
  check_crcs(wire);
  check_tags(wire);
  check_tag_of_zero();
  check_small_crcs();
  check_sha256();
  check_choice();
  check_macs(keys);
  check_hkdf(keys);
  return check_end("crc and hash");
}
