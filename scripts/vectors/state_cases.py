"""The states that whole sectors of a boot record give (PROTOCOL.md 13.2.1 to 13.2.3)."""

from __future__ import annotations

from dataclasses import replace

import record as r
from journal import Sector
from journal_build import Case, digest, flat, moved, sector, torn, without
from record import (
    Entry,
    failed_entry,
    floor_entry,
    nonces_entry,
    order_entry,
    receiving_entries,
    sectors_entry,
    slot_entries,
)

_NONE: Sector = {}
_OLD, _NEW, _OTHER = digest("old"), digest("new"), digest("other")
_CONFIRMED = slot_entries(_OLD, 0, 0, 3, r.CONFIRMED, 0, 5)
_TRIAL = slot_entries(_NEW, 1, 1, 4, 0, 1, 0)
_UNPROVEN = slot_entries(_NEW, 1, 2, 4, r.CONFIRMED | r.UNPROVEN, 1, 0)
_REVERTED = slot_entries(_NEW, 1, 1, 4, r.REVERTED, 3, 0)
_RECEIVING = receiving_entries(_OTHER, 1, 2)
_EIGHTS = [digest(f"failed {i}")[:8] for i in range(6)]

Events = list[Entry | list[Entry]]


def _full_snapshot() -> Events:
    """25 entries, the most that a snapshot has (13.2.4)."""
    ranges: Events = [sectors_entry((10 * i, 10 * i + i % 3)) for i in range(1, 13)]
    failed: Events = [failed_entry(eight, i + 1) for i, eight in enumerate(_EIGHTS[:4])]
    head: Events = [floor_entry(5), _CONFIRMED, _TRIAL, order_entry(0x0102030405, 1, 2, 3), _RECEIVING]
    return [*head, *failed, *ranges, nonces_entry(77)]


def _one(name: str, snapshot: Events, events: Events, write_unit: int = 16, erased: int = 0xFF) -> Case:
    return Case(name, (_NONE, sector(500, snapshot, events)), 1, write_unit, erased)


def _geometries() -> list[Case]:
    """The same two sectors for each write unit and both values of erased bytes."""
    cases = []
    events: Events = [_RECEIVING, sectors_entry((20, 21)), sectors_entry((22, 23), (20, 20))]
    for unit in (1, 16, 32, 64, 256):
        for erased in (0xFF, 0x00):
            name = f"write units of {unit} bytes that erase to {erased:02x}"
            made = (sector(40, [floor_entry(2)]), sector(60, [floor_entry(5), _CONFIRMED], events))
            cases.append(Case(name, made, 1, unit, erased))
    return cases


def _slots() -> list[Case]:
    first: Events = [floor_entry(5), _CONFIRMED]
    proven = slot_entries(_NEW, 1, 2, 4, r.CONFIRMED, 0, 8)
    installed = slot_entries(_OTHER, 1, 2, 5, 0, 0, 0, is_installed=True)
    elsewhere = slot_entries(_OTHER, 0, 2, 5, r.CONFIRMED, 0, 6, is_installed=True)
    return [
        _one("the fullest snapshot", _full_snapshot(), []),
        _one("a slot is replaced by the event behind", first, [_TRIAL, slot_entries(_NEW, 1, 1, 4, 0, 2, 0)]),
        _one("a slot event leaves what is being received", [*first, _RECEIVING], [_TRIAL]),
        _one("installed ends what is being received", [*first, _RECEIVING], [installed]),
        _one("installed in the other slot ends it, too", [*first, _RECEIVING], [elsewhere]),
        _one("receiving replaces receiving", [*first, _RECEIVING], [receiving_entries(_NEW, 0, 1)]),
        _one("an unproven image leaves the floor, a proven one raises it", first, [_UNPROVEN, proven]),
        _one("an unproven image alone, of a board that had none before", [], [_UNPROVEN]),
        _one("the floor never falls", [floor_entry(9)], [floor_entry(4), slot_entries(_OLD, 0, 0, 1, 1, 0, 7)]),
        _one("a floor of 0 after a confirmed image", [floor_entry(0, True)], [floor_entry(0)]),
        _one("a floor of 0 before any confirmed image", [floor_entry(0), nonces_entry(1)], []),
        _one("starts never fall", [nonces_entry(12)], [nonces_entry(14), nonces_entry(13)]),
        _one("starts up to the largest number", [nonces_entry(0xFFFFFFFE)], [nonces_entry(0xFFFFFFFF)]),
    ]


