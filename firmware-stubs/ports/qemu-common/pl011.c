#include "pl011.h"

#define DR 0x00u
#define FR 0x18u
#define IBRD 0x24u
#define FBRD 0x28u
#define LCRH 0x2cu
#define CR 0x30u

#define FR_BUSY 0x08u
#define FR_RX_EMPTY 0x10u
#define FR_TX_FULL 0x20u
#define LCRH_FIFOS 0x10u
#define LCRH_8_BITS 0x60u
#define CR_ENABLED 0x301u /* UART, both directions */

static volatile uint32_t *at(uintptr_t base, uint32_t offset) {
  return (volatile uint32_t *)(base + offset);
}

void pl011_init(uintptr_t base, uint32_t divisor) {
  *at(base, CR) = 0;
  *at(base, IBRD) = divisor >> 6;
  *at(base, FBRD) = divisor & 63u;
  *at(base, LCRH) = LCRH_FIFOS | LCRH_8_BITS;
  *at(base, CR) = CR_ENABLED;
}

size_t pl011_rx(uintptr_t base, uint8_t *bytes, size_t room) {
  size_t length = 0;
  while (length < room && (*at(base, FR) & FR_RX_EMPTY) == 0) bytes[length++] = (uint8_t)(*at(base, DR) & 0xffu);
  return length;
}

size_t pl011_tx(uintptr_t base, const uint8_t *bytes, size_t length) {
  size_t sent = 0;
  while (sent < length && (*at(base, FR) & FR_TX_FULL) == 0) *at(base, DR) = bytes[sent++];
  return sent;
}

void pl011_flush(uintptr_t base) {
  while ((*at(base, FR) & FR_BUSY) != 0) {
  }
}
