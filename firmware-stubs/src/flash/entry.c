#include "flash/entry.h"
#include "base/bytes.h"
#include "base/crc.h"

/* Bytes that an entry of a type uses, a bit for each; all others are 0. */
#define PLACE 0x00000002u
#define FLAGS 0x00000004u
#define COUNT 0x00000008u
#define BYTES 0x0000ff00u
#define WORD_A 0x000f0000u
#define WORD_B 0x00f00000u
#define MORE 0x0f000000u
/* Type, sequence number, CRC. */
#define ALWAYS 0xf00000f1u

/* "MDBREC", version 1. */
static const uint8_t magic[8] = {0x4d, 0x44, 0x42, 0x52, 0x45, 0x43, 0x01, 0x00};

/* 0 for what is no type of this version. */
static uint32_t used_by(uint8_t type) {
  static const uint32_t of_mark[] = {COUNT | BYTES, 0};
  static const uint32_t of_event[] = {
      PLACE | FLAGS | COUNT | BYTES | WORD_A | WORD_B | MORE, /* installed */
      PLACE | FLAGS | COUNT | BYTES | WORD_A | WORD_B | MORE, /* slot */
      PLACE | BYTES | MORE,                                   /* receiving */
      BYTES | WORD_A | WORD_B,                                /* sectors */
      COUNT | WORD_B,                                         /* floor */
      COUNT | BYTES,                                          /* failed */
      BYTES | WORD_A,                                         /* order */
      BYTES | WORD_A | WORD_B | MORE,                         /* digest */
      WORD_A,                                                 /* nonces */
  };
  if (type >= MAYDAY_ENTRY_INSTALLED && type <= MAYDAY_ENTRY_NONCES) return of_event[type - MAYDAY_ENTRY_INSTALLED] | ALWAYS;
  return type == MAYDAY_ENTRY_HEADER || type == MAYDAY_ENTRY_SEAL ? of_mark[type - MAYDAY_ENTRY_HEADER] | ALWAYS : 0;
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
  uint32_t used = used_by(entry[MAYDAY_ENTRY_AT_TYPE]);
  if (used == 0 || !are_values_right(entry)) return false;
  for (unsigned i = 0; i < MAYDAY_ENTRY_LENGTH; i++, used >>= 1)
    if ((used & 1u) == 0 && entry[i] != 0) return false;
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
