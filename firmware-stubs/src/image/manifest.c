#include "image/cbor.h"
#include "image/envelope.h"
#include "image/names.h"

#include <string.h>

#define PAYLOAD_LENGTH 256u
#define ROLE_APP 1u
#define ROLE_RECOVERY 2u

/* What is judged only when all fields were read (8.4, step 4). */
typedef struct draft {
  uint32_t block_size;
  bool are_names_right;
} draft;

/* How the number of an item, or what stands behind it, is taken. */
enum { ONLY_CHECKED, TO_U8, TO_U16, TO_U32, TO_U48, TO_BLOCK_SIZE, TO_CONFIRM, NAME, HASH, PADDING };

typedef struct item {
  uint8_t key;       /* that stands before it; 0 for none */
  uint8_t type;      /* MAYDAY_CBOR_* */
  uint8_t min, bits; /* range of the number, as in mayday_cbor_head */
  uint8_t how;
  uint8_t at;        /* in mayday_manifest; of a hash that is not needed 0; of a name 0 for the vendor, 1 for the class */
} item;

#define UINT MAYDAY_CBOR_UINT
#define AT(member) offsetof(mayday_manifest, member)

/* The payload, item by item (8.3). */
static const item items[] = {
    {0, MAYDAY_CBOR_MAP, 17, 0, ONLY_CHECKED, 0},
    {1, UINT, 1, 0, ONLY_CHECKED, 0}, /* format */
    {2, MAYDAY_CBOR_TEXT, 0, 8, NAME, 0},
    {3, MAYDAY_CBOR_TEXT, 0, 8, NAME, 1},
    {4, MAYDAY_CBOR_ARRAY, 2, 0, ONLY_CHECKED, 0},
    {0, UINT, 0, 16, TO_U16, AT(revision_min)},
    {0, UINT, 0, 16, TO_U16, AT(revision_max)},
    {5, MAYDAY_CBOR_ARRAY, 3, 0, ONLY_CHECKED, 0},
    {0, UINT, 0, 16, TO_U16, AT(order.version[0])},
    {0, UINT, 0, 16, TO_U16, AT(order.version[1])},
    {0, UINT, 0, 16, TO_U16, AT(order.version[2])},
    {6, UINT, 0, 48, TO_U48, AT(order.sequence)},
    {7, UINT, 0, 32, TO_U32, AT(counter)},
    {8, UINT, 1, 32, TO_U32, AT(size)},
    {9, UINT, 0, 32, TO_BLOCK_SIZE, 0},
    {10, UINT, 1, 20, TO_U32, AT(leaves)},
    {11, MAYDAY_CBOR_BYTES, 32, 0, HASH, AT(root)},
    {12, MAYDAY_CBOR_BYTES, 32, 0, HASH, 0},
    {13, UINT, 0, 8, TO_U8, AT(role)},
    {14, UINT, 1, 1, TO_CONFIRM, 0},
    {15, MAYDAY_CBOR_ARRAY, 2, 0, ONLY_CHECKED, 0},
    {0, UINT, 1, 8, TO_U8, AT(rings)},
    {0, UINT, 0, 32, TO_U32, AT(ring_seed)},
    {16, UINT, 0, 32, TO_U32, AT(not_after)},
    {17, MAYDAY_CBOR_BYTES, 0, 16, PADDING, 0},
};

static void read_name(mayday_cbor *cbor, size_t length, const char *own, mayday_manifest *out, draft *rest) {
  const uint8_t *name = length > MAYDAY_NAME_MAX ? NULL : mayday_cbor_take(cbor, (uint32_t)length);
  const mayday_name_verdict verdict = name == NULL ? MAYDAY_NAME_NO_UTF8 : mayday_name_judge(name, length);
  if (verdict == MAYDAY_NAME_NO_UTF8) {
    cbor->has_failed = true;
    return;
  }
  if (verdict != MAYDAY_NAME_RIGHT) rest->are_names_right = false;
  if (!mayday_name_is(name, length, own)) out->is_hardware_right = false;
}

static void read_item(mayday_cbor *cbor, const item *of, const char *const names[2], mayday_manifest *out, draft *rest) {
  if (of->key != 0) (void)mayday_cbor_head(cbor, UINT, of->key, 0);
  uint64_t value = mayday_cbor_head(cbor, of->type, of->min, of->bits);
  uint32_t number = (uint32_t)(value & 0xffffffffu);
  uint8_t *to = (uint8_t *)out + of->at;
  const uint8_t *bytes;
  switch (of->how) {
    case TO_U8:
      *to = (uint8_t)number;
      if (number > 255u) cbor->has_failed = true; /* of a range that begins at 1 */
      break;
    case TO_U16:
      *(uint16_t *)to = (uint16_t)number;
      break;
    case TO_U32:
      *(uint32_t *)to = number;
      if (value >> 32 != 0) cbor->has_failed = true; /* of a range that begins at 1 */
      break;
    case TO_U48:
      *(uint64_t *)to = value;
      break;
    case TO_BLOCK_SIZE:
      rest->block_size = number;
      if (number < MAYDAY_BLOCK_MIN || number > MAYDAY_BLOCK_MAX) cbor->has_failed = true;
      break;
    case TO_CONFIRM:
      out->is_confirmed_by_app = number == 2u;
      break;
    case NAME:
      read_name(cbor, (size_t)number, names[of->at], out, rest);
      break;
    case HASH:
      bytes = mayday_cbor_take(cbor, 32);
      if (bytes != NULL && of->at != 0) memcpy(to, bytes, 32);
      break;
    case PADDING:
      for (; number > 0 && !cbor->has_failed; number--) {
        bytes = mayday_cbor_take(cbor, 1);
        if (bytes == NULL || *bytes != 0) cbor->has_failed = true;
      }
      break;
    default:
      break;
  }
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
  const char *const names[2] = {vendor, hardware_class};
  mayday_cbor cbor = {payload + length, length, length != PAYLOAD_LENGTH};
  draft rest = {0, true};
  out->is_hardware_right = true;
  for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) read_item(&cbor, &items[i], names, out, &rest);
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
