#include "image/envelope.h"

#include "base/bytes.h"
#include "base/sha256.h"
#include "image/names.h"

/* The templates of 8.2, as offsets in a signed envelope. N: bytes of the payload. */
#define KEY_ID_AT 34u
#define KEY_ID_LENGTH 8u
#define SIGNED_PAYLOAD_AT 45u
#define SIGNED_TAIL 66u
#define SIGNATURE_AT 2u /* in the tail */
#define UNSIGNED_PAYLOAD_AT 37u
#define PAYLOAD_MIN 256u
#define PAYLOAD_MAX 512u

/* The Sig_structure has its payload where the envelope has it. */
#define CONTEXT_LENGTH 12u
#define PROTECTED_AT 2u
#define PROTECTED_LENGTH 29u
#define EXTERNAL_AT 41u

#define ROLE_APP_BIT 1u

static const uint8_t signed_head[KEY_ID_AT] = {
    0xd2, 0x84, 0x58, 0x1b, 0xa2, 0x01, 0x27, 0x03, 0x76, 'a', 'p', 'p', 'l', 'i', 'c',  'a',  't',
    'i',  'o',  'n',  '/',  'v',  'n',  'd',  '.',  'm',  'a', 'y', 'd', 'a', 'y', 0xa1, 0x04, 0x48,
};
static const uint8_t unsigned_head[KEY_ID_AT] = {
    0x82, 0x78, 0x1f, 'a', 'p', 'p', 'l', 'i', 'c', 'a', 't', 'i', 'o', 'n', '/', 'v', 'n',
    'd',  '.',  'm',  'a', 'y', 'd', 'a', 'y', '-', 'u', 'n', 's', 'i', 'g', 'n', 'e', 'd',
};
static const uint8_t context[CONTEXT_LENGTH] = {0x84, 0x6a, 'S', 'i', 'g', 'n', 'a', 't', 'u', 'r', 'e', '1'};

/* An envelope that is one of the templates. */
typedef struct parts {
  uint8_t *envelope;
  const uint8_t *payload;
  uint16_t length; /* of the payload */
  bool is_signed;
} parts;

static bool split(uint8_t *envelope, size_t length, parts *out) {
  if (length < MAYDAY_ENVELOPE_MIN || length > MAYDAY_ENVELOPE_MAX) return false;
  out->envelope = envelope;
  out->is_signed = envelope[0] == signed_head[0];
  const size_t at = out->is_signed ? SIGNED_PAYLOAD_AT : UNSIGNED_PAYLOAD_AT;
  const size_t around = at + (out->is_signed ? SIGNED_TAIL : 0u);
  if (length < around + PAYLOAD_MIN || length > around + PAYLOAD_MAX) return false;
  out->payload = envelope + at;
  out->length = (uint16_t)(length - around);
  const uint8_t payload_head[3] = {0x59, (uint8_t)(out->length >> 8), (uint8_t)(out->length & 0xffu)};
  if (memcmp(envelope, out->is_signed ? signed_head : unsigned_head, KEY_ID_AT) != 0) return false;
  if (memcmp(out->payload - sizeof payload_head, payload_head, sizeof payload_head) != 0) return false;
  return !out->is_signed || (out->payload[out->length] == 0x58 && out->payload[out->length + 1u] == 0x40);
}

/* Whether a board takes unsigned images. Read each time: it is asked twice, so that one skipped instruction decides nothing. */
static bool is_open(const mayday_policy *policy) {
  const volatile mayday_policy *again = policy;
  return again->key_count == 0 && again->is_unsigned_allowed;
}

static bool has_id(const mayday_hash *hash, const mayday_key *key, const uint8_t *id) {
  uint8_t digest[MAYDAY_HASH_LENGTH];
  mayday_hash_all(hash, key->bytes, sizeof key->bytes, digest);
  return memcmp(digest, id, KEY_ID_LENGTH) == 0;
}

/* Tries each key with the envelope's key id. Returns what `verify` said last; `signer` is the key if that is "right". The
 * envelope's first bytes become those of the Sig_structure meanwhile, as its payload lies where that has it. */
