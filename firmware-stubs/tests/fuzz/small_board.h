/* A board of 64 KiB as in vectors/session-v1.json, whose flash and clock the input moves. Every signature is right. */
#ifndef MAYDAY_TESTS_FUZZ_SMALL_BOARD_H
#define MAYDAY_TESTS_FUZZ_SMALL_BOARD_H

#include "input.h"
#include "../ram_flash.h"

#define SMALL_SECTOR 1024u
#define SMALL_SECTORS 64u

static uint8_t small_flash_bytes[SMALL_SECTOR * SMALL_SECTORS];
static ram_flash small_flash;
static uint32_t small_now;

static uint32_t small_now_ms(void *context) {
  (void)context;
  return small_now;
}

static bool small_random(void *context, uint8_t *bytes, size_t length) {
  (void)context;
  /* The boot nonce of the vectors. */
  for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)(0x10u + i);
  return true;
}

static uint32_t small_verify(void *context, const uint8_t key[32], const uint8_t signature[64], const uint8_t *message,
                             size_t length) {
  (void)context;
  volatile uint8_t all = (uint8_t)(key[31] ^ signature[63] ^ message[length - 1u]);
  (void)all;
  return MAYDAY_SIGNATURE_RIGHT;
}

static const mayday_sectors small_sectors = {SMALL_SECTORS, SMALL_SECTOR};
static const mayday_key small_key = {
    .bytes = {0x03, 0xa1, 0x07, 0xbf, 0xf3, 0xce, 0x10, 0xbe, 0x1d, 0x70, 0xdd, 0x18, 0xe7, 0x4b, 0xc0, 0x99,
              0x67, 0xe4, 0xd6, 0x30, 0x9b, 0xa5, 0x0d, 0x5f, 0x1d, 0xdc, 0x86, 0x64, 0x12, 0x55, 0x31, 0xb8},
    .roles = 1,
    .counter_max = UINT32_MAX,
    .step_max = MAYDAY_STEP_DEFAULT};
static const mayday_identity small_identity = {.node_id = {0x74, 0x61, 0x72, 0x67, 0x65, 0x74, 0x30, 0x31},
                                               .vendor = "acme",
                                               .hardware_class = "pump-7",
                                               .revision = 2,
                                               .keys = &small_key,
                                               .key_count = 1,
                                               .is_update_allowed = true,
                                               .is_single_update_allowed = true};

/* `kind`: bit 0 two slots, bit 1 manifests in the record, bits 2 and 3 the write unit. */
static mayday_layout small_layout(uint8_t kind) {
  static const uint16_t units[4] = {1, 8, 16, 64};
  mayday_layout layout;
  memset(&layout, 0, sizeof layout);
  layout.sectors = &small_sectors;
  layout.sector_runs = 1;
  layout.is_ab = MAYDAY_WITH_AB && (kind & 1u) != 0;
  layout.are_manifests_in_record = MAYDAY_WITH_RECORD_MANIFESTS && (kind & 2u) != 0;
  layout.erased = 0xff;
  layout.write_unit = units[kind >> 2 & 3u];
  layout.recovery_size = SMALL_SECTOR;
  layout.slot_size = layout.is_ab ? 16384u : 32768u;
  return layout;
}

static mayday_port small_port(const mayday_layout *layout) {
  memset(small_flash_bytes, 0xff, sizeof small_flash_bytes);
  memset(&small_flash, 0, sizeof small_flash);
  small_flash.bytes = small_flash_bytes;
  small_flash.size = sizeof small_flash_bytes;
  small_flash.erased = 0xff;
  small_flash.write_unit = layout->write_unit;
  small_flash.fails_in = -1;
  small_now = 0;
  mayday_port port = ram_port(&small_flash);
  port.now_ms = small_now_ms;
  port.random = small_random;
  port.verify = small_verify;
  return port;
}

#endif
