/* What an integrator fills in: clock, line, flash, and a few checks. Nothing here is called from an interrupt, and no
 * function of mayday may be called while another one runs with the same context. */
#ifndef MAYDAY_PORT_H
#define MAYDAY_PORT_H

#include "mayday/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds since some moment before the start; does not wrap. Of a rescuer: a target keeps its times in 32 bits. */
typedef uint64_t mayday_time;

/* A time that does not come. */
#define MAYDAY_NEVER UINT64_MAX

/* What `verify` returns for a right signature: a value that no single fault makes of another one. */
#define MAYDAY_SIGNATURE_RIGHT UINT32_C(0x6ad3952c)
#define MAYDAY_SIGNATURE_WRONG UINT32_C(0x952c6ad3)

/* Room for the state of a hash. */
typedef union mayday_hash_state {
  uint64_t align;
  uint8_t bytes[112];
} mayday_hash_state;

/* SHA-256, of an accelerator for instance. `end` writes 32 bytes. */
typedef struct mayday_hash {
  void (*begin)(mayday_hash_state *state);
  void (*add)(mayday_hash_state *state, const uint8_t *bytes, size_t length);
  void (*end)(mayday_hash_state *state, uint8_t digest[32]);
} mayday_hash;

typedef struct mayday_port {
  /* Handed to each function below. */
  void *context;

  /* Milliseconds, of a clock that wraps at 2^32. To be asked at least once in 24 days. */
  uint32_t (*now_ms)(void *context);

  /* Hands bytes to the UART and returns how many it took, at once: 0 when it is busy. Absent on I2C. */
  size_t (*tx)(void *context, const uint8_t *bytes, size_t length);

  /* Flash, offsets from its start (PROTOCOL.md 13.1). False: it failed, also for what reads as uncorrectable. */
  bool (*flash_read)(void *context, uint32_t offset, uint8_t *bytes, size_t length);
  /* Erases one sector, which begins at `offset` and has `length` bytes. */
  bool (*flash_erase)(void *context, uint32_t offset, uint32_t length);
  /* Programs whole write units that are erased, or in which only erased bits change. */
  bool (*flash_program)(void *context, uint32_t offset, const uint8_t *bytes, size_t length);

  /* Checks an Ed25519 signature strictly (PROTOCOL.md 8.4); MAYDAY_SIGNATURE_RIGHT or MAYDAY_SIGNATURE_WRONG. */
  uint32_t (*verify)(void *context, const uint8_t key[32], const uint8_t signature[64], const uint8_t *message, size_t length);

  /* Optional: SHA-256. NULL: the one in software. */
  const mayday_hash *hash;

  /* Optional: random bytes; false when there are none. NULL: see PROTOCOL.md 5.6, "Without entropy". */
  bool (*random)(void *context, uint8_t *bytes, size_t length);

  /* Optional: called at least once for each 4 KiB that are read, erased (before and after a sector) or programmed. */
  void (*watchdog)(void *context);

  /* Optional: a counter floor that firmware cannot lower (OTP, a secure element). The higher one of it and that of the
   * boot record holds. `floor_raise` is called after the boot record was raised; false: it is tried again at the next start. */
  uint32_t (*floor_read)(void *context);
  bool (*floor_raise)(void *context, uint32_t floor);
} mayday_port;

#endif
