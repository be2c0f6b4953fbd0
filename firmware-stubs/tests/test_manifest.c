/* Manifests and envelopes (PROTOCOL.md 8.2 to 8.5), by image-manifest.json and image-file.json. The signature check is a stand-in
 * here, which knows the one message that is right: test_ed25519.c has the real one. */
#include "base/bytes.h"
#include "base/crc.h"
#include "base/sha256.h"
#include "check.h"
#include "image/cbor.h"
#include "image/envelope.h"
#include "image/names.h"
#include "json.h"

#include <stdlib.h>

#define PARTS 18

/* A payload by field, as in the vectors; each part may be replaced. */
typedef struct payload_parts {
  uint8_t bytes[PARTS][300];
  size_t lengths[PARTS];
} payload_parts;

static const char *const part_names[PARTS] = {"map",     "format", "vendor",    "class", "revisions", "version",
                                              "sequence", "counter", "size",    "blockSize", "leafCount", "root",
                                              "sha256",  "role",   "confirm",   "rollout",   "notAfterCounter", "padding"};

static size_t hex(const char *digits, uint8_t *out, size_t room) {
  const json text = {.kind = JSON_TEXT, .text = digits};
  return json_hex(&text, out, room);
}

/* The hexadecimal digits behind "name: ". */
static size_t named_hex(const json *part, uint8_t *out, size_t room) {
  return hex(strchr(part->text, ':') + 1, out, room);
}

static payload_parts parts_of(const json *vector) {
  payload_parts parts;
  size_t i = 0;
  JSON_EACH(part, json_get(vector, "payload")) {
    CHECK(i < PARTS && strncmp(part->text, part_names[i], strlen(part_names[i])) == 0, "part %zu is %s", i, part->text);
    parts.lengths[i] = named_hex(part, parts.bytes[i], sizeof parts.bytes[i]);
    i++;
  }
  CHECK(i == PARTS, "the payload has 18 parts");
  return parts;
}

static void replace(payload_parts *parts, const char *name, const char *digits) {
  for (size_t i = 0; i < PARTS; i++) {
    if (strcmp(part_names[i], name) == 0) parts->lengths[i] = hex(digits, parts->bytes[i], sizeof parts->bytes[i]);
  }
}

/* Joins the parts; with `is_filled` the padding is made again, so that it fills up 256 bytes. */
static size_t join(const payload_parts *parts, bool is_filled, uint8_t out[512]) {
  size_t length = 0;
  for (size_t i = 0; i + (is_filled ? 1 : 0) < PARTS; i++) {
    memcpy(out + length, parts->bytes[i], parts->lengths[i]);
    length += parts->lengths[i];
  }
  if (!is_filled) return length;
  memset(out + length, 0, 256 - length);
  out[length] = 0x11;
  out[length + 1] = 0x58;
  out[length + 2] = (uint8_t)(256 - length - 3);
  return 256;
}

/* Memory that ends exactly behind the bytes, so that a step past the end is seen. */
static uint8_t *copy_of(const uint8_t *bytes, size_t length) {
  uint8_t *copy = malloc(length == 0 ? 1 : length);
  memcpy(copy, bytes, length);
  return copy;
}

static uint8_t read_copy(const uint8_t *payload, size_t length, mayday_manifest *out) {
  uint8_t *copy = copy_of(payload, length);
  const uint8_t code = mayday_manifest_read(length == 0 ? copy + 1 : copy, length, "acme", "pump-7", out);
  free(copy);
  return code;
}

