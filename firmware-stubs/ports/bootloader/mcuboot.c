#include "mcuboot.h"

#include <string.h>

/* The flash map begins with a region for the recovery image, which is never touched (PROTOCOL.md 13.1). Here it is a sector that
 * does not exist, in front of the area. */
static bool to_area(const mayday_mcuboot *mcuboot, uint32_t *offset) {
  uint32_t first = mcuboot->layout.sectors[0].size;
  if (*offset < first) return false;
  *offset -= first;
  return true;
}

static size_t tx(void *context, const uint8_t *bytes, size_t length) {
  const mayday_mcuboot *mcuboot = context;
  mcuboot->config->uart->write((const char *)bytes, (int)length);
  return length;
}

static size_t rx(void *context, uint8_t *bytes, size_t room) {
  const mayday_mcuboot *mcuboot = context;
  int newline = 0, count = mcuboot->config->uart->read((char *)bytes, (int)room, &newline);
  return count > 0 ? (size_t)count : 0;
}

static bool flash_read(void *context, uint32_t offset, uint8_t *bytes, size_t length) {
  const mayday_mcuboot *mcuboot = context;
  return to_area(mcuboot, &offset) && flash_area_read(mcuboot->area, offset, bytes, (uint32_t)length) == 0;
}

static bool flash_erase(void *context, uint32_t offset, uint32_t length) {
  const mayday_mcuboot *mcuboot = context;
  return to_area(mcuboot, &offset) && flash_area_erase(mcuboot->area, offset, length) == 0;
}

static bool flash_program(void *context, uint32_t offset, const uint8_t *bytes, size_t length) {
  const mayday_mcuboot *mcuboot = context;
  return to_area(mcuboot, &offset) && flash_area_write(mcuboot->area, offset, bytes, (uint32_t)length) == 0;
}

static uint32_t now_ms(void *context) {
  const mayday_mcuboot *mcuboot = context;
  return mcuboot->config->now_ms(NULL);
}

static void watchdog(void *context) {
  const mayday_mcuboot *mcuboot = context;
  if (mcuboot->config->watchdog != NULL) mcuboot->config->watchdog(NULL);
}

/* Sectors of one size that follow one another make a run. */
static bool read_sectors(mayday_mcuboot *mcuboot) {
  uint32_t count = MAYDAY_MCUBOOT_SECTORS_MAX;
  uint8_t runs = 0;
  if (flash_area_get_sectors(mcuboot->config->area_id, &count, mcuboot->found) != 0 || count == 0) return false;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t size = mcuboot->found[i].fs_size;
    if (runs > 0 && mcuboot->runs[runs - 1u].size == size) {
      mcuboot->runs[runs - 1u].count++;
      continue;
    }
    if (runs == MAYDAY_MCUBOOT_RUNS_MAX) return false;
    mcuboot->runs[runs++] = (mayday_sectors){1, size};
  }
  mcuboot->runs[0].count++; /* the one that does not exist */
  mcuboot->layout = (mayday_layout){
      .sectors = mcuboot->runs,
      .sector_runs = runs,
      .are_manifests_in_record = mcuboot->config->are_manifests_in_record,
      .erased = flash_area_erased_val(mcuboot->area),
      .write_unit = (uint16_t)flash_area_align(mcuboot->area),
      .recovery_size = mcuboot->runs[0].size,
      .slot_size = mcuboot->config->slot_size,
  };
  return true;
}

mayday_loop_end mayday_mcuboot_run(mayday_mcuboot *mcuboot, const mayday_mcuboot_config *config, uint32_t window_ms) {
  const mayday_line line = {.baud = config->baud, .rto_floor_ms = 10};
  mayday_loop_end end = MAYDAY_LOOP_FAILED;
  memset(mcuboot, 0, sizeof *mcuboot);
  mcuboot->config = config;
  mcuboot->port = (mayday_port){
      .context = mcuboot,
      .now_ms = now_ms,
      .tx = tx,
      .flash_read = flash_read,
      .flash_erase = flash_erase,
      .flash_program = flash_program,
      .verify = config->verify,
      .watchdog = watchdog,
  };
  if (flash_area_open(config->area_id, &mcuboot->area) != 0) return end;
  if (read_sectors(mcuboot)) {
    mayday_loop loop = {.port = &mcuboot->port,
                        .layout = &mcuboot->layout,
                        .identity = config->identity,
                        .line = &line,
                        .memory = config->memory,
                        .board = &mcuboot->board,
                        .target = &mcuboot->target,
                        .rx = rx};
    end = mayday_target_run(&loop, window_ms);
  }
  flash_area_close(mcuboot->area);
  return end;
}
