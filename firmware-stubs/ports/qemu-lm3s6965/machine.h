/* The machine lm3s6965evb of QEMU: Cortex-M3, 64 KiB of RAM. Its flash keeps nothing, so the end of the RAM stands for a NOR
 * flash, with the rules of one; it keeps its content over a reset.
 *
 *   0x20000000  variables and stack of the recovery image
 *   0x2000ac00  flash: recovery image (not used), boot record A and B, two manifest areas: 1 KiB each
 *   0x2000c000  flash: the slot, 16 KiB, to the end of the RAM; the application runs in it */
#ifndef MACHINE_H
#define MACHINE_H

#include "mayday/board.h"

#define UART0 0x4000c000u
#define FLASH_BASE 0x2000ac00u
#define FLASH_SIZE 0x5400u
#define SLOT_BASE 0x2000c000u
#define SLOT_SIZE 0x4000u
#define SECTOR_SIZE 1024u
#define WRITE_UNIT 8u

extern const mayday_layout machine_layout;

void clock_init(void);
uint32_t clock_now_ms(void *context);

/* After power-on, not after a reset: the RAM that stands for flash is erased. */
void flash_init(void);
bool flash_read(void *context, uint32_t offset, uint8_t *bytes, size_t length);
bool flash_erase(void *context, uint32_t offset, uint32_t length);
bool flash_program(void *context, uint32_t offset, const uint8_t *bytes, size_t length);

/* Bytes of stack that were ever used, and that there are. */
uint32_t stack_used(void);
uint32_t stack_size(void);

/* Starts what lies at `base`: initial stack pointer, entry. Does not return. */
void machine_jump(uint32_t base);
void machine_reset(void);

#endif