static void check_fields(const json *vector) {
  const json *fields = json_get(vector, "fields");
  const char *vendor = json_text(fields, "vendor"), *hardware_class = json_text(fields, "hardwareClass");
  const payload_parts parts = parts_of(vector);
  uint8_t payload[512], expected[32], digest[32];
  mayday_manifest manifest;
  CHECK(join(&parts, false, payload) == 256, "the payload of %s has 256 bytes", vendor);
  CHECK(mayday_manifest_read(payload, 256, vendor, hardware_class, &manifest) == 0, "the manifest of %s is read", vendor);
  CHECK(manifest.is_hardware_right, "the manifest of %s is for this hardware", vendor);
  CHECK(manifest.revision_min == json_u64(fields, "revisionMin"), "%s: lowest revision", vendor);
  CHECK(manifest.revision_max == json_u64(fields, "revisionMax"), "%s: highest revision", vendor);
  unsigned i = 0;
  JSON_EACH(number, json_get(fields, "version")) CHECK(manifest.order.version[i++] == number->number, "%s: version", vendor);
  CHECK(manifest.order.sequence == json_u64(fields, "sequence"), "%s: sequence", vendor);
  CHECK(manifest.counter == json_u64(fields, "counter"), "%s: counter", vendor);
  CHECK(manifest.not_after == json_u64(fields, "notAfterCounter"), "%s: not-after-counter", vendor);
  CHECK(manifest.size == json_u64(fields, "size"), "%s: size", vendor);
  CHECK(UINT32_C(1) << manifest.block_log2 == json_u64(fields, "blockSize"), "%s: block size", vendor);
  CHECK(manifest.leaves == (manifest.size - 1) / json_u64(fields, "blockSize") + 1, "%s: leaf count", vendor);
  CHECK(manifest.role == (strcmp(json_text(fields, "role"), "app") == 0 ? 1 : 2), "%s: role", vendor);
  CHECK(manifest.is_confirmed_by_app == (strcmp(json_text(fields, "confirm"), "by-app") == 0), "%s: confirm policy", vendor);
  CHECK(manifest.rings == json_u64(fields, "rings") && manifest.ring_seed == json_u64(fields, "seed"), "%s: rings", vendor);
  CHECK(memcmp(manifest.root, parts.bytes[11] + 3, 32) == 0, "%s: root", vendor);
  mayday_hash_all(&mayday_sha256, payload, 256, digest);
  json_hex(json_get(vector, "digest"), expected, 32);
  CHECK(memcmp(digest, expected, 32) == 0, "%s: digest", vendor);
  mayday_hardware_id(&mayday_sha256, vendor, hardware_class, digest);
  json_hex(json_get(vector, "hardwareId"), expected, 32);
  CHECK(memcmp(digest, expected, 8) == 0, "%s: hardware id", vendor);
  /* Each beginning, and one byte more, is none. */
  for (size_t length = 0; length < 256; length++) {
    CHECK(read_copy(payload, length, &manifest) == MAYDAY_REFUSAL_CODE_MANIFEST, "%s: %zu bytes are no payload", vendor, length);
  }
  payload[256] = 0;
  CHECK(read_copy(payload, 257, &manifest) == MAYDAY_REFUSAL_CODE_MANIFEST, "%s: 257 bytes are no payload", vendor);
}

typedef struct wrong_field {
  const char *name, *digits, *other, *other_digits;
  uint8_t code;
  const char *why;
} wrong_field;

#define MANIFEST MAYDAY_REFUSAL_CODE_MANIFEST
#define ROLE MAYDAY_REFUSAL_CODE_ROLE

