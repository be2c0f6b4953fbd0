/* RAM with the rules of NOR flash: a sector is erased at once, units are programmed whole, and bits only go from 1 to 0. */
#include "machine.h"

#include <string.h>

/* Says that this RAM has been erased: after power-on it holds anything. */
#define MARK ((volatile uint32_t *)(FLASH_BASE - 8u))
#define MARK_0 0x6d617964u
#define MARK_1 0x666c7368u

static const mayday_sectors sectors[] = {{FLASH_SIZE / SECTOR_SIZE, SECTOR_SIZE}};

const mayday_layout machine_layout = {
    .sectors = sectors,
    .sector_runs = 1,
    .erased = 0xff,
    .write_unit = WRITE_UNIT,
    .recovery_size = SECTOR_SIZE,
    .slot_size = SLOT_SIZE,
};

static uint8_t *at(uint32_t offset) {
  return (uint8_t *)(uintptr_t)(FLASH_BASE + offset);
}

static bool is_inside(uint32_t offset, size_t length) {
  return offset <= FLASH_SIZE && length <= FLASH_SIZE - offset;
}

void flash_init(void) {
  if (MARK[0] == MARK_0 && MARK[1] == MARK_1) return;
  memset(at(0), 0xff, FLASH_SIZE);
  MARK[0] = MARK_0;
  MARK[1] = MARK_1;
}

bool flash_read(void *context, uint32_t offset, uint8_t *bytes, size_t length) {
  (void)context;
  if (!is_inside(offset, length)) return false;
  memcpy(bytes, at(offset), length);
  return true;
}

bool flash_erase(void *context, uint32_t offset, uint32_t length) {
  (void)context;
  if (!is_inside(offset, length) || offset % SECTOR_SIZE != 0 || length != SECTOR_SIZE) return false;
  memset(at(offset), 0xff, length);
  return true;
}

bool flash_program(void *context, uint32_t offset, const uint8_t *bytes, size_t length) {
  (void)context;
  if (!is_inside(offset, length) || offset % WRITE_UNIT != 0 || length % WRITE_UNIT != 0) return false;
  for (size_t i = 0; i < length; i++) {
    if ((bytes[i] & (uint8_t)~at(offset)[i]) != 0) return false;
  }
  memcpy(at(offset), bytes, length);
  return true;
}