def _failed_and_order() -> list[Case]:
    order = order_entry(7, 1, 0, 65535)
    counted: Events = [failed_entry(eight, i + 1) for i, eight in enumerate(_EIGHTS[:4])]
    confirmed = slot_entries(_NEW, 1, 1, 4, r.CONFIRMED, 0, 5)
    new8 = _NEW[:8]
    return [
        _one(
            "a fifth short digest: the one counted longest ago gives way",
            counted,
            [failed_entry(_EIGHTS[4], 9)],
        ),
        _one(
            "a short digest that is counted again is the newest",
            counted,
            [failed_entry(_EIGHTS[0], 2), failed_entry(_EIGHTS[4], 9)],
        ),
        _one("a count of 0 forgets a short digest", counted, [failed_entry(_EIGHTS[1], 0)]),
        _one("a count of 0 of an unknown short digest", counted, [failed_entry(_EIGHTS[5], 0)]),
        _one("reverted counts one failed confirm", [_TRIAL], [_REVERTED]),
        _one("reverted again counts no further one", [_TRIAL], [_REVERTED, _REVERTED]),
        _one("a third trial of one image that fails", [_TRIAL, failed_entry(new8, 2)], [_REVERTED]),
        _one("reverted makes a fifth short digest", [_TRIAL, *counted], [_REVERTED]),
        _one(
            "confirmed forgets the failed confirms of its short digest",
            [_TRIAL, failed_entry(new8, 2)],
            [confirmed],
        ),
        _one("confirmed leaves those of others", [_TRIAL, *counted], [confirmed]),
        _one("a snapshot states the number of a reverted image", [_REVERTED, failed_entry(new8, 3)], []),
        _one("a snapshot with a reverted image alone counts nothing", [_REVERTED], []),
        _one(
            "a new trial of a reverted image is no failed confirm, its second failure is",
            [_REVERTED],
            [_TRIAL, _REVERTED],
        ),
        _one("an order that is given up", [_CONFIRMED], [order]),
        _one("an order is replaced", [order], [order_entry((1 << 48) - 1, 65535, 65535, 65535)]),
        _one("an order is forgotten", [order, nonces_entry(1)], [order_entry(0, 0, 0, 0)]),
        _one("a confirmed slot forgets the order", [order], [confirmed]),
        _one("a trial leaves the order", [order], [_TRIAL]),
    ]


def _sectors() -> list[Case]:
    # Gaps of 8, 9, 10, ... between ranges, so that the two nearest are the first two.
    starts = [sum(range(8, 8 + i)) for i in range(13)]
    twelve: Events = [sectors_entry((start, start)) for start in starts[1:]]
    near: Events = [sectors_entry((100 * i, 100 * i + 50)) for i in range(1, 13)]
    return [
        _one("a range is opened", [], [sectors_entry((8, 15))]),
        _one("a range is closed", [sectors_entry((8, 15)), nonces_entry(1)], [sectors_entry(None, (8, 15))]),
        _one("the middle of a range is closed", [sectors_entry((8, 15))], [sectors_entry(None, (10, 11))]),
        _one("closing comes before opening", [sectors_entry((8, 15))], [sectors_entry((10, 12), (8, 20))]),
        _one("ranges that touch are one", [sectors_entry((8, 15))], [sectors_entry((16, 17))]),
        _one(
            "ranges that overlap are one",
            [sectors_entry((8, 15)), sectors_entry((20, 30))],
            [sectors_entry((12, 22))],
        ),
        _one("a range whose last sector is before its first", [nonces_entry(1)], [sectors_entry((9, 8))]),
        _one("a range with a first sector and no last one", [nonces_entry(1)], [sectors_entry((9, r.NO_SECTOR))]),
        _one("closing what is not open", [sectors_entry((8, 9))], [sectors_entry(None, (20, 30))]),
        _one("a thirteenth range: the two nearest are joined", twelve, [sectors_entry((0, 0))]),
        _one("a thirteenth range near one in the middle", near, [sectors_entry((660, 661))]),
        _one(
            "a thirteenth range far from all others: two of those are joined",
            twelve,
            [sectors_entry((500, 500))],
        ),
        _one("a range is closed and a thirteenth opened at once", near, [sectors_entry((10, 10), (300, 350))]),
    ]


def _torn() -> list[Case]:
    snapshot: Events = [floor_entry(5), _CONFIRMED]
    made = sector(500, snapshot, [_TRIAL, _RECEIVING, nonces_entry(4)])
    # Places: snapshot 1 to 3, seal 4, digest and slot 5 and 6, digest and receiving 7 and 8, nonces 9.
    swapped = {**made, 5: made[7], 7: made[5]}
    late = [replace(entry, sequence=900 + i) for i, entry in enumerate(flat([_RECEIVING]))]
    skipped = {**made, 10: late[0].encode(), 11: replace(late[1], sequence=902).encode()}
    cases: list[tuple[str, Sector]] = [
        ("all events are whole", made),
        ("the last event is torn", torn(made, 9)),
        ("an event in the middle is torn, those behind it count", torn(made, 6, 12, 0)),
        ("an event's digest entry is blank", without(made, 7)),
        ("an event's digest entry is torn", torn(made, 7, 8, 1)),
        ("a digest entry alone, at the end", without(made, 8, 9)),
        ("a digest entry alone, before another event", without(made, 8)),
        ("blank entries between events", moved(made, 7, 4)),
        ("a blank entry between digest and event", moved(made, 8, 1)),
        ("digest entries of two events in the wrong places", swapped),
        ("a digest entry whose sequence number is two less", skipped),
    ]
    wrap = sector(0xFFFFFFF9, snapshot, [_TRIAL, _RECEIVING])
    return [
        *(Case(name, (sector(100, [floor_entry(1)]), made_), 1) for name, made_ in cases),
        Case("sequence numbers wrap between a digest entry and its event", (_NONE, _shifted_wrap()), 1),
        Case("sequence numbers wrap within the sector", (sector(0xFFFFFF00, [floor_entry(1)]), wrap), 1),
        Case(
            "the first of two sectors gives the state",
            (sector(200, snapshot, [_RECEIVING]), sector(100, [_TRIAL])),
            0,
        ),
    ]


def _shifted_wrap() -> Sector:
    """Snapshot of one, header, seal, then a digest entry with 2^32 - 1 and its event with 0."""
    return sector(0xFFFFFFFC, [floor_entry(5)], [_RECEIVING])


def state_cases() -> list[Case]:
    return [*_geometries(), *_slots(), *_failed_and_order(), *_sectors(), *_torn()]