static const wrong_field wrong[] = {
    {"map", "b0", NULL, NULL, MANIFEST, "a map of 16 pairs"},
    {"map", "bf", NULL, NULL, MANIFEST, "a map without a length"},
    {"map", "b811", NULL, NULL, MANIFEST, "a map with a longer head than needed"},
    {"format", "0102", NULL, NULL, MANIFEST, "format 2"},
    {"format", "0201", NULL, NULL, MANIFEST, "a key in the place of another"},
    {"format", "180101", NULL, NULL, MANIFEST, "a key with a longer head than needed"},
    {"vendor", "024461636d65", NULL, NULL, MANIFEST, "a vendor of bytes instead of text"},
    {"vendor", "0260", NULL, NULL, MANIFEST, "an empty vendor"},
    {"vendor", "027f6461636d65ff", NULL, NULL, MANIFEST, "a vendor without a length"},
    {"vendor", "02780461636d65", NULL, NULL, MANIFEST, "a vendor with a longer head than needed"},
    {"vendor", "02612f", NULL, NULL, MANIFEST, "a vendor with a slash"},
    {"vendor", "0261ff", NULL, NULL, MANIFEST, "a vendor that is not UTF-8"},
    {"class", "0362c3a4", NULL, NULL, 0, "a class of UTF-8"},
    {"class", "036120", NULL, NULL, MANIFEST, "a class that is a space"},
    {"vendor", "0278217676767676767676767676767676767676767676767676767676767676767676", NULL, NULL, MANIFEST, "33 bytes of vendor"},
    {"revisions", "04820301", NULL, NULL, MANIFEST, "an empty range of revisions"},
    {"revisions", "04820303", NULL, NULL, 0, "one revision"},
    {"revisions", "0482011a00010000", NULL, NULL, MANIFEST, "a revision above 65535"},
    {"revisions", "0483010203", NULL, NULL, MANIFEST, "three revisions"},
    {"version", "0583011904021a00010000", NULL, NULL, MANIFEST, "a patch above 65535"},
    {"version", "058301190003 02", NULL, NULL, MANIFEST, "a minor with a longer head than needed"},
    {"sequence", "061b0001000000000000", NULL, NULL, MANIFEST, "a sequence number of 49 bits"},
    {"sequence", "061b0000ffffffffffff", NULL, NULL, 0, "the largest sequence number"},
    {"sequence", "061b00000000ffffffff", NULL, NULL, MANIFEST, "a sequence number with a longer head than needed"},
    {"sequence", "0620", NULL, NULL, MANIFEST, "a negative sequence number"},
    {"sequence", "061c", NULL, NULL, MANIFEST, "a head of the reserved form 28"},
    {"counter", "071b0000000100000000", NULL, NULL, MANIFEST, "a counter of 33 bits"},
    {"counter", "071816", NULL, NULL, MANIFEST, "a counter with a longer head than needed"},
    {"counter", "071818", NULL, NULL, 0, "a counter of 24"},
    {"counter", "07190018", NULL, NULL, MANIFEST, "a counter of 24 in two bytes"},
    {"counter", "071a00000018", NULL, NULL, MANIFEST, "a counter of 24 in four bytes"},
    {"notAfterCounter", "1004", NULL, NULL, MANIFEST, "a counter above its own not-after-counter"},
    {"notAfterCounter", "1005", NULL, NULL, 0, "a counter that is its own not-after-counter"},
    {"notAfterCounter", "1004", "counter", "0706", MANIFEST, "a counter two above its own not-after-counter"},
    {"size", "0800", NULL, NULL, MANIFEST, "a size of 0"},
    {"size", "081b0000000100000000", NULL, NULL, MANIFEST, "a size of 2^32"},
    {"size", "08199000", NULL, NULL, MANIFEST, "a size of nine whole blocks with ten leaves"},
    {"size", "08199001", NULL, NULL, 0, "a size of nine blocks and one byte with ten leaves"},
    {"size", "0819a000", NULL, NULL, 0, "a size of ten whole blocks"},
    {"size", "0819a001", NULL, NULL, MANIFEST, "a size of one byte more than ten blocks"},
    {"size", "081affffffff", "leafCount", "0a1a00100000", 0, "the largest size with 2^20 leaves of 4096 bytes"},
    {"size", "081affffffff", "leafCount", "0a1a00100001", MANIFEST, "2^20 + 1 leaves"},
    {"blockSize", "09191001", NULL, NULL, MANIFEST, "a block size that is no power of two"},
    {"blockSize", "09190200", NULL, NULL, MANIFEST, "a block size of 512"},
    {"blockSize", "091a00020000", NULL, NULL, MANIFEST, "a block size of 131072"},
    {"blockSize", "091a00010000", "leafCount", "0a01", 0, "the largest block size"},
    {"leafCount", "0a0b", NULL, NULL, MANIFEST, "another leaf count"},
    {"leafCount", "0a00", NULL, NULL, MANIFEST, "no leaves"},
    {"role", "0d02", NULL, NULL, 0, "the role recovery"},
    {"role", "0d00", NULL, NULL, ROLE, "role 0"},
    {"role", "0d03", NULL, NULL, ROLE, "role 3"},
    {"role", "0d18ff", NULL, NULL, ROLE, "role 255"},
    {"role", "0d190100", NULL, NULL, MANIFEST, "role 256"},
    {"role", "0d03", "revisions", "04820301", ROLE, "role 3 and an empty range of revisions"},
    {"role", "0d03", "vendor", "02612f", ROLE, "role 3 and a vendor with a slash"},
    {"role", "0d03", "vendor", "0260", ROLE, "role 3 and an empty vendor"},
    {"role", "0d03", "vendor", "0261ff", MANIFEST, "role 3 and a vendor that is not UTF-8"},
    {"role", "0d03", "leafCount", "0a0b", ROLE, "role 3 and another leaf count"},
    {"role", "0d03", "blockSize", "09191001", ROLE, "role 3 and a block size that is no power of two"},
    {"role", "0d03", "confirm", "0e03", MANIFEST, "role 3 and confirm policy 3"},
    {"confirm", "0e00", NULL, NULL, MANIFEST, "confirm policy 0"},
    {"confirm", "0e02", NULL, NULL, 0, "confirm policy by-app"},
    {"confirm", "0e03", NULL, NULL, MANIFEST, "confirm policy 3"},
    {"rollout", "0f820000", NULL, NULL, MANIFEST, "no ring"},
    {"rollout", "0f8219010000", NULL, NULL, MANIFEST, "256 rings"},
    {"root", "0b581f00000000000000000000000000000000000000000000000000000000000000", NULL, NULL, MANIFEST, "a root of 31 bytes"},
    {"sha256", "0c40", NULL, NULL, MANIFEST, "an empty SHA-256"},
};

