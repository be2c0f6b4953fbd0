/* A target inside a boot loader that has MCUboot's interfaces: two functions of the UART, and flash areas. To be called where
 * MCUboot enters its serial recovery, and again where it finds nothing to start. Not tried with MCUboot itself: its own header and
 * signature of an image stay what they are, the image of mayday is the whole slot.
 *
 * One flash area holds boot record, manifests and slot; its first sector is the boot record's. */
#ifndef MAYDAY_PORTS_MCUBOOT_H
#define MAYDAY_PORTS_MCUBOOT_H

#include "boot_serial/boot_serial.h"
#include "flash_map_backend/flash_map_backend.h"
#include "loop.h"

#define MAYDAY_MCUBOOT_SECTORS_MAX 128u
#define MAYDAY_MCUBOOT_RUNS_MAX 16u

/* What the boot loader gives. */
typedef struct mayday_mcuboot_config {
  /* Reads what came and returns at once, with all 256 values of a byte: not the line editor of Zephyr's serial adapter. */
  const struct boot_uart_funcs *uart;
  uint8_t area_id;
  bool are_manifests_in_record; /* for sectors of 4 KiB and more */
  uint32_t slot_size;           /* bytes of the image at most */
  uint32_t baud;
  const mayday_identity *identity;
  uint32_t (*now_ms)(void *context);
  uint32_t (*verify)(void *context, const uint8_t key[32], const uint8_t signature[64], const uint8_t *message, size_t length);
  void (*watchdog)(void *context); /* or NULL */
  mayday_memory memory;
} mayday_mcuboot_config;

/* Memory for it: static, as it is too large for a stack. */
typedef struct mayday_mcuboot {
  const mayday_mcuboot_config *config;
  const struct flash_area *area;
  struct flash_sector found[MAYDAY_MCUBOOT_SECTORS_MAX];
  mayday_sectors runs[MAYDAY_MCUBOOT_RUNS_MAX];
  mayday_layout layout;
  mayday_port port;
  mayday_board board;
  mayday_target target;
} mayday_mcuboot;

/* Gives up after `window_ms`, as mayday_target_run does. MAYDAY_LOOP_FAILED also where the area has too many sectors. */
mayday_loop_end mayday_mcuboot_run(mayday_mcuboot *mcuboot, const mayday_mcuboot_config *config, uint32_t window_ms);

#endif
