/* A UART like Arm's PL011, with FIFOs of 16 bytes, without interrupts. */
#ifndef MAYDAY_PORTS_PL011_H
#define MAYDAY_PORTS_PL011_H

#include <stddef.h>
#include <stdint.h>

/* `base`: address of the UART. `divisor`: clock of the UART / rate, in 64ths of 16. */
void pl011_init(uintptr_t base, uint32_t divisor);

/* Takes what came, `room` bytes at most; returns how many. Bytes that came while nobody read for 16 byte times are lost. */
size_t pl011_rx(uintptr_t base, uint8_t *bytes, size_t room);

/* Hands over what has room; returns how many. */
size_t pl011_tx(uintptr_t base, const uint8_t *bytes, size_t length);

/* Waits until the last stop bit is out. */
void pl011_flush(uintptr_t base);

#endif
