"""Numbers and hexadecimal text (PROTOCOL.md 1.2): unsigned, little-endian, separated by field."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def u8(value: int) -> bytes:
    return value.to_bytes(1, "little")


def u16(value: int) -> bytes:
    return value.to_bytes(2, "little")


def u24(value: int) -> bytes:
    return value.to_bytes(3, "little")


def u32(value: int) -> bytes:
    return value.to_bytes(4, "little")


def u48(value: int) -> bytes:
    return value.to_bytes(6, "little")


def number(data: bytes) -> int:
    """The number that little-endian bytes stand for."""
    return int.from_bytes(data, "little")


def by_field(fields: Iterable[bytes]) -> str:
    """Hexadecimal text with a space between two fields, as the examples of PROTOCOL.md have it."""
    return " ".join(field.hex() for field in fields if field)


def cut(data: bytes, lengths: Sequence[int]) -> list[bytes]:
    """The data cut into fields of these lengths; they have to add up to all of it."""
    if sum(lengths) != len(data):
        raise ValueError(f"fields of {sum(lengths)} bytes for {len(data)} bytes")
    fields: list[bytes] = []
    offset = 0
    for length in lengths:
        fields.append(data[offset : offset + length])
        offset += length
    return fields


def ranges_of(numbers: Iterable[int]) -> list[list[int]]:
    """Numbers as ascending ranges [first, last]."""
    ranges: list[list[int]] = []
    for value in sorted(set(numbers)):
        if ranges and ranges[-1][1] == value - 1:
            ranges[-1][1] = value
        else:
            ranges.append([value, value])
    return ranges


def pattern(length: int, start: int) -> bytes:
    """Bytes that count up from `start`, modulo 256."""
    return bytes((start + i) & 0xFF for i in range(length))