static void check_wrong_fields(const json *vector) {
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    payload_parts parts = parts_of(vector);
    uint8_t payload[512];
    mayday_manifest manifest;
    replace(&parts, wrong[i].name, wrong[i].digits);
    if (wrong[i].other != NULL) replace(&parts, wrong[i].other, wrong[i].other_digits);
    const size_t length = join(&parts, true, payload);
    const uint8_t code = read_copy(payload, length, &manifest);
    CHECK(code == wrong[i].code, "%s: %u, and not %u", wrong[i].why, (unsigned)code, (unsigned)wrong[i].code);
  }
  /* Padding: each byte has to be 0, its head fixed, and nothing may follow it. */
  const payload_parts parts = parts_of(vector);
  uint8_t payload[512];
  mayday_manifest manifest;
  join(&parts, true, payload);
  const size_t padding = 256 - parts.bytes[17][2];
  for (size_t at = padding - 3; at < 256; at++) {
    payload[at] ^= 1;
    CHECK(read_copy(payload, 256, &manifest) == MANIFEST, "byte %zu of the padding is looked at", at);
    payload[at] ^= 1;
  }
  payload[padding - 1]--;
  CHECK(read_copy(payload, 256, &manifest) == MANIFEST, "nothing may stand behind the padding");
  payload[padding - 1]++;
  mayday_manifest_read(payload, 256, "acme", "pump-8", &manifest);
  CHECK(!manifest.is_hardware_right, "another class is other hardware");
  mayday_manifest_read(payload, 256, "acm", "pump-7", &manifest);
  CHECK(!manifest.is_hardware_right, "the beginning of a vendor is another one");
  mayday_manifest_read(payload, 256, "acme2", "pump-7", &manifest);
  CHECK(!manifest.is_hardware_right, "a longer vendor is another one");
}

/* Items that the end of the bytes cuts, and what follows the first fault. */
static void check_cbor(void) {
  static const struct {
    const char *bytes;
    size_t length;
    uint8_t type;
    bool is_right;
  } items[] = {
      {"", 0, MAYDAY_CBOR_UINT, false},
      {"\x17", 1, MAYDAY_CBOR_UINT, true},
      {"\x18", 1, MAYDAY_CBOR_UINT, false},
      {"\x18\x18", 2, MAYDAY_CBOR_UINT, true},
      {"\x19\x01", 2, MAYDAY_CBOR_UINT, false},
      {"\x19\x01\x00", 3, MAYDAY_CBOR_UINT, true},
      {"\x1b\x00\x00\x00\x01\x00\x00\x00", 8, MAYDAY_CBOR_UINT, false},
      {"\x1b\x00\x00\x00\x01\x00\x00\x00\x00", 9, MAYDAY_CBOR_UINT, true},
      {"\x41", 1, MAYDAY_CBOR_BYTES, false},
      {"\x41x", 2, MAYDAY_CBOR_BYTES, true},
      {"\x42x", 2, MAYDAY_CBOR_BYTES, false},
      {"\x5b\xff\xff\xff\xff\xff\xff\xff\xff", 9, MAYDAY_CBOR_BYTES, false},
  };
  for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
    const size_t length = items[i].length;
    uint8_t *bytes = copy_of((const uint8_t *)items[i].bytes, length);
    mayday_cbor cbor = {length == 0 ? bytes + 1 : bytes + length, length, false};
    const uint64_t number = mayday_cbor_head(&cbor, items[i].type, 0, 63);
    const uint8_t *string = bytes;
    if (items[i].type != MAYDAY_CBOR_UINT) string = mayday_cbor_take(&cbor, (uint32_t)number);
    CHECK(cbor.has_failed != items[i].is_right, "item %zu is judged", i);
    CHECK(cbor.has_failed || cbor.left == 0, "all of item %zu is taken", i);
    CHECK((string == NULL) == (cbor.has_failed && items[i].type != MAYDAY_CBOR_UINT), "item %zu has a string only if it is right", i);
    if (cbor.has_failed) {
      CHECK(mayday_cbor_head(&cbor, MAYDAY_CBOR_UINT, 0, 9) == 0 && mayday_cbor_head(&cbor, MAYDAY_CBOR_MAP, 1, 9) == 0, "nothing is read behind item %zu", i);
      CHECK(mayday_cbor_take(&cbor, 0) == NULL, "no string is read behind item %zu", i);
      CHECK(cbor.has_failed, "the fault of item %zu is kept", i);
    }
    free(bytes);
  }
}

