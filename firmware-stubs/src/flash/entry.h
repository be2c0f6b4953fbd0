/* Entries of the boot record (PROTOCOL.md 13.2.2), as the 32 bytes that they are in flash. */
#ifndef MAYDAY_FLASH_ENTRY_H
#define MAYDAY_FLASH_ENTRY_H

#include "mayday/board.h"

#define MAYDAY_ENTRY_LENGTH 32u

enum {
  MAYDAY_ENTRY_HEADER = 0x01,
  MAYDAY_ENTRY_SEAL = 0x02,
  MAYDAY_ENTRY_INSTALLED = 0x11,
  MAYDAY_ENTRY_SLOT = 0x12,
  MAYDAY_ENTRY_RECEIVING = 0x13,
  MAYDAY_ENTRY_SECTORS = 0x14,
  MAYDAY_ENTRY_FLOOR = 0x15,
  MAYDAY_ENTRY_FAILED = 0x16,
  MAYDAY_ENTRY_ORDER = 0x17,
  MAYDAY_ENTRY_DIGEST = 0x18,
  MAYDAY_ENTRY_NONCES = 0x19
};

/* Where the fields stand. */
enum {
  MAYDAY_ENTRY_AT_TYPE = 0,
  MAYDAY_ENTRY_AT_PLACE = 1,
  MAYDAY_ENTRY_AT_FLAGS = 2,
  MAYDAY_ENTRY_AT_COUNT = 3,
  MAYDAY_ENTRY_AT_SEQUENCE = 4,
  MAYDAY_ENTRY_AT_BYTES = 8,
  MAYDAY_ENTRY_AT_A = 16,
  MAYDAY_ENTRY_AT_B = 20,
  MAYDAY_ENTRY_AT_MORE = 24,
  MAYDAY_ENTRY_AT_CRC = 28
};

#define MAYDAY_NO_SECTOR UINT32_MAX

#if MAYDAY_WRITE_UNIT_MAX > 32
#define MAYDAY_STRIDE_MAX MAYDAY_WRITE_UNIT_MAX
#else
#define MAYDAY_STRIDE_MAX 32
#endif

/* Bytes from one entry to the next: whole write units. */
static inline uint16_t mayday_entry_stride(const mayday_layout *layout) {
  return layout->write_unit > MAYDAY_ENTRY_LENGTH ? layout->write_unit : MAYDAY_ENTRY_LENGTH;
}

/* Whether it is right in every byte. An event that names an image also needs the digest entry before it. */
bool mayday_entry_is_right(const uint8_t *entry);

/* Whether an entry of this type is only right behind a digest entry. */
bool mayday_entry_names_image(uint8_t type);

/* Whether it has an effect together with the digest entry before it, if it needs one. */
bool mayday_entry_is_event(uint8_t type);

/* An entry of a type, with all else 0. */
void mayday_entry_begin(uint8_t entry[MAYDAY_ENTRY_LENGTH], uint8_t type);

void mayday_entry_header(uint8_t entry[MAYDAY_ENTRY_LENGTH], uint8_t count);

/* Sequence number and CRC. */
void mayday_entry_finish(uint8_t entry[MAYDAY_ENTRY_LENGTH], uint32_t sequence);

/* Splits the digest of an event's image into its entry, and the digest entry that goes before it. */
void mayday_entry_set_digest(uint8_t entry[MAYDAY_ENTRY_LENGTH], uint8_t before[MAYDAY_ENTRY_LENGTH], const uint8_t digest[32]);

/* The digest of an event's image, from both. */
void mayday_entry_get_digest(const uint8_t *entry, const uint8_t *before, uint8_t digest[32]);

#endif
