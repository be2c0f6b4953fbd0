#include "flash/entry.h"
#include "base/bytes.h"
#include "base/crc.h"

/* Fields that a type uses; all others are 0. */
enum { PLACE = 0x01, FLAGS = 0x02, COUNT = 0x04, BYTES = 0x08, WORD_A = 0x10, WORD_B = 0x20, MORE = 0x40, UNKNOWN = 0x80 };

static const struct {
  uint8_t field, at, length;
} fields[] = {
    {PLACE, MAYDAY_ENTRY_AT_PLACE, 1}, {FLAGS, MAYDAY_ENTRY_AT_FLAGS, 1}, {COUNT, MAYDAY_ENTRY_AT_COUNT, 1},
    {BYTES, MAYDAY_ENTRY_AT_BYTES, 8}, {WORD_A, MAYDAY_ENTRY_AT_A, 4},    {WORD_B, MAYDAY_ENTRY_AT_B, 4},
    {MORE, MAYDAY_ENTRY_AT_MORE, 4},
};

/* "MDBREC", version 1. */
static const uint8_t magic[8] = {0x4d, 0x44, 0x42, 0x52, 0x45, 0x43, 0x01, 0x00};

static uint8_t fields_of(uint8_t type) {
  switch (type) {
    case MAYDAY_ENTRY_HEADER: return COUNT | BYTES;
    case MAYDAY_ENTRY_SEAL: return 0;
    case MAYDAY_ENTRY_INSTALLED:
    case MAYDAY_ENTRY_SLOT: return PLACE | FLAGS | COUNT | BYTES | WORD_A | WORD_B | MORE;
    case MAYDAY_ENTRY_RECEIVING: return PLACE | BYTES | MORE;
    case MAYDAY_ENTRY_SECTORS: return BYTES | WORD_A | WORD_B;
    case MAYDAY_ENTRY_FLOOR: return COUNT | WORD_B;
    case MAYDAY_ENTRY_FAILED: return COUNT | BYTES;
    case MAYDAY_ENTRY_ORDER: return BYTES | WORD_A;
    case MAYDAY_ENTRY_DIGEST: return BYTES | WORD_A | WORD_B | MORE;
    case MAYDAY_ENTRY_NONCES: return WORD_A;
    default: return UNKNOWN;
  }
}

static bool is_range(const uint8_t *first, const uint8_t *last) {
  uint32_t a = mayday_u32(first);
  uint32_t b = mayday_u32(last);
  return a <= b && (b != MAYDAY_NO_SECTOR || a == MAYDAY_NO_SECTOR);
}

static bool are_values_right(const uint8_t *entry) {
  uint8_t flags = entry[MAYDAY_ENTRY_AT_FLAGS];
  if ((entry[MAYDAY_ENTRY_AT_PLACE] & 0x0fu) > 1u || entry[MAYDAY_ENTRY_AT_PLACE] >> 4 > 2) return false;
  /* Only confirmed images are unproven. */
  if (flags > 7u || (flags & 5u) == 4u) return false;
  switch (entry[MAYDAY_ENTRY_AT_TYPE]) {
    case MAYDAY_ENTRY_HEADER: return memcmp(entry + MAYDAY_ENTRY_AT_BYTES, magic, sizeof magic) == 0;
    case MAYDAY_ENTRY_FLOOR: return entry[MAYDAY_ENTRY_AT_COUNT] <= 1;
    case MAYDAY_ENTRY_SECTORS:
      return is_range(entry + MAYDAY_ENTRY_AT_BYTES, entry + MAYDAY_ENTRY_AT_BYTES + 4) &&
             is_range(entry + MAYDAY_ENTRY_AT_A, entry + MAYDAY_ENTRY_AT_B);
    default: return true;
  }
}

bool mayday_entry_is_right(const uint8_t *entry) {
  uint8_t used = fields_of(entry[MAYDAY_ENTRY_AT_TYPE]);
  if (used == UNKNOWN || !are_values_right(entry)) return false;
  for (uint8_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    if ((used & fields[i].field) != 0) continue;
    for (uint8_t k = 0; k < fields[i].length; k++) {
      if (entry[fields[i].at + k] != 0) return false;
    }
  }
  return mayday_crc32(0, entry, MAYDAY_ENTRY_AT_CRC) == mayday_u32(entry + MAYDAY_ENTRY_AT_CRC);
}

bool mayday_entry_names_image(uint8_t type) {
  return type >= MAYDAY_ENTRY_INSTALLED && type <= MAYDAY_ENTRY_RECEIVING;
}

bool mayday_entry_is_event(uint8_t type) {
  return type >= MAYDAY_ENTRY_INSTALLED && type != MAYDAY_ENTRY_DIGEST;
}

void mayday_entry_begin(uint8_t entry[MAYDAY_ENTRY_LENGTH], uint8_t type) {
  memset(entry, 0, MAYDAY_ENTRY_LENGTH);
  entry[MAYDAY_ENTRY_AT_TYPE] = type;
}

void mayday_entry_header(uint8_t entry[MAYDAY_ENTRY_LENGTH], uint8_t count) {
  mayday_entry_begin(entry, MAYDAY_ENTRY_HEADER);
  entry[MAYDAY_ENTRY_AT_COUNT] = count;
  memcpy(entry + MAYDAY_ENTRY_AT_BYTES, magic, sizeof magic);
}

void mayday_entry_finish(uint8_t entry[MAYDAY_ENTRY_LENGTH], uint32_t sequence) {
  mayday_put32(entry + MAYDAY_ENTRY_AT_SEQUENCE, sequence);
  mayday_put32(entry + MAYDAY_ENTRY_AT_CRC, mayday_crc32(0, entry, MAYDAY_ENTRY_AT_CRC));
}

void mayday_entry_set_digest(uint8_t entry[MAYDAY_ENTRY_LENGTH], uint8_t before[MAYDAY_ENTRY_LENGTH], const uint8_t digest[32]) {
  memcpy(entry + MAYDAY_ENTRY_AT_BYTES, digest, 8);
  memcpy(entry + MAYDAY_ENTRY_AT_MORE, digest + 8, 4);
  mayday_entry_begin(before, MAYDAY_ENTRY_DIGEST);
  memcpy(before + MAYDAY_ENTRY_AT_BYTES, digest + 12, 20);
}

void mayday_entry_get_digest(const uint8_t *entry, const uint8_t *before, uint8_t digest[32]) {
  memcpy(digest, entry + MAYDAY_ENTRY_AT_BYTES, 8);
  memcpy(digest + 8, entry + MAYDAY_ENTRY_AT_MORE, 4);
  memcpy(digest + 12, before + MAYDAY_ENTRY_AT_BYTES, 20);
}
