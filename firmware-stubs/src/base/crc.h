/* Checksums (PROTOCOL.md 3.3, 10.2, 10.3). */
#ifndef MAYDAY_BASE_CRC_H
#define MAYDAY_BASE_CRC_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32 of `bytes` behind bytes whose CRC is `before`: 0 for none, or a session's tag (3.4). */
uint32_t mayday_crc32(uint32_t before, const uint8_t *bytes, size_t length);

/* CRC-8 of the mailbox: polynomial 0x07, initial value 0 (10.2). */
uint8_t mayday_crc8(const uint8_t *bytes, size_t length);

/* CRC-3 of bits 7 to 3 of the first byte of a write (10.3). */
uint8_t mayday_crc3(uint8_t first);

#endif
