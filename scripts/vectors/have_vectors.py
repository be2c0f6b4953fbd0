"""vectors/have-v1.json: what a rescuer says it has which is still receiving (PROTOCOL.md 5.21)."""

from __future__ import annotations

from typing import Any

from fields import u8, u24
from frame_vectors import frame_vector, malformed
from link_vectors import TAG

ABOUT = (
    "*Have* (PROTOCOL.md 5.21), computed by scripts/vectors from the text alone. The members are those of wire-v1.json. A target "
    "that asks for blocks in its own order skips it as a control that it does not know."
)
_HEAD = b"\x22"
_Range = tuple[int, int]


def _parts(ranges: list[_Range], entries: int | None = None) -> list[bytes]:
    count = len(ranges) if entries is None else entries
    return [_HEAD, u8(count), *(u24(number) for part in ranges for number in part)]


def _vector(name: str, ranges: list[_Range], more: bytes = b"") -> dict[str, Any]:
    says = {"tag": "have", "ranges": [{"first": first, "count": count} for first, count in ranges]}
    return frame_vector(name, TAG, says, [*_parts(ranges), *([more] if more else [])])


def document() -> dict[str, Any]:
    eight = [(32 * part, 16) for part in range(8)]
    frames = [
        _vector("have", [(0, 128), (192, 64)]),
        _vector("have of nothing", []),
        _vector("have with the most entries", eight),
        _vector("have with the largest numbers", [(0xFFFFFF, 0xFFFFFF)]),
    ]
    decode_only = [
        _vector("have with an unknown extension", [(3, 5)], b"\x7e\x01\x00"),
        _vector("have of ranges that overlap, are empty, and are in no order", [(9, 4), (3, 0), (2, 9)]),
    ]
    faults = [
        malformed("have with nine entries", TAG, _parts([*eight, (256, 16)])),
        malformed("have that is cut short", TAG, _parts([(0, 128)], entries=2)),
        malformed("have without a number of entries", TAG, [_HEAD]),
        malformed("have with a critical extension", TAG, [*_parts([(0, 1)]), b"\xfe\x00"]),
    ]
    return {"about": ABOUT, "protocolVersion": 1, "frames": frames, "decodeOnly": decode_only, "faults": faults}
