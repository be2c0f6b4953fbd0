/* Stands in for MCUboot's header of this name: what ports/bootloader uses of it. */
#ifndef STAND_IN_FLASH_MAP_BACKEND_H
#define STAND_IN_FLASH_MAP_BACKEND_H

#include <stdint.h>

struct flash_area {
  uint32_t fa_off, fa_size;
};

struct flash_sector {
  uint32_t fs_off, fs_size;
};

int flash_area_open(uint8_t id, const struct flash_area **area);
void flash_area_close(const struct flash_area *area);
int flash_area_read(const struct flash_area *area, uint32_t offset, void *bytes, uint32_t length);
int flash_area_write(const struct flash_area *area, uint32_t offset, const void *bytes, uint32_t length);
int flash_area_erase(const struct flash_area *area, uint32_t offset, uint32_t length);
uint32_t flash_area_align(const struct flash_area *area);
uint8_t flash_area_erased_val(const struct flash_area *area);
int flash_area_get_sectors(int id, uint32_t *count, struct flash_sector *sectors);

#endif
