"""Manifest areas (PROTOCOL.md 13.3), a member of vectors/record-v1.json."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crc import crc32
from fields import by_field, pattern, u16, u32
from record import AREA_MAGIC, area_envelope, area_header


@dataclass
class Area:
    """A header by field, what stands where the envelope begins, and what surrounds it."""

    name: str
    write_unit: int
    erased: int
    header: list[bytes]
    length: int
    start: int
    damaged_at: int | None = None

    def envelope(self) -> bytes:
        made = bytearray(pattern(self.length, self.start))
        if self.damaged_at is not None:
            made[self.damaged_at] ^= 1
        return bytes(made)

    def content(self) -> bytes:
        head = b"".join(self.header)
        offset = max(16, self.write_unit)
        size = offset + 1024
        area = head + bytes([self.erased]) * (offset - len(head)) + self.envelope()
        return area + bytes([self.erased]) * (size - len(area))


def _with(header: list[bytes], index: int, value: bytes) -> list[bytes]:
    return [value if at == index else kept for at, kept in enumerate(header)]


def _cases() -> list[Area]:
    whole = [
        Area(
            f"an envelope of {length} bytes, write units of {unit}",
            unit,
            erased,
            area_header(pattern(length, 7)),
            length,
            7,
        )
        for length, unit, erased in [
            (293, 1, 0xFF),
            (367, 16, 0xFF),
            (367, 16, 0x00),
            (623, 16, 0xFF),
            (367, 32, 0xFF),
            (367, 64, 0x00),
            (623, 256, 0xFF),
            (623, 256, 0x00),
        ]
    ]
    body = pattern(367, 9)
    right = area_header(body)
    magic, format_, length, crc, _ = right
    crc_bit = bytes([crc[0] ^ 1]) + crc[1:]
    plain_crc = u32(crc32(body))
    damaged = [
        ("a wrong magic, CRC as of the right one", _with(right, 0, b"MDMG"), None),
        ("format 2, CRC right for it", area_header(body, format_=2), None),
        ("format 0, CRC right for it", area_header(body, format_=0), None),
        ("a length one less", _with(right, 2, u16(366)), None),
        ("a length one more", _with(right, 2, u16(368)), None),
        ("a length beyond the sector", _with(right, 2, u16(65535)), None),
        ("one bit of the CRC", _with(right, 3, crc_bit), None),
        ("a CRC of the envelope alone", _with(right, 3, plain_crc), None),
        ("one bit of the envelope's first byte", right, 0),
        ("one bit of the envelope's last byte", right, 366),
        ("the header blank", [b"\xff" * 4, b"\xff" * 2, b"\xff" * 2, b"\xff" * 4, b"\xff" * 4], None),
    ]
    assert magic == AREA_MAGIC and len(format_) == 2 and len(length) == 2
    return [*whole, *(Area(name, 16, 0xFF, header, 367, 9, at) for name, header, at in damaged)]


def area_vectors() -> list[dict[str, Any]]:
    vectors = []
    for case in _cases():
        read = area_envelope(case.content(), case.write_unit)
        if read is not None and read != case.envelope():
            raise AssertionError(case.name)
        envelope: dict[str, Any] = {"length": case.length, "start": case.start}
        if case.damaged_at is not None:
            envelope["bitWrongAt"] = case.damaged_at
        vectors.append(
            {
                "name": case.name,
                "writeUnit": case.write_unit,
                "erased": f"{case.erased:02x}",
                "headerHex": by_field(case.header),
                "envelopeAt": max(16, case.write_unit),
                "envelope": envelope,
                "readsRight": read is not None,
            }
        )
    return vectors
