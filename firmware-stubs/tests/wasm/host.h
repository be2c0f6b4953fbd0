/* Functions that the host gives each module, and the port that is made of them. */
#ifndef MAYDAY_TESTS_WASM_HOST_H
#define MAYDAY_TESTS_WASM_HOST_H

#include "libc.h"
#include "mayday/port.h"

/* A run of the largest frame, or a whole envelope. */
#define EXCHANGE_BYTES 8192u

IMPORT("now_ms") uint32_t host_now_ms(void);
IMPORT("tx") uint32_t host_tx(const uint8_t *bytes, uint32_t length);
IMPORT("random") void host_random(uint8_t *bytes, uint32_t length);

/* What is passed by reference lies here. */
static uint8_t the_exchange[EXCHANGE_BYTES];

static uint32_t now_ms(void *context) {
  (void)context;
  return host_now_ms();
}

static size_t tx(void *context, const uint8_t *bytes, size_t length) {
  (void)context;
  return host_tx(bytes, length);
}

static bool random_bytes(void *context, uint8_t *bytes, size_t length) {
  (void)context;
  host_random(bytes, length);
  return true;
}

EXPORT("exchange") uint8_t *exchange(void) {
  return the_exchange;
}

EXPORT("exchange_bytes") uint32_t exchange_bytes(void) {
  return EXCHANGE_BYTES;
}

#endif
