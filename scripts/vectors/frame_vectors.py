"""Vectors of one frame, with the members of wire-v1.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cobs import delimited
from fields import by_field
from frames import closed


def frame_vector(name: str, tag: int | None, says: dict[str, Any], parts: Sequence[bytes]) -> dict[str, Any]:
    """A frame of these fields, and what it says. `tag`: of its session; None for an announcement."""
    fields = closed(parts, tag)
    return {
        "name": name,
        "tag": tag,
        "frame": says,
        "frameHex": by_field(fields),
        "wireHex": delimited(b"".join(fields)).hex(),
    }


def malformed(name: str, tag: int | None, parts: Sequence[bytes]) -> dict[str, Any]:
    """A frame of these fields that is malformed."""
    return {"name": name, "tag": tag, "frameHex": by_field(closed(parts, tag)), "fault": "malformed"}
