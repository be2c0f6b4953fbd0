"""Checksums: CRC-32 of frames (PROTOCOL.md 3.3), CRC-8 and CRC-3 of the I2C mailbox (10.2, 10.3).

All are computed bit by bit from their parameters, and compared with their check values where the text gives one.
"""

from __future__ import annotations

from fields import u32

_MASK32 = 0xFFFFFFFF
_CRC32_REFLECTED = 0xEDB88320  # 04C11DB7 with its bits in reverse order
_CHECK = b"123456789"


def _table32() -> list[int]:
    table: list[int] = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (_CRC32_REFLECTED if value & 1 else 0)
        table.append(value)
    return table


_TABLE32 = _table32()


def crc32(data: bytes, tag: int | None = None) -> int:
    """Section 3.3: the initial value is FFFFFFFF, in session frames FFFFFFFF XOR tag."""
    value = _MASK32 ^ (tag or 0)
    for byte in data:
        value = (value >> 8) ^ _TABLE32[(value ^ byte) & 0xFF]
    return value ^ _MASK32


def with_crc(data: bytes, tag: int | None = None) -> bytes:
    """The data and its CRC behind it, low byte first (3.1, 3.3)."""
    return data + u32(crc32(data, tag))


def crc8(data: bytes) -> int:
    """Section 10.2: polynomial 07, initial value 0, not reflected, no final XOR."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = ((value << 1) ^ (0x07 if value & 0x80 else 0)) & 0xFF
    return value


def crc3(five_bits: int) -> int:
    """Section 10.3: of bits 7 to 3 of a write's first byte; x^3 + x + 1, initial value 0, final XOR 7."""
    value = 0
    for shift in range(4, -1, -1):
        top = (value >> 2) & 1
        value = (value << 1) & 0b111
        if top ^ ((five_bits >> shift) & 1):
            value ^= 0b011
    return value ^ 0b111


if crc32(_CHECK) != 0xCBF43926 or crc8(_CHECK) != 0xF4:
    raise AssertionError("a CRC does not give its check value")
