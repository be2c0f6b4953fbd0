"""Blocks of the images in session-v1.json, and of what a slot holds before: each by a rule."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Content:
    """A block by a rule: one value in all of it, or byte i is (start + 5 i + floor(i / 256)) modulo 256."""

    start: int = 0
    fill: int | None = None

    def block(self, length: int) -> bytes:
        if self.fill is not None:
            return bytes([self.fill]) * length
        return bytes((self.start + 5 * i + i // 256) & 0xFF for i in range(length))

    def stated(self) -> dict[str, int]:
        return {"start": self.start} if self.fill is None else {"fill": self.fill}


def lengths_of(size: int, block_size: int) -> list[int]:
    """The lengths of an image's blocks (7.1): the last one may be shorter."""
    return [min(block_size, size - start) for start in range(0, size, block_size)]
