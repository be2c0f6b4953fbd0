/* A boot loader of which only the interfaces are there, on the host: 24 sectors of 1 KiB in memory, an UART on stdin and stdout,
 * and a window given in milliseconds. Ends with how mayday_mcuboot_run ended. */
#include "mayday/ed25519.h"
#include "mcuboot.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECTOR 1024u
#define SECTORS 24u

static uint8_t memory[SECTORS * SECTOR];
static const struct flash_area the_area = {0, sizeof memory};

int flash_area_open(uint8_t id, const struct flash_area **area) { return *area = &the_area, id == 1 ? 0 : -1; }
void flash_area_close(const struct flash_area *area) { (void)area; }
int flash_area_read(const struct flash_area *area, uint32_t offset, void *bytes, uint32_t length) {
  return offset > area->fa_size || length > area->fa_size - offset ? -1 : (memcpy(bytes, memory + offset, length), 0);
}
int flash_area_write(const struct flash_area *area, uint32_t offset, const void *bytes, uint32_t length) {
  return offset > area->fa_size || length > area->fa_size - offset ? -1 : (memcpy(memory + offset, bytes, length), 0);
}
int flash_area_erase(const struct flash_area *area, uint32_t offset, uint32_t length) {
  return offset > area->fa_size || length > area->fa_size - offset ? -1 : (memset(memory + offset, 0xff, length), 0);
}
uint32_t flash_area_align(const struct flash_area *area) { return area->fa_size > 0 ? 8 : 0; }
uint8_t flash_area_erased_val(const struct flash_area *area) { return area->fa_size > 0 ? 0xff : 0; }
int flash_area_get_sectors(int id, uint32_t *count, struct flash_sector *sectors) {
  if (id != 1 || *count < SECTORS) return -1;
  for (*count = 0; *count < SECTORS; (*count)++) sectors[*count] = (struct flash_sector){*count * SECTOR, SECTOR};
  return 0;
}

static int uart_read(char *bytes, int room, int *newline) { return *newline = 0, (int)read(0, bytes, (size_t)room); }
static void uart_write(const char *bytes, int length) {
  if (write(1, bytes, (size_t)length) != length) exit(100);
}
static uint32_t now_ms(void *context) {
  struct timespec now;
  (void)context, clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint32_t)((uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u);
}

int main(int argc, char **argv) {
  static const struct boot_uart_funcs uart = {uart_read, uart_write};
  static const mayday_key key = {.bytes = {TRUSTED_KEY}, .roles = 1, .counter_max = UINT32_MAX, .step_max = MAYDAY_STEP_DEFAULT};
  static const mayday_identity identity = {
      .node_id = "bootload", .vendor = "example", .hardware_class = "boot-loader", .keys = &key, .key_count = 1};
  static uint8_t frame[MAYDAY_FRAME_ROOM(256)], blocks[4 * MAYDAY_BLOCK_ROOM(1024u)];
  static mayday_mcuboot mcuboot;
  const mayday_mcuboot_config config = {.uart = &uart, .area_id = 1, .slot_size = 20 * SECTOR, .baud = 115200,
      .identity = &identity, .now_ms = now_ms, .verify = mayday_ed25519_verify, .memory = {frame, sizeof frame, blocks, sizeof blocks}};
  memset(memory, 0xff, sizeof memory);
  fcntl(0, F_SETFL, O_NONBLOCK);
  return argc == 2 ? (int)mayday_mcuboot_run(&mcuboot, &config, (uint32_t)strtoul(argv[1], NULL, 10)) : 100;
}
