#include "image/trust_store.h"

#include "base/bytes.h"
#include "base/crc.h"
#include "image/key_point.h"

#define HEADER_LENGTH 32u
#define ENTRY_LENGTH 64u
#define TYPE_ED25519 1u
#define ROLES_KNOWN 3u

/* Where a store is read, and how its flash writes. */
typedef struct place {
  const mayday_port *port;
  uint32_t at;
  uint16_t write_unit;
  uint8_t erased;
} place;

static bool are_all(const uint8_t *bytes, size_t length, uint8_t value) {
  for (size_t i = 0; i < length; i++) {
    if (bytes[i] != value) return false;
  }
  return true;
}

/* Reads a part whose last four bytes are its CRC, and steps behind the write units that it fills up. */
static bool read_part(place *from, uint8_t *part, uint32_t length) {
  uint8_t rest[HEADER_LENGTH];
  if (!from->port->flash_read(from->port->context, from->at, part, (size_t)length)) return false;
  if (mayday_crc32(0, part, (size_t)length - 4u) != mayday_u32(part + length - 4u)) return false;
  from->at += length;
  uint32_t left = (from->write_unit - length % from->write_unit) % from->write_unit;
  while (left > 0) {
    const uint32_t piece = mayday_least32(left, sizeof rest);
    if (!from->port->flash_read(from->port->context, from->at, rest, (size_t)piece)) return false;
    if (!are_all(rest, (size_t)piece, from->erased)) return false;
    from->at += piece;
    left -= piece;
  }
  return true;
}

static bool read_header(place *from, uint32_t *sequence, uint8_t *count) {
  static const uint8_t magic[8] = {'M', 'D', 'T', 'R', 'U', 'S', 'T', 0x01};
  uint8_t header[HEADER_LENGTH];
  if (!read_part(from, header, HEADER_LENGTH) || memcmp(header, magic, sizeof magic) != 0) return false;
  *sequence = mayday_u32(header + 8);
  *count = header[12];
  return *count <= MAYDAY_TRUST_ENTRIES_MAX && are_all(header + 13, 15, 0);
}

static bool read_entry(place *from, mayday_key *key) {
  uint8_t entry[ENTRY_LENGTH];
  if (!read_part(from, entry, ENTRY_LENGTH)) return false;
  if (entry[0] != TYPE_ED25519 || entry[1] == 0 || entry[1] > ROLES_KNOWN) return false;
  if (!are_all(entry + 2, 2, 0) || !are_all(entry + 12, 16, 0) || !mayday_key_is_sound(entry + 28)) return false;
  key->roles = entry[1];
  key->counter_max = mayday_u32(entry + 4);
  key->step_max = mayday_u32(entry + 8);
  memcpy(key->bytes, entry + 28, sizeof key->bytes);
  return true;
}

/* Whether a store counts: there is no half of one. Then its keys are in `keys`. */
static bool read_store(place from, uint32_t *sequence, mayday_key *keys, uint8_t *count) {
  if (!read_header(&from, sequence, count)) return false;
  for (uint8_t i = 0; i < *count; i++) {
    if (!read_entry(&from, &keys[i])) return false;
  }
  return true;
}

bool mayday_trust_store_read(const mayday_port *port, const uint32_t offsets[2], uint16_t write_unit, uint8_t erased,
                             mayday_key *keys, uint8_t *count) {
  const place places[2] = {{port, offsets[0], write_unit, erased}, {port, offsets[1], write_unit, erased}};
  uint32_t sequences[2] = {0, 0};
  const bool has_first = read_store(places[0], &sequences[0], keys, count);
  const bool has_second = read_store(places[1], &sequences[1], keys, count);
  bool is_right = has_second;
  /* The second one overwrote the keys. */
  if (has_first && (!has_second || sequences[0] >= sequences[1])) is_right = read_store(places[0], &sequences[0], keys, count);
  if (!is_right) *count = 0;
  return is_right;
}
