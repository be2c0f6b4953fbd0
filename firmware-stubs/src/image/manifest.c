#include "image/cbor.h"
#include "image/envelope.h"
#include "image/names.h"

#include <string.h>

#define PAYLOAD_LENGTH 256u
#define KEYS 17u
#define FORMAT 1u
#define U16_MAX 0xffffu
#define U32_MAX 0xffffffffu
#define SEQUENCE_MAX UINT64_C(0xffffffffffff)
#define LEAVES_MAX (UINT32_C(1) << 20)
#define ROLE_APP 1u
#define ROLE_RECOVERY 2u
#define CONFIRM_ON_VERIFY 1u
#define CONFIRM_BY_APP 2u

/* What is judged only when all fields were read (8.4, step 4). */
typedef struct draft {
  uint32_t block_size;
  bool are_names_right;
} draft;

/* The next key of the map has to be this one. */
static void key(mayday_cbor *cbor, uint8_t expected) {
  mayday_cbor_uint(cbor, expected, expected);
}

static void read_name(mayday_cbor *cbor, const char *own, mayday_manifest *out, draft *rest) {
  size_t length;
  const uint8_t *name = mayday_cbor_string(cbor, MAYDAY_CBOR_TEXT, 0, MAYDAY_NAME_MAX, &length);
  const mayday_name_verdict verdict = mayday_name_judge(name, length);
  if (verdict == MAYDAY_NAME_NO_UTF8) cbor->has_failed = true;
  if (verdict != MAYDAY_NAME_RIGHT) rest->are_names_right = false;
  if (!mayday_name_is(name, length, own)) out->is_hardware_right = false;
}

static void read_padding(mayday_cbor *cbor) {
  size_t length;
  const uint8_t *zeros = mayday_cbor_string(cbor, MAYDAY_CBOR_BYTES, 0, PAYLOAD_LENGTH, &length);
  for (size_t i = 0; i < length; i++) {
    if (zeros[i] != 0) cbor->has_failed = true;
  }
}

static void read_hash(mayday_cbor *cbor, uint8_t *out) {
  size_t length;
  const uint8_t *hash = mayday_cbor_string(cbor, MAYDAY_CBOR_BYTES, 32, 32, &length);
  if (out != NULL && length == 32) memcpy(out, hash, 32);
}

/* Keys 1 to 17, each with its own range. */
static void read_fields(mayday_cbor *cbor, const char *vendor, const char *hardware_class, mayday_manifest *out, draft *rest) {
  mayday_cbor_head(cbor, MAYDAY_CBOR_MAP, KEYS, KEYS);
  key(cbor, 1);
  mayday_cbor_uint(cbor, FORMAT, FORMAT);
  key(cbor, 2);
  read_name(cbor, vendor, out, rest);
  key(cbor, 3);
  read_name(cbor, hardware_class, out, rest);
  key(cbor, 4);
  mayday_cbor_head(cbor, MAYDAY_CBOR_ARRAY, 2, 2);
  out->revision_min = (uint16_t)mayday_cbor_uint(cbor, 0, U16_MAX);
  out->revision_max = (uint16_t)mayday_cbor_uint(cbor, 0, U16_MAX);
  key(cbor, 5);
  mayday_cbor_head(cbor, MAYDAY_CBOR_ARRAY, 3, 3);
  for (unsigned i = 0; i < 3; i++) out->order.version[i] = (uint16_t)mayday_cbor_uint(cbor, 0, U16_MAX);
  key(cbor, 6);
  out->order.sequence = mayday_cbor_uint(cbor, 0, SEQUENCE_MAX);
  key(cbor, 7);
  out->counter = (uint32_t)mayday_cbor_uint(cbor, 0, U32_MAX);
  key(cbor, 8);
  out->size = (uint32_t)mayday_cbor_uint(cbor, 1, U32_MAX);
  key(cbor, 9);
  rest->block_size = (uint32_t)mayday_cbor_uint(cbor, MAYDAY_BLOCK_MIN, MAYDAY_BLOCK_MAX);
  key(cbor, 10);
  out->leaves = (uint32_t)mayday_cbor_uint(cbor, 1, LEAVES_MAX);
  key(cbor, 11);
  read_hash(cbor, out->root);
  key(cbor, 12);
  read_hash(cbor, NULL);
  key(cbor, 13);
  out->role = (uint8_t)mayday_cbor_uint(cbor, 0, 0xff);
  key(cbor, 14);
  out->is_confirmed_by_app = mayday_cbor_uint(cbor, CONFIRM_ON_VERIFY, CONFIRM_BY_APP) == CONFIRM_BY_APP;
  key(cbor, 15);
  mayday_cbor_head(cbor, MAYDAY_CBOR_ARRAY, 2, 2);
  mayday_cbor_uint(cbor, 1, 0xff);
  mayday_cbor_uint(cbor, 0, U32_MAX);
  key(cbor, 16);
  out->not_after = (uint32_t)mayday_cbor_uint(cbor, 0, U32_MAX);
  key(cbor, 17);
  read_padding(cbor);
}

/* The rules between fields, and those for names. */
static bool is_consistent(mayday_manifest *out, const draft *rest) {
  out->block_log2 = 10;
  while (out->block_log2 < 16 && UINT32_C(1) << out->block_log2 < rest->block_size) out->block_log2++;
  return rest->are_names_right && UINT32_C(1) << out->block_log2 == rest->block_size &&
         out->leaves == ((out->size - 1u) >> out->block_log2) + 1u && out->revision_min <= out->revision_max &&
         out->counter <= out->not_after;
}

uint8_t mayday_manifest_read(const uint8_t *payload, size_t length, const char *vendor, const char *hardware_class,
                             mayday_manifest *out) {
  mayday_cbor cbor = {payload, length, length != PAYLOAD_LENGTH};
  draft rest = {0, true};
  out->is_hardware_right = true;
  read_fields(&cbor, vendor, hardware_class, out, &rest);
  if (cbor.has_failed || cbor.left > 0) return MAYDAY_REFUSAL_CODE_MANIFEST;
  if (out->role != ROLE_APP && out->role != ROLE_RECOVERY) return MAYDAY_REFUSAL_CODE_ROLE;
  return is_consistent(out, &rest) ? 0 : MAYDAY_REFUSAL_CODE_MANIFEST;
}

int mayday_order_compare(const mayday_order *a, const mayday_order *b) {
  if (a->sequence != b->sequence) return a->sequence < b->sequence ? -1 : 1;
  for (unsigned i = 0; i < 3; i++) {
    if (a->version[i] != b->version[i]) return a->version[i] < b->version[i] ? -1 : 1;
  }
  return 0;
}
