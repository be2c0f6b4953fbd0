/* A flash in RAM that keeps the rules of NOR flash, and notes what breaks them. For tests. */
#ifndef MAYDAY_TESTS_RAM_FLASH_H
#define MAYDAY_TESTS_RAM_FLASH_H

#include "mayday/board.h"

#include <string.h>

typedef struct ram_flash {
  uint8_t *bytes;
  uint32_t size;
  uint8_t erased;
  uint16_t write_unit;
  bool is_programmed_once; /* a write unit takes one program each erase */
  unsigned long erases, programs, faults;
  long fails_in; /* operations until one fails, and all behind it; negative: never */
  uint32_t unreadable_from, unreadable_to;
} ram_flash;

static bool ram_inside(const ram_flash *flash, uint32_t offset, size_t length) {
  return offset <= flash->size && length <= flash->size - offset;
}

static bool ram_fails(ram_flash *flash) {
  if (flash->fails_in < 0) return false;
  if (flash->fails_in == 0) return true;
  flash->fails_in--;
  return false;
}

static bool ram_read(void *context, uint32_t offset, uint8_t *bytes, size_t length) {
  ram_flash *flash = context;
  if (!ram_inside(flash, offset, length)) {
    flash->faults++;
    return false;
  }
  if (offset < flash->unreadable_to && offset + length > flash->unreadable_from) return false;
  memcpy(bytes, flash->bytes + offset, length);
  return true;
}

static bool ram_erase(void *context, uint32_t offset, uint32_t length) {
  ram_flash *flash = context;
  if (!ram_inside(flash, offset, length)) {
    flash->faults++;
    return false;
  }
  if (ram_fails(flash)) return false;
  flash->erases++;
  /* An erase makes it readable again. */
  if (flash->unreadable_from >= offset && flash->unreadable_from - offset < length) flash->unreadable_to = 0;
  memset(flash->bytes + offset, flash->erased, length);
  return true;
}

static bool ram_program(void *context, uint32_t offset, const uint8_t *bytes, size_t length) {
  ram_flash *flash = context;
  if (!ram_inside(flash, offset, length) || offset % flash->write_unit != 0 || length % flash->write_unit != 0) {
    flash->faults++;
    return false;
  }
  if (ram_fails(flash)) return false;
  flash->programs++;
  for (size_t i = 0; i < length; i++) {
    uint8_t old = flash->bytes[offset + i] ^ flash->erased;
    uint8_t next = bytes[i] ^ flash->erased;
    if ((old & ~next) != 0 || (flash->is_programmed_once && old != 0)) flash->faults++;
    flash->bytes[offset + i] = (uint8_t)((old | next) ^ flash->erased);
  }
  return true;
}

static mayday_port ram_port(ram_flash *flash) {
  mayday_port port;
  memset(&port, 0, sizeof port);
  port.context = flash;
  port.flash_read = ram_read;
  port.flash_erase = ram_erase;
  port.flash_program = ram_program;
  return port;
}

#endif