static void check_names(void) {
  static const struct {
    const char *name;
    mayday_name_verdict verdict;
  } names[] = {
      {"a b", MAYDAY_NAME_RIGHT},          {" a", MAYDAY_NAME_FORBIDDEN},         {"a ", MAYDAY_NAME_FORBIDDEN},
      {"\x1f", MAYDAY_NAME_FORBIDDEN},     {"\x7f", MAYDAY_NAME_FORBIDDEN},       {"\xc2\x80", MAYDAY_NAME_FORBIDDEN},
      {"\xc2\x9f", MAYDAY_NAME_FORBIDDEN}, {"\xc2\xa0", MAYDAY_NAME_RIGHT},       {"\xe2\x80\xa7", MAYDAY_NAME_RIGHT},
      {"\xe2\x80\xa8", MAYDAY_NAME_FORBIDDEN}, {"\xe2\x80\xae", MAYDAY_NAME_FORBIDDEN}, {"\xe2\x80\xaf", MAYDAY_NAME_RIGHT},
      {"\xe2\x81\xa5", MAYDAY_NAME_RIGHT}, {"\xe2\x81\xa6", MAYDAY_NAME_FORBIDDEN}, {"\xe2\x81\xa9", MAYDAY_NAME_FORBIDDEN},
      {"\xe2\x81\xaa", MAYDAY_NAME_RIGHT}, {"\xef\xbb\xbf", MAYDAY_NAME_FORBIDDEN}, {"\xef\xbf\xbd", MAYDAY_NAME_RIGHT},
      {"\xc1\xbf", MAYDAY_NAME_NO_UTF8},   {"\xc0\x80", MAYDAY_NAME_NO_UTF8},     {"\xe0\x9f\xbf", MAYDAY_NAME_NO_UTF8},
      {"\xe0\xa0\x80", MAYDAY_NAME_RIGHT}, {"\xf0\x8f\xbf\xbf", MAYDAY_NAME_NO_UTF8}, {"\xf0\x90\x80\x80", MAYDAY_NAME_RIGHT},
      {"\xf4\x8f\xbf\xbf", MAYDAY_NAME_RIGHT}, {"\xf4\x90\x80\x80", MAYDAY_NAME_NO_UTF8}, {"\xf5\x80\x80\x80", MAYDAY_NAME_NO_UTF8},
      {"\xed\x9f\xbf", MAYDAY_NAME_RIGHT}, {"\xed\xa0\x80", MAYDAY_NAME_NO_UTF8}, {"\xed\xbf\xbf", MAYDAY_NAME_NO_UTF8},
      {"\xee\x80\x80", MAYDAY_NAME_RIGHT}, {"\x80", MAYDAY_NAME_NO_UTF8},         {"\xc3", MAYDAY_NAME_NO_UTF8},
      {"\xc3(", MAYDAY_NAME_NO_UTF8},      {"\xe2\x82", MAYDAY_NAME_NO_UTF8},     {"\xf0\x90\x80", MAYDAY_NAME_NO_UTF8},
      {"\xf8\x88\x80\x80", MAYDAY_NAME_NO_UTF8}, {"\xff", MAYDAY_NAME_NO_UTF8},   {"a/b", MAYDAY_NAME_FORBIDDEN},
      {"", MAYDAY_NAME_FORBIDDEN},         {"\xc3\xa4 \xc3\xa4", MAYDAY_NAME_RIGHT},
  };
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const size_t length = strlen(names[i].name);
    uint8_t *exact = malloc(length + 1);
    memcpy(exact, names[i].name, length);
    const mayday_name_verdict verdict = mayday_name_judge(exact, length);
    CHECK(verdict == names[i].verdict, "name %zu is judged as %d, and not as %d", i, (int)names[i].verdict, (int)verdict);
    free(exact);
  }
  CHECK(mayday_name_judge((const uint8_t *)"a\0b", 3) == MAYDAY_NAME_FORBIDDEN, "a name with a zero is forbidden");
}