static uint32_t try_keys(const mayday_port *port, const mayday_policy *policy, const parts *split_up, const mayday_key **signer) {
  uint8_t *const bytes = split_up->envelope;
  const uint8_t *const signature = split_up->payload + split_up->length + SIGNATURE_AT;
  const size_t length = SIGNED_PAYLOAD_AT + (size_t)split_up->length;
  volatile uint32_t verdict = MAYDAY_SIGNATURE_WRONG;
  uint8_t id[KEY_ID_LENGTH];
  memcpy(id, bytes + KEY_ID_AT, sizeof id);
  memcpy(bytes + CONTEXT_LENGTH, signed_head + PROTECTED_AT, PROTECTED_LENGTH);
  memcpy(bytes, context, sizeof context);
  bytes[EXTERNAL_AT] = 0x40;
  for (unsigned i = 0; i < policy->key_count && verdict != MAYDAY_SIGNATURE_RIGHT; i++) {
    const mayday_key *key = &policy->keys[i];
    if (!has_id(mayday_hash_of(port), key, id)) continue;
    *signer = key;
    verdict = port->verify(port->context, key->bytes, signature, bytes, length);
  }
  memcpy(bytes, signed_head, sizeof signed_head);
  memcpy(bytes + KEY_ID_AT, id, sizeof id);
  return verdict;
}

/* What all entries of one key give together: every role that one of them has, and the lowest of each limit, so that a limit
 * cannot be evaded by an entry without it. */
static void join(const mayday_policy *policy, const mayday_key *key, mayday_key *out) {
  *out = *key;
  for (unsigned i = 0; i < policy->key_count; i++) {
    const mayday_key *other = &policy->keys[i];
    if (memcmp(other->bytes, key->bytes, sizeof key->bytes) != 0) continue;
    out->roles = (uint8_t)(out->roles | other->roles);
    out->counter_max = mayday_least32(out->counter_max, other->counter_max);
    out->step_max = mayday_least32(out->step_max, other->step_max);
  }
}

uint8_t mayday_envelope_check(const mayday_port *port, const mayday_policy *policy, uint8_t *envelope, size_t length,
                              mayday_manifest *out, uint32_t *step_max) {
  parts split_up;
  mayday_key limits = {{0}, ROLE_APP_BIT, UINT32_MAX, UINT32_MAX};
  const mayday_key *signer = NULL;
  volatile uint32_t verdict = MAYDAY_SIGNATURE_WRONG;
  if (!split(envelope, length, &split_up)) return MAYDAY_REFUSAL_CODE_MANIFEST;
  /* A board without keys takes a signed payload as unsigned: anyone could have offered it so. */
  if (!is_open(policy)) {
    if (!split_up.is_signed) return MAYDAY_REFUSAL_CODE_UNSIGNED;
    verdict = try_keys(port, policy, &split_up, &signer);
    if (verdict != MAYDAY_SIGNATURE_RIGHT || signer == NULL) return MAYDAY_REFUSAL_CODE_SIGNATURE;
    join(policy, signer, &limits);
  }
  const uint8_t code = mayday_manifest_read(split_up.payload, split_up.length, policy->vendor, policy->hardware_class, out);
  if (code != 0) return code;
  if (out->role != 1u || (limits.roles & ROLE_APP_BIT) == 0) return MAYDAY_REFUSAL_CODE_ROLE;
  if (out->counter > limits.counter_max) return MAYDAY_REFUSAL_CODE_COUNTER;
  mayday_hash_all(mayday_hash_of(port), split_up.payload, split_up.length, out->digest);
  *step_max = limits.step_max;
  /* The second look, of which the compiler knows nothing. */
  if (verdict != MAYDAY_SIGNATURE_RIGHT && !is_open(policy)) return MAYDAY_REFUSAL_CODE_SIGNATURE;
  return 0;
}

void mayday_hardware_id(const mayday_hash *hash, const char *vendor, const char *hardware_class, uint8_t out[8]) {
  static const uint8_t slash = '/';
  const char *const names[2] = {vendor, hardware_class};
  uint8_t digest[MAYDAY_HASH_LENGTH];
  mayday_hash_state state;
  hash->begin(&state);
  for (unsigned i = 0; i < 2; i++) {
    size_t length = 0;
    /* The bound also keeps compilers from making a call of strlen of it. */
    while (length < MAYDAY_NAME_MAX && names[i][length] != 0) length++;
    if (i > 0) hash->add(&state, &slash, 1);
    hash->add(&state, (const uint8_t *)names[i], length);
  }
  hash->end(&state, digest);
  memcpy(out, digest, MAYDAY_ID_LENGTH);
}
