"""Sectors of a boot record as a board writes them (PROTOCOL.md 13.2.1), and ways to damage them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import record as r
from journal import Sector
from record import Entry

_SERIAL = 1 << 32


@dataclass
class Case:
    """Two sectors, and which of them has to hold."""

    name: str
    sectors: tuple[Sector, Sector]
    holds: int | None
    write_unit: int = 16
    erased: int = 0xFF


def digest(name: str) -> bytes:
    """The digest of an image that there is in name only."""
    return sha256(name.encode()).digest()


def flat(events: Iterable[Entry | list[Entry]]) -> list[Entry]:
    """Events as entries: one that names an image is two."""
    return [entry for event in events for entry in (event if isinstance(event, list) else [event])]


def sector(
    sequence: int,
    snapshot: Sequence[Entry | list[Entry]],
    events: Sequence[Entry | list[Entry]] = (),
    seals: int = 1,
) -> Sector:
    """A sector in the order in which it is programmed: snapshot, header, seals, events.

    The first entry of the snapshot has this sequence number, and each one programmed later one more.
    """
    first = flat(snapshot)
    header = Entry(r.HEADER, count=len(first), first8=r.MAGIC)
    behind = [*[Entry(r.SEAL)] * seals, *flat(events)]
    places = [*range(1, len(first) + 1), 0, *range(len(first) + 1, len(first) + 1 + len(behind))]
    numbered = zip(places, [*first, header, *behind], strict=True)
    return {
        place: replace(entry, sequence=(sequence + step) % _SERIAL).encode()
        for step, (place, entry) in enumerate(numbered)
    }


def without(made: Sector, *places: int) -> Sector:
    """The sector with these entries blank."""
    return {place: data for place, data in made.items() if place not in places}


def torn(made: Sector, place: int, offset: int = 27, bit: int = 7) -> Sector:
    """The sector with one bit of one entry wrong."""
    data = bytearray(made[place])
    data[offset] ^= 1 << bit
    return {**made, place: bytes(data)}


def moved(made: Sector, start: int, by: int) -> Sector:
    """The sector with its entries from `start` on a few places further back, blank ones before them."""
    return {place + by if place >= start else place: data for place, data in made.items()}


def with_entry(made: Sector, place: int, entry: Entry) -> Sector:
    """The sector with another entry in this place."""
    return {**made, place: entry.encode()}
