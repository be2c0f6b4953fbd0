/* What port.c fills in. */
#ifndef PORT_H
#define PORT_H

#include "mayday/target.h"

extern const mayday_port port_functions;
extern const mayday_layout port_layout;
extern const mayday_identity port_identity;
extern const mayday_line port_line;

uint32_t port_now_ms(void *context);
size_t port_tx(void *context, const uint8_t *bytes, size_t length);
size_t port_rx(void *context, uint8_t *bytes, size_t room);
bool port_flash_read(void *context, uint32_t offset, uint8_t *bytes, size_t length);
bool port_flash_erase(void *context, uint32_t offset, uint32_t length);
bool port_flash_program(void *context, uint32_t offset, const uint8_t *bytes, size_t length);
uint32_t port_verify(void *context, const uint8_t key[32], const uint8_t signature[64], const uint8_t *message, size_t length);
void port_watchdog(void *context);

/* Starts the firmware that lies at this offset of the flash. Does not return. */
void port_start(uint32_t offset);

#endif