/* What the stand-in takes for right. */
static struct {
  uint8_t key[32], message[600], signature[64];
  size_t length;
  uint32_t says;
  unsigned calls;
} right;

static uint32_t verify(void *context, const uint8_t key[32], const uint8_t signature[64], const uint8_t *message, size_t length) {
  (void)context;
  right.calls++;
  const bool is_right = memcmp(key, right.key, 32) == 0 && memcmp(signature, right.signature, 64) == 0 &&
                        length == right.length && memcmp(message, right.message, length) == 0;
  return is_right ? right.says : MAYDAY_SIGNATURE_WRONG;
}

static const mayday_port port = {.verify = verify};

static uint8_t check_copy(const mayday_policy *policy, const uint8_t *envelope, size_t length, uint32_t *step, mayday_manifest *out) {
  uint8_t *copy = copy_of(envelope, length);
  right.calls = 0;
  const uint8_t code = mayday_envelope_check(&port, policy, length == 0 ? copy + 1 : copy, length, out, step);
  CHECK(memcmp(copy, envelope, length) == 0, "an envelope of %zu bytes is as before", length);
  free(copy);
  return code;
}

static size_t envelope_of(const json *vector, bool is_signed, uint8_t out[640]) {
  size_t length = 0;
  JSON_EACH(part, json_get(vector, is_signed ? "signedBefore" : "unsignedBefore")) length += named_hex(part, out + length, 64);
  JSON_EACH(part, json_get(vector, "payload")) length += named_hex(part, out + length, 300);
  if (!is_signed) return length;
  JSON_EACH(part, json_get(vector, "signedAfter")) length += named_hex(part, out + length, 64);
  return length;
}

