"""Which sector of a boot record counts, and which holds (PROTOCOL.md 13.2.1)."""

from __future__ import annotations

import record as r
from journal import Sector
from journal_build import Case, digest, moved, sector, torn, with_entry, without
from record import Entry, floor_entry, nonces_entry, receiving_entries, slot_entries

_A = [floor_entry(11)]
_B = [floor_entry(22)]
_NONE: Sector = {}


def _sealed() -> list[Case]:
    earlier, later = sector(100, _A), sector(200, _B)
    long = sector(190, _A, [nonces_entry(1 + i) for i in range(12)])
    return [
        Case("nothing in either sector", (_NONE, _NONE), None),
        Case("only the first sector", (sector(100, _A), _NONE), 0),
        Case("only the second sector", (_NONE, sector(100, _B)), 1),
        Case("the later seal stands in the second sector", (earlier, later), 1),
        Case("the later seal stands in the first sector", (later, earlier), 0),
        Case("two more seals make the sector with the earlier header the later one", (_seals_late(), later), 0),
        Case("a later event is no later seal", (long, later), 1),
        Case("a seal is later across the wrap", (sector(0xFFFFFFFC, _A), sector(0, _B)), 1),
        Case("a seal is later across the wrap, in the first sector", (sector(0, _A), sector(0xFFFFFFF0, _B)), 0),
        Case("a seal is later by 2^31 - 1", (sector(7, _A), sector(0x80000006, _B)), 1),
        Case(
            "a seal whose number is higher by 2^31 + 1 is the earlier one",
            (sector(0x80000008, _A), sector(7, _B)),
            1,
        ),
    ]


def _seals_late() -> Sector:
    made = sector(100, _A)
    return {**made, 3: Entry(r.SEAL, 300).encode(), 4: Entry(r.SEAL, 301).encode()}


def _unsealed() -> list[Case]:
    open_a, open_b = sector(100, _A, seals=0), sector(200, _B, seals=0)
    sealed = sector(100, _A)
    return [
        Case("no seal at all: the earlier header holds", (open_a, open_b), 0),
        Case("no seal at all: the earlier header stands in the second sector", (open_b, open_a), 1),
        Case("no seal at all, across the wrap", (sector(3, _A, seals=0), sector(0xFFFFFFF0, _B, seals=0)), 1),
        Case("one sector without a seal, alone", (_NONE, open_b), 1),
        Case("a seal against a later sector without one", (sealed, open_b), 0),
        Case("a later sector whose seal is torn", (sealed, torn(sector(200, _B), 2)), 0),
        Case(
            "both seals are torn: the earlier header holds",
            (torn(sector(200, _A), 2), torn(sector(100, _B), 2)),
            1,
        ),
        Case("a torn seal before a right one", (torn(sector(200, _A, seals=2), 2), sector(100, _B)), 0),
        Case("a seal behind blank entries", (moved(sector(200, _A), 2, 3), sector(100, _B)), 0),
    ]


def _damaged() -> list[Case]:
    other = sector(100, _A)
    image = digest("image")
    named: list[Entry | list[Entry]] = [slot_entries(image, 0, 0, 1, r.CONFIRMED, 0, 5), floor_entry(22)]
    full = sector(200, named)
    version2 = Entry(r.HEADER, 201, count=1, first8=bytes.fromhex("4d44425245430200"))
    counted = Entry(r.HEADER, 201, count=3, first8=r.MAGIC)
    return [
        Case("a torn header", (other, torn(sector(200, _B), 0)), 0),
        Case("a blank header", (other, without(sector(200, _B), 0)), 0),
        Case("a header of another version", (other, with_entry(sector(200, _B), 0, version2)), 0),
        Case(
            "another right entry in place of the header",
            (other, with_entry(sector(200, _B), 0, floor_entry(9))),
            0,
        ),
        Case("a snapshot of three entries, whole", (other, full), 1),
        Case("the first snapshot entry is blank: a digest", (other, without(full, 1)), 0),
        Case("a snapshot entry that names an image is blank", (other, without(full, 2)), 0),
        Case("the last snapshot entry is blank", (other, without(full, 3)), 0),
        Case("one bit of a snapshot entry is wrong", (other, torn(full, 3, 4, 0)), 0),
        Case("one bit of the digest in a snapshot is wrong", (other, torn(full, 1, 20, 3)), 0),
        Case(
            "a header that counts more entries than there are",
            (other, with_entry(without(sector(200, _B), 2), 0, counted)),
            0,
        ),
        Case("an empty snapshot", (_NONE, sector(200, [], [floor_entry(22)])), 1),
        Case("neither sector counts", (without(other, 0), without(full, 2)), None),
        Case(
            "a torn event does not touch the election",
            (other, torn(sector(200, _B, [receiving_entries(image, 1, 1)]), 4)),
            1,
        ),
    ]


def election_cases() -> list[Case]:
    return [*_sealed(), *_unsealed(), *_damaged()]
