/* A port with nothing in it: copy this folder, fill in what says STEP, and try each step before the next one (docs/porting.md).
 * As it stands it compiles, reads a flash in which nothing is programmed, and calls for help on a line that nobody hears. */
#include "port.h"

/* STEP 1: a clock and a UART. */

uint32_t port_now_ms(void *context) {
  (void)context;
  /* Milliseconds since any moment; wraps at 2^32. May be asked from the main loop only. */
  return 0;
}

size_t port_tx(void *context, const uint8_t *bytes, size_t length) {
  (void)context;
  (void)bytes;
  (void)length;
  /* Put into the FIFO or ring what fits, and return how much: 0 is right while it is full. Never wait. */
  return 0;
}

size_t port_rx(void *context, uint8_t *bytes, size_t room) {
  (void)context;
  (void)bytes;
  (void)room;
  /* What the receive interrupt has put into a ring, or what is in the FIFO. */
  return 0;
}

/* STEP 2: flash. Sizes and places are those of the part, PROTOCOL.md 13.1 says what they mean. */

static const mayday_sectors sectors[] = {{32, 4096}};

const mayday_layout port_layout = {
    .sectors = sectors,
    .sector_runs = 1,
    .are_manifests_in_record = true,
    .erased = 0xff,
    .write_unit = 8,
    .recovery_size = UINT32_C(0xc000),
    .slot_size = UINT32_C(0x10000),
};

bool port_flash_read(void *context, uint32_t offset, uint8_t *bytes, size_t length) {
  (void)context;
  (void)offset;
  /* False where the part reports an uncorrectable error; not a fault, and not a reset. */
  for (size_t i = 0; i < length; i++) bytes[i] = port_layout.erased;
  return true;
}

bool port_flash_erase(void *context, uint32_t offset, uint32_t length) {
  (void)context;
  (void)offset;
  (void)length;
  /* One sector. Wait until it is done. */
  return false;
}

bool port_flash_program(void *context, uint32_t offset, const uint8_t *bytes, size_t length) {
  (void)context;
  (void)offset;
  (void)bytes;
  (void)length;
  /* Whole write units; `bytes` may lie at an odd address. Wait until it is done. */
  return false;
}

/* STEP 3: the check of signatures: mayday/ed25519.h, or that of a secure element if it judges vectors/ed25519-strict.json right. */

uint32_t port_verify(void *context, const uint8_t key[32], const uint8_t signature[64], const uint8_t *message, size_t length) {
  (void)context;
  (void)key;
  (void)signature;
  (void)message;
  (void)length;
  return MAYDAY_SIGNATURE_WRONG;
}

/* STEP 4: who this board is: an id of its own, the hardware that images name, and the keys that it trusts. */

static const mayday_key keys[] = {{.bytes = {0}, .roles = 1, .counter_max = UINT32_MAX, .step_max = MAYDAY_STEP_DEFAULT}};

const mayday_identity port_identity = {
    .node_id = {0}, /* the part's serial number, for instance: no two boards may have the same */
    .vendor = "example",
    .hardware_class = "template",
    .keys = keys,
    .key_count = 1,
};

const mayday_line port_line = {
    .baud = 115200,
    .rto_floor_ms = 10,
    /* True where bytes that come while code waits for flash are lost: it then writes while nothing is on its way. */
    .is_deaf_while_writing = true,
};

void port_watchdog(void *context) {
  (void)context;
}

/* STEP 5: what starts the firmware: stack pointer and entry on a Cortex-M, with the vector table moved, interrupts off, and
 * everything that this image switched on switched off again. */
void port_start(uint32_t offset) {
  (void)offset;
}

const mayday_port port_functions = {
    .now_ms = port_now_ms,
    .tx = port_tx,
    .flash_read = port_flash_read,
    .flash_erase = port_flash_erase,
    .flash_program = port_flash_program,
    .verify = port_verify,
    .watchdog = port_watchdog,
};