static void check_envelope(const json *vector, const uint8_t key[32]) {
  const json *fields = json_get(vector, "fields");
  const char *vendor = json_text(fields, "vendor");
  const bool is_app = strcmp(json_text(fields, "role"), "app") == 0;
  uint8_t envelope[640], plain[640];
  const size_t length = envelope_of(vector, true, envelope), plain_length = envelope_of(vector, false, plain);
  CHECK(length == 367 && plain_length == 293, "the envelopes of %s have 367 and 293 bytes", vendor);
  /* The Sig_structure, made in another way than the code does. */
  static const char head[] = "\x84\x6aSignature1\x58\x1b\xa2\x01\x27\x03\x76" "application/vnd.mayday\x40\x59\x01";
  memcpy(right.message, head, 44);
  right.message[44] = 0;
  memcpy(right.message + 45, plain + 37, 256);
  memcpy(right.signature, envelope + 303, 64);
  memcpy(right.key, key, 32);
  right.length = 301;
  right.says = MAYDAY_SIGNATURE_RIGHT;

  mayday_key keys[3] = {{{0}, 3, UINT32_MAX, MAYDAY_STEP_DEFAULT}};
  memcpy(keys[0].bytes, key, 32);
  keys[1] = keys[2] = keys[0];
  mayday_policy policy = {keys, 1, false, vendor, json_text(fields, "hardwareClass")};
  mayday_manifest manifest;
  uint32_t step = 0;
  uint8_t expected[32];
  const uint8_t as_role = is_app ? 0 : ROLE;
  CHECK(check_copy(&policy, envelope, length, &step, &manifest) == as_role, "%s: the envelope is judged by its role", vendor);
  CHECK(right.calls == 1, "%s: the signature was checked once", vendor);
  if (!is_app) return;
  json_hex(json_get(vector, "digest"), expected, 32);
  CHECK(memcmp(manifest.digest, expected, 32) == 0 && step == MAYDAY_STEP_DEFAULT, "%s: digest and step", vendor);
  CHECK(check_copy(&policy, plain, plain_length, &step, &manifest) == MAYDAY_REFUSAL_CODE_UNSIGNED, "%s: unsigned", vendor);
  policy.is_unsigned_allowed = true;
  CHECK(check_copy(&policy, plain, plain_length, &step, &manifest) == MAYDAY_REFUSAL_CODE_UNSIGNED,
        "%s: a board with a key takes nothing unsigned, whatever is allowed", vendor);
  CHECK(check_copy(&policy, envelope, length, &step, &manifest) == 0 && right.calls == 1, "%s: and checks signatures", vendor);
  policy.key_count = 0;
  CHECK(check_copy(&policy, plain, plain_length, &step, &manifest) == 0 && step == UINT32_MAX, "%s: an open board", vendor);
  CHECK(memcmp(manifest.digest, expected, 32) == 0, "%s: the digest of an unsigned image", vendor);
  CHECK(check_copy(&policy, envelope, length, &step, &manifest) == 0 && right.calls == 0 && step == UINT32_MAX,
        "%s: an open board takes a signed image as unsigned", vendor);
  policy.is_unsigned_allowed = false;
  CHECK(check_copy(&policy, plain, plain_length, &step, &manifest) == MAYDAY_REFUSAL_CODE_UNSIGNED, "%s: no key, no leave", vendor);
  CHECK(check_copy(&policy, envelope, length, &step, &manifest) == MAYDAY_REFUSAL_CODE_SIGNATURE, "%s: no key", vendor);
  policy.key_count = 3;

  /* Several keys: those of another id are not tried. One key several times: roles add up, limits are the lowest. */
  keys[0].bytes[0] ^= 1;
  CHECK(check_copy(&policy, envelope, length, &step, &manifest) == 0 && right.calls == 1, "%s: another key is skipped", vendor);
  keys[1].roles = 2;
  keys[2].roles = 1;
  keys[1].step_max = 7;
  keys[0].step_max = 3;
  CHECK(check_copy(&policy, envelope, length, &step, &manifest) == 0 && step == 7, "%s: roles add up, the lowest step holds", vendor);
  keys[2].roles = 2;
  CHECK(check_copy(&policy, envelope, length, &step, &manifest) == ROLE, "%s: the key may not sign this role", vendor);
  keys[2].roles = 3;
  keys[2].counter_max = manifest.counter;
  CHECK(check_copy(&policy, envelope, length, &step, &manifest) == 0, "%s: a counter at the key's largest", vendor);
  if (manifest.counter > 0) {
    keys[2].counter_max = manifest.counter - 1;
    CHECK(check_copy(&policy, envelope, length, &step, &manifest) == MAYDAY_REFUSAL_CODE_COUNTER, "%s: a retired key", vendor);
    keys[2].roles = keys[1].roles = 2;
    CHECK(check_copy(&policy, envelope, length, &step, &manifest) == ROLE, "%s: the role is judged before the counter", vendor);
  }
  keys[2] = keys[1] = keys[0];
  CHECK(check_copy(&policy, envelope, length, &step, &manifest) == MAYDAY_REFUSAL_CODE_SIGNATURE && right.calls == 0,
        "%s: no key has this id", vendor);
  memcpy(keys[0].bytes, key, 32);
  /* Only the one value is right. */
  static const uint32_t says[] = {0, 1, UINT32_MAX, MAYDAY_SIGNATURE_WRONG, MAYDAY_SIGNATURE_RIGHT ^ 1};
  for (size_t i = 0; i < sizeof says / sizeof says[0]; i++) {
    right.says = says[i];
    CHECK(check_copy(&policy, envelope, length, &step, &manifest) == MAYDAY_REFUSAL_CODE_SIGNATURE, "%s: verdict %zu", vendor, i);
  }
  right.says = MAYDAY_SIGNATURE_RIGHT;

  /* Templates of other payloads are templates, up to 512 bytes. */
  for (size_t n = 255; n <= 513; n++) {
    uint8_t other[640] = {0};
    const bool is_template = n >= 256 && n <= 512;
    memcpy(other, plain, 37);
    other[35] = (uint8_t)(n >> 8);
    other[36] = (uint8_t)(n & 0xff);
    CHECK(check_copy(&policy, other, 37 + n, &step, &manifest) == (is_template ? MAYDAY_REFUSAL_CODE_UNSIGNED : MANIFEST),
          "%s: an unsigned envelope of %zu bytes of payload", vendor, n);
    memcpy(other, envelope, 45);
    other[43] = (uint8_t)(n >> 8);
    other[44] = (uint8_t)(n & 0xff);
    other[45 + n] = 0x58;
    other[46 + n] = 0x40;
    CHECK(check_copy(&policy, other, 111 + n, &step, &manifest) == (is_template ? MAYDAY_REFUSAL_CODE_SIGNATURE : MANIFEST),
          "%s: a signed envelope of %zu bytes of payload", vendor, n);
  }

  /* Every bit of an envelope matters. */
  for (size_t bit = 0; bit < length * 8; bit++) {
    envelope[bit / 8] ^= (uint8_t)(1u << bit % 8);
    const uint8_t code = check_copy(&policy, envelope, length, &step, &manifest);
    const size_t at = bit / 8;
    const bool is_template = at < 34 || (at >= 42 && at < 45) || at == 301 || at == 302;
    CHECK(code == (is_template ? MANIFEST : MAYDAY_REFUSAL_CODE_SIGNATURE), "%s: bit %zu changed gives %u", vendor, bit, (unsigned)code);
    envelope[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  for (size_t cut = 0; cut < length; cut++) {
    CHECK(check_copy(&policy, envelope, cut, &step, &manifest) == MANIFEST, "%s: %zu bytes are no envelope", vendor, cut);
  }
  CHECK(check_copy(&policy, envelope, length + 1, &step, &manifest) == MANIFEST, "%s: a byte too many", vendor);
}

static void check_orders(void) {
  const mayday_order a = {5, {1, 2, 3}};
  static const mayday_order behind[] = {{6, {0, 0, 0}}, {5, {2, 0, 0}}, {5, {1, 3, 0}}, {5, {1, 2, 4}}, {UINT64_C(1) << 40, {0, 0, 0}}};
  CHECK(mayday_order_compare(&a, &a) == 0, "an order is equal to itself");
  for (size_t i = 0; i < sizeof behind / sizeof behind[0]; i++) {
    CHECK(mayday_order_compare(&a, &behind[i]) < 0, "order %zu is behind", i);
    CHECK(mayday_order_compare(&behind[i], &a) > 0, "and the other way round: %zu", i);
  }
}

/* image-file.json: the header of the first manifest's file, whose CRCs are those of 3.3 (9.1). */
static void check_file(const json *file, const json *vector) {
  uint8_t header[64], envelope[640];
  size_t length = 0;
  JSON_EACH(part, json_get(file, "header")) length += named_hex(part, header + length, sizeof header - length);
  const size_t envelope_length = envelope_of(vector, true, envelope);
  CHECK(length == 24 && memcmp(header, "MAYDAY\r\n\x01\x00", 10) == 0, "the header of an image file has 24 bytes");
  CHECK(mayday_u16(header + 10) == envelope_length && envelope_length == json_u64(file, "envelopeLength"), "it has the envelope's length");
  CHECK(mayday_u32(header + 12) == json_u64(file, "dataLength"), "it has the image's size");
  CHECK(mayday_u32(header + 16) == mayday_crc32(0, envelope, envelope_length), "it has the CRC of the envelope");
  CHECK(mayday_u32(header + 20) == mayday_crc32(0, header, 20), "it has its own CRC");
  CHECK(24 + envelope_length + json_u64(file, "dataLength") == json_u64(file, "fileLength"), "the file is as long as its parts");
}

int main(int argc, char **argv) {
  const char *vectors = argc > 1 ? argv[1] : "../vectors";
  const json *manifests = json_load(vectors, "image-manifest.json");
  uint8_t key[32], digest[32], id[8];
  json_hex(json_get(manifests, "publicKey"), key, sizeof key);
  json_hex(json_get(manifests, "keyId"), id, sizeof id);
  mayday_hash_all(&mayday_sha256, key, 32, digest);
  CHECK(memcmp(digest, id, 8) == 0, "the key id is the beginning of the key's hash");
  JSON_EACH(vector, json_get(manifests, "manifests")) check_fields(vector);
  JSON_EACH(vector, json_get(manifests, "manifests")) check_envelope(vector, key);
  const json *first = json_get(manifests, "manifests")->first;
  check_wrong_fields(first);
  check_cbor();
  check_names();
  check_orders();
  check_file(json_load(vectors, "image-file.json"), first);
  return check_end("manifest");
}
