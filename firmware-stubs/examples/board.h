/* What the examples need of a board, in functions of yours. */
#ifndef BOARD_H
#define BOARD_H

#include "mayday/board.h"

extern const mayday_layout board_layout;
extern const mayday_identity board_identity;

void board_init(void);
uint32_t board_now_ms(void *context);
bool board_flash_read(void *context, uint32_t offset, uint8_t *bytes, size_t length);
bool board_flash_erase(void *context, uint32_t offset, uint32_t length);
bool board_flash_program(void *context, uint32_t offset, const uint8_t *bytes, size_t length);
uint32_t board_verify(void *context, const uint8_t key[32], const uint8_t signature[64], const uint8_t *message, size_t length);

/* Starts the firmware at this offset of the flash; does not return. */
void board_start(uint32_t offset);

size_t board_uart_write(void *context, const uint8_t *bytes, size_t length);
bool board_uart_has_byte(void);
uint8_t board_uart_byte(void);

void board_i2c_enable(void);

#endif
