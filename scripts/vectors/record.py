"""Entries of the boot record and manifest areas (PROTOCOL.md 13.2.2, 13.3)."""

from __future__ import annotations

from dataclasses import dataclass

from crc import crc32
from fields import cut, number, u8, u16, u32, u48

ENTRY_LENGTH = 32
ENTRY_FIELDS = (1, 1, 1, 1, 4, 8, 4, 4, 4, 4)
NO_SECTOR = 0xFFFFFFFF
MAGIC = bytes.fromhex("4d44425245430100")

HEADER, SEAL, INSTALLED, SLOT, RECEIVING = 0x01, 0x02, 0x11, 0x12, 0x13
SECTORS, FLOOR, FAILED, ORDER, DIGEST, NONCES = 0x14, 0x15, 0x16, 0x17, 0x18, 0x19
NAMES_AN_IMAGE = (INSTALLED, SLOT, RECEIVING)
CONFIRMED, REVERTED, UNPROVEN = 1, 2, 4


@dataclass(frozen=True)
class Entry:
    """One entry by its fields; `place` holds slot and manifest area."""

    type: int
    sequence: int = 0
    place: int = 0
    flags: int = 0
    count: int = 0
    first8: bytes = bytes(8)
    word_a: int = 0
    word_b: int = 0
    more: bytes = bytes(4)

    def encode(self) -> bytes:
        head = u8(self.type) + u8(self.place) + u8(self.flags) + u8(self.count) + u32(self.sequence)
        body = head + self.first8 + u32(self.word_a) + u32(self.word_b) + self.more
        return body + u32(crc32(body))

    def is_right(self) -> bool:
        """Whether an entry of this type would be encoded to these very bytes."""
        is_placed = self.place & 0xF <= 1 and self.place >> 4 <= 2
        no_place = self.place == 0 and self.flags == 0
        no_words = self.word_a == 0 and self.word_b == 0
        no_bytes = self.first8 == bytes(8)
        no_more = self.more == bytes(4)
        if self.type == HEADER:
            return no_place and no_words and no_more and self.first8 == MAGIC
        if self.type == SEAL:
            return no_place and no_words and no_more and no_bytes and self.count == 0
        if self.type in (INSTALLED, SLOT):
            is_flagged = self.flags < 8 and not (self.flags & UNPROVEN and not self.flags & CONFIRMED)
            return is_placed and is_flagged
        if self.type == RECEIVING:
            return is_placed and self.flags == 0 and self.count == 0 and no_words
        if self.type == SECTORS:
            opened = number(self.first8[:4]), number(self.first8[4:])
            are_ranges = _is_range(*opened) and _is_range(self.word_a, self.word_b)
            return no_place and self.count == 0 and no_more and are_ranges
        if self.type == FLOOR:
            is_marked = self.count == 0 or (self.count == 1 and self.word_b == 0)
            return no_place and no_bytes and no_more and self.word_a == 0 and is_marked
        if self.type == FAILED:
            return no_place and no_words and no_more
        if self.type == ORDER:
            return no_place and self.count == 0 and self.word_b == 0 and no_more
        if self.type == DIGEST:
            return no_place and self.count == 0
        if self.type == NONCES:
            return no_place and self.count == 0 and no_bytes and self.word_b == 0 and no_more
        return False


def _is_range(first: int, last: int) -> bool:
    """First and last sector, or nothing."""
    return (first == NO_SECTOR and last == NO_SECTOR) or first <= last < NO_SECTOR


def decode(data: bytes) -> Entry | None:
    """The entry that 32 bytes hold; None if they are blank or not right in every byte."""
    fields = cut(data, ENTRY_FIELDS)
    if number(fields[9]) != crc32(data[:28]):
        return None
    type_, place, flags, count = (number(field) for field in fields[:4])
    entry = Entry(
        type_,
        number(fields[4]),
        place,
        flags,
        count,
        fields[5],
        number(fields[6]),
        number(fields[7]),
        fields[8],
    )
    return entry if entry.is_right() else None


def digest_of(entry: Entry, before: Entry | None) -> bytes | None:
    """The 32 bytes of the digest of an event that names an image; None without its digest entry before it (13.2.1)."""
    if before is None or before.type != DIGEST or (before.sequence + 1) % (1 << 32) != entry.sequence:
        return None
    return entry.first8 + entry.more + before.first8 + u32(before.word_a) + u32(before.word_b) + before.more


def _named(
    type_: int, slot: int, area: int, digest: bytes, flags: int, count: int, rank: int, floor: int
) -> list[Entry]:
    rest = digest[12:]
    before = Entry(DIGEST, first8=rest[:8], word_a=number(rest[8:12]), word_b=number(rest[12:16]), more=rest[16:])
    place = area << 4 | slot
    return [before, Entry(type_, 0, place, flags, count, digest[:8], rank, floor, digest[8:12])]


def slot_entries(
    digest: bytes,
    slot: int,
    area: int,
    rank: int,
    flags: int,
    count: int,
    floor: int,
    is_installed: bool = False,
) -> list[Entry]:
    """The two entries of a slot event, or of "installed"."""
    return _named(INSTALLED if is_installed else SLOT, slot, area, digest, flags, count, rank, floor)


def receiving_entries(digest: bytes, slot: int, area: int) -> list[Entry]:
    return _named(RECEIVING, slot, area, digest, 0, 0, 0, 0)


def sectors_entry(opened: tuple[int, int] | None, closed: tuple[int, int] | None = None) -> Entry:
    none = (NO_SECTOR, NO_SECTOR)
    first, last = opened or none
    word_a, word_b = closed or none
    return Entry(SECTORS, first8=u32(first) + u32(last), word_a=word_a, word_b=word_b)


def floor_entry(floor: int, was_confirmed: bool = False) -> Entry:
    return Entry(FLOOR, count=1 if was_confirmed and floor == 0 else 0, word_b=floor)


def failed_entry(digest8: bytes, count: int) -> Entry:
    return Entry(FAILED, count=count, first8=digest8)


def order_entry(sequence: int, major: int, minor: int, patch: int) -> Entry:
    return Entry(ORDER, first8=u48(sequence) + u16(major), word_a=minor | patch << 16)


def nonces_entry(starts: int) -> Entry:
    return Entry(NONCES, word_a=starts)


AREA_MAGIC = b"MDMF"


def area_header(envelope: bytes, format_: int = 1, length: int | None = None) -> list[bytes]:
    """Section 13.3: the header of a manifest area by field."""
    head = [AREA_MAGIC, u16(format_), u16(len(envelope) if length is None else length)]
    return [*head, u32(crc32(b"".join(head) + envelope)), b"\xff" * 4]


def area_envelope(area: bytes, write_unit: int) -> bytes | None:
    """The envelope in a manifest area, given its bytes from the start of the sector; None if it does not read right."""
    offset = max(16, write_unit)
    length = number(area[6:8])
    envelope = area[offset : offset + length]
    is_headed = area[:4] == AREA_MAGIC and area[4:6] == u16(1) and area[12:16] == b"\xff" * 4
    if not is_headed or len(envelope) < length or number(area[8:12]) != crc32(area[:8] + envelope):
        return None
    return envelope
