"""The boot record's two sectors: which one counts, which one holds, and the state that it gives (PROTOCOL.md 13.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import record as r
from fields import number
from record import Entry
from serial_number import is_after

RANGES_MAX = 12
FAILED_MAX = 4

Sector = dict[int, bytes]
"""Entries of 32 bytes by their place, 0 for the header; what is not there is erased."""


@dataclass
class SlotState:
    digest: bytes
    area: int
    rank: int
    flags: int
    count: int


@dataclass
class State:
    slots: dict[int, SlotState] = field(default_factory=dict)
    receiving: tuple[int, bytes, int] | None = None
    open_sectors: set[int] = field(default_factory=set)
    floor: int = 0
    was_confirmed: bool = False
    failed: dict[bytes, int] = field(default_factory=dict)
    """Failed confirms by short digest, the one counted longest ago first."""
    order: tuple[int, int, int, int] | None = None
    starts: int = 0

    def ranges(self) -> list[tuple[int, int]]:
        """The open sectors as ranges, in order."""
        found: list[tuple[int, int]] = []
        for sector in sorted(self.open_sectors):
            if found and found[-1][1] == sector - 1:
                found[-1] = (found[-1][0], sector)
            else:
                found.append((sector, sector))
        return found

    def apply(self, entry: Entry, digest: bytes | None) -> None:
        """The effect of an event (13.2.2)."""
        if entry.type in (r.INSTALLED, r.SLOT) and digest is not None:
            self._apply_slot(entry, digest)
        elif entry.type == r.RECEIVING and digest is not None:
            self.receiving = (entry.place & 0xF, digest, entry.place >> 4)
        elif entry.type == r.SECTORS:
            self._apply_sectors(entry)
        elif entry.type == r.FLOOR:
            self.floor = max(self.floor, entry.word_b)
            self.was_confirmed = self.was_confirmed or entry.count == 1 or entry.word_b > 0
        elif entry.type == r.FAILED:
            self._count_failed(entry.first8, entry.count)
        elif entry.type == r.ORDER:
            major = number(entry.first8[6:])
            order = (number(entry.first8[:6]), major, entry.word_a & 0xFFFF, entry.word_a >> 16)
            self.order = order if any(order) else None
        elif entry.type == r.NONCES:
            self.starts = max(self.starts, entry.word_a)

    def _apply_slot(self, entry: Entry, digest: bytes) -> None:
        slot = entry.place & 0xF
        before = self.slots.get(slot)
        # Of the same image: a snapshot, too, states a slot as reverted, and has to give the state that it was made of.
        is_new = before is not None and before.digest == digest and not before.flags & r.REVERTED
        self.slots[slot] = SlotState(digest, entry.place >> 4, entry.word_a, entry.flags, entry.count)
        self.floor = max(self.floor, entry.word_b)
        if entry.flags & r.CONFIRMED:
            self.order = None
            self._count_failed(digest[:8], 0)
            self.was_confirmed = self.was_confirmed or not entry.flags & r.UNPROVEN
        if entry.flags & r.REVERTED and is_new:
            self._count_failed(digest[:8], self.failed.get(digest[:8], 0) + 1)
        self.was_confirmed = self.was_confirmed or entry.word_b > 0
        if entry.type == r.INSTALLED:
            self.receiving = None

    def _count_failed(self, digest8: bytes, count: int) -> None:
        self.failed.pop(digest8, None)
        if count == 0:
            return
        self.failed[digest8] = count
        if len(self.failed) > FAILED_MAX:
            del self.failed[next(iter(self.failed))]

    def _apply_sectors(self, entry: Entry) -> None:
        """Closes, then opens (13.2.2); joins the two nearest ranges while there are too many (13.2.3)."""
        if entry.word_a != r.NO_SECTOR:
            self.open_sectors -= set(range(entry.word_a, entry.word_b + 1))
        first, last = number(entry.first8[:4]), number(entry.first8[4:])
        if first != r.NO_SECTOR:
            self.open_sectors |= set(range(first, last + 1))
        while len(ranges := self.ranges()) > RANGES_MAX:
            gaps = [(after[0] - before[1], before[1], after[0]) for before, after in pairwise(ranges)]
            nearest = min(gaps)
            if [gap[0] for gap in gaps].count(nearest[0]) > 1:
                raise AssertionError("which two ranges are nearest is not fixed by the text")
            self.open_sectors |= set(range(nearest[1], nearest[2]))


@dataclass
class Reading:
    """What a sector gives."""

    header_sequence: int
    last_seal: int | None
    state: State


def read(sector: Sector) -> Reading | None:
    """Section 13.2.1; None if the sector does not count."""
    entries = {place: r.decode(data) for place, data in sector.items()}
    header = entries.get(0)
    if header is None or header.type != r.HEADER:
        return None
    state = State()
    last_seal: int | None = None
    for place in range(1, max(max(sector), header.count) + 1):
        entry = entries.get(place)
        digest = r.digest_of(entry, entries.get(place - 1)) if entry is not None else None
        is_missing = entry is None or (entry.type in r.NAMES_AN_IMAGE and digest is None)
        if is_missing and place <= header.count:
            return None
        if entry is None or is_missing:
            continue
        if entry.type == r.SEAL and place > header.count:
            last_seal = entry.sequence
        state.apply(entry, digest)
    return Reading(header.sequence, last_seal, state)


def elect(a: Reading | None, b: Reading | None) -> int | None:
    """Which of two sectors holds: 0, 1, or None where neither counts."""
    if a is None or b is None:
        return 0 if a is not None else 1 if b is not None else None
    if a.last_seal is not None and b.last_seal is not None:
        return 0 if is_after(a.last_seal, b.last_seal, 32) else 1
    if a.last_seal is not None or b.last_seal is not None:
        return 0 if a.last_seal is not None else 1
    return 1 if is_after(a.header_sequence, b.header_sequence, 32) else 0
