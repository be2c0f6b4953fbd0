/* The machine virt of QEMU with a Cortex-A15: the recovery image runs in the first flash (0, read only), the board's flash is the
 * second one (0x04000000, 64 MiB, sectors of 256 KiB, two chips of 16 bits side by side), a file that keeps its content.
 *
 * What the board sees as one flash is put together so that the slot begins with the file. An image that is linked at 0, U-Boot for
 * instance, is then started by giving QEMU this file as its first flash:
 *
 *   board's offset       file
 *   0x000000 recovery    64 MiB - 768 KiB   (not used)
 *   0x040000 record A    64 MiB - 512 KiB
 *   0x080000 record B    64 MiB - 256 KiB
 *   0x0c0000 slot        0, 1 MiB */
#ifndef MACHINE_H
#define MACHINE_H

#include "mayday/board.h"

#define UART0 0x09000000u
#define NOR_BASE 0x04000000u
#define SLOT_BASE NOR_BASE

/* The second word of an application that may be started where it lies in the slot. */
#define APP_MARK 0x5041444du

extern const mayday_layout machine_layout;

uint32_t clock_now_ms(void *context);

bool flash_read(void *context, uint32_t offset, uint8_t *bytes, size_t length);
bool flash_erase(void *context, uint32_t offset, uint32_t length);
bool flash_program(void *context, uint32_t offset, const uint8_t *bytes, size_t length);

/* Of start.S. */
void machine_jump(uint32_t base);
void machine_reset(void);

#endif
