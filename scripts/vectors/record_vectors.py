"""vectors/record-v1.json: elections and states of the boot record, and manifest areas (PROTOCOL.md 13.2, 13.3)."""

from __future__ import annotations

from typing import Any

import record as r
from area_vectors import area_vectors
from election_cases import election_cases
from fields import by_field, cut
from journal import Sector, State, elect, read
from journal_build import Case
from state_cases import state_cases

ABOUT = (
    "The boot record's two sectors, what they give, and manifest areas (PROTOCOL.md 13.2, 13.3), computed by "
    "scripts/vectors from the text alone. Entry i of a sector stands at i x max(32, writeUnit); all bytes that are "
    "not listed are erased. vectors/README.md says what each member means."
)
_FLAGS = [(r.CONFIRMED, "confirmed"), (r.REVERTED, "reverted"), (r.UNPROVEN, "unproven")]


def _state(state: State) -> dict[str, Any]:
    receiving = state.receiving
    order = state.order
    return {
        "slots": [
            {
                "slot": slot,
                "digest": known.digest.hex(),
                "area": known.area,
                "rank": known.rank,
                "flags": [name for bit, name in _FLAGS if known.flags & bit],
                "count": known.count,
            }
            for slot, known in sorted(state.slots.items())
        ],
        "receiving": None
        if receiving is None
        else {"slot": receiving[0], "digest": receiving[1].hex(), "area": receiving[2]},
        "openSectors": [list(found) for found in state.ranges()],
        "floor": state.floor,
        "wasConfirmed": state.was_confirmed,
        "failed": [{"digest": digest.hex(), "count": count} for digest, count in state.failed.items()],
        "order": None if order is None else {"sequence": order[0], "version": list(order[1:])},
        "starts": state.starts,
    }


def _entries(sector: Sector) -> list[list[Any]]:
    return [[place, by_field(cut(data, r.ENTRY_FIELDS))] for place, data in sorted(sector.items())]


def _journal(case: Case) -> dict[str, Any]:
    readings = [read(sector) for sector in case.sectors]
    holds = elect(readings[0], readings[1])
    reading = readings[holds] if holds is not None else None
    if case.holds != holds:
        raise AssertionError(f"{case.name}: sector {holds} holds")
    return {
        "name": case.name,
        "writeUnit": case.write_unit,
        "erased": f"{case.erased:02x}",
        "sectors": [_entries(sector) for sector in case.sectors],
        "counts": [found is not None for found in readings],
        "holds": holds,
        "state": _state(reading.state if reading is not None else State()),
    }


def document() -> dict[str, Any]:
    return {
        "about": ABOUT,
        "journals": [_journal(case) for case in [*election_cases(), *state_cases()]],
        "manifestAreas": area_vectors(),
    }
