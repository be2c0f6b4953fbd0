"""Frames that the vectors of the link need (PROTOCOL.md 4.3 to 4.6, 5.9), each as its fields in order, the CRC last."""

from __future__ import annotations

from collections.abc import Sequence

from crc import crc32
from fields import u8, u16, u24, u32

CLASS_PROBE = 0x4
CLASS_DATA = 0x8


def closed(fields: Sequence[bytes], tag: int | None) -> list[bytes]:
    """The fields of a frame and the CRC over all of them (3.1)."""
    return [*fields, u32(crc32(b"".join(fields), tag))]


def ack(highest: int, delay_units: int, bitmap: bytes, tag: int) -> list[bytes]:
    """Section 4.3. `highest` is the whole number; the frame carries its low 16 bits."""
    return closed([b"\x01", u16(highest & 0xFFFF), u8(delay_units), bitmap], tag)


def probe(packet_number: int, tag: int) -> list[bytes]:
    """Section 4.4."""
    return closed([u16((packet_number & 0xFFF) << 4 | CLASS_PROBE)], tag)


def data(packet_number: int, attempt: int, codec: int, position: int, payload: bytes, tag: int) -> list[bytes]:
    """Section 4.5. `position` is the 16-bit field."""
    head = (packet_number & 0xFFF) << 4 | CLASS_DATA | codec << 1 | attempt & 1
    return closed([u16(head), u16(position), payload], tag)


def grant(sequence: int, entries: Sequence[tuple[int, int, int, int]], tag: int) -> list[bytes]:
    """Section 5.9. An entry: first block, count, attempt, codecs as a set of bits (bit c for codec c)."""
    fields = [b"\x11", u16(sequence), u8(len(entries))]
    for first, count, attempt, codecs in entries:
        fields.append(u24(first) + u8(count) + u8(codecs << 4 | attempt))
    return closed(fields, tag)


def session_tag(target_nonce: bytes, rescuer_nonce: bytes, target_id: bytes, rescuer_id: bytes, digest: bytes) -> int:
    """Section 3.4: the CRC of these 40 bytes, 1 if that is 0."""
    return crc32(target_nonce + rescuer_nonce + target_id + rescuer_id + digest) or 1
