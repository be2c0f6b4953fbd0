/* NOR flash with Intel's commands, two chips side by side: each command stands in both halves of a word. */
#include "machine.h"

#include <string.h>

#define FILE_SIZE 0x4000000u
#define SECTOR 0x40000u
#define SLOT_SECTORS 4u
#define FIRST_SECTORS 3u /* recovery and record, at the end of the file */
#define WRITE_UNIT 16u

#define CMD_ERASE 0x00200020u
#define CMD_BUFFER 0x00e800e8u
#define CMD_CONFIRM 0x00d000d0u
#define CMD_CLEAR 0x00500050u
#define CMD_READ 0x00ff00ffu
#define STATUS_READY 0x00800080u
#define STATUS_ERRORS 0x003a003au

/* What is programmed at once, within such a piece of the chip. */
#define BUFFER 512u

static const mayday_sectors sectors[] = {{FIRST_SECTORS + SLOT_SECTORS, SECTOR}};

const mayday_layout machine_layout = {
    .sectors = sectors,
    .sector_runs = 1,
    .are_manifests_in_record = true,
    .erased = 0xff,
    .write_unit = WRITE_UNIT,
    .recovery_size = SECTOR,
    .slot_size = SLOT_SECTORS * SECTOR,
};

#define SIZE ((FIRST_SECTORS + SLOT_SECTORS) * SECTOR)

/* Where the board's offset is. Regions are whole sectors: what lies in one lies in one piece. */
static uintptr_t address(uint32_t offset) {
  uint32_t first = FIRST_SECTORS * SECTOR;
  return NOR_BASE + (offset < first ? FILE_SIZE - first + offset : offset - first);
}

static volatile uint32_t *word_at(uintptr_t at) {
  return (volatile uint32_t *)at;
}

/* Waits, and goes back to reading. */
static bool finish(uintptr_t at) {
  uint32_t status;
  do {
    status = *word_at(at);
  } while ((status & STATUS_READY) != STATUS_READY);
  *word_at(at) = CMD_CLEAR;
  *word_at(at) = CMD_READ;
  return (status & STATUS_ERRORS) == 0;
}

bool flash_read(void *context, uint32_t offset, uint8_t *bytes, size_t length) {
  (void)context;
  if (offset > SIZE || length > SIZE - offset) return false;
  while (length > 0) {
    /* Not across the place where the file's end meets its start. */
    uint32_t piece = SECTOR - offset % SECTOR;
    if (piece > length) piece = (uint32_t)length;
    memcpy(bytes, (const void *)address(offset), piece);
    bytes += piece;
    offset += piece;
    length -= piece;
  }
  return true;
}

bool flash_erase(void *context, uint32_t offset, uint32_t length) {
  (void)context;
  if (offset >= SIZE || offset % SECTOR != 0 || length != SECTOR) return false;
  uintptr_t at = address(offset);
  *word_at(at) = CMD_ERASE;
  *word_at(at) = CMD_CONFIRM;
  return finish(at);
}

/* QEMU's chip lets bits rise that a real one does not: a missing erase is to be seen here. */
static bool only_clears(uintptr_t at, const uint32_t *words, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if ((words[i] & ~word_at(at)[i]) != 0) return false;
  }
  return true;
}

static bool program_piece(uintptr_t at, const uint8_t *bytes, uint32_t length) {
  uint32_t words[BUFFER / 4u], count = length / 4u;
  memcpy(words, bytes, length);
  if (!only_clears(at, words, count)) return false;
  *word_at(at) = CMD_BUFFER;
  while ((*word_at(at) & STATUS_READY) != STATUS_READY) {
  }
  *word_at(at) = (count - 1u) | (count - 1u) << 16;
  for (uint32_t i = 0; i < count; i++) word_at(at)[i] = words[i];
  *word_at(at) = CMD_CONFIRM;
  return finish(at);
}

bool flash_program(void *context, uint32_t offset, const uint8_t *bytes, size_t length) {
  (void)context;
  if (offset > SIZE || length > SIZE - offset || offset % WRITE_UNIT != 0 || length % WRITE_UNIT != 0) return false;
  while (length > 0) {
    uint32_t piece = BUFFER - offset % BUFFER;
    if (piece > length) piece = (uint32_t)length;
    if (!program_piece(address(offset), bytes, piece)) return false;
    bytes += piece;
    offset += piece;
    length -= piece;
  }
  return true;
}
