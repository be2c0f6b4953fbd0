"""Packet numbers and acks, at the target (4.1, 4.3)."""

import math
from typing import Optional

from .frames import ACK, control, u16

REACH = 112
NEVER = float("inf")


def whole_number(highest: int, low: int) -> int:
    """4.1: the number nearest to highest + 1 with these 12 low bits."""
    expected = highest + 1
    candidate = expected - expected % 4096 + low
    if candidate <= expected - 2048:
        return candidate + 4096
    if candidate > expected + 2048 and candidate >= 4096:
        return candidate - 4096
    return candidate


class Acks:
    """What arrived, and when the next ack is due (4.3). Times in milliseconds."""

    def __init__(self) -> None:
        self.highest = -1
        self._arrived = 0  # bit i: packet highest - i
        self._highest_at = 0.0
        self._uncovered = 0
        self._due = NEVER

    def take(self, low: int, now: float, asks_now: bool = False) -> bool:
        """A packet that was kept, or is of no use. Whether it is a new one."""
        number = whole_number(self.highest, low)
        step = number - self.highest
        is_new = step > 0 or (-step < REACH and not self._arrived >> -step & 1)
        is_gap = step > 1
        if step > 0:
            self._arrived = (self._arrived << step | 1) & ((1 << REACH) - 1)
            self.highest, self._highest_at = number, now
        elif -step < REACH:
            self._arrived |= 1 << -step
        self._uncovered += 1
        self._due = min(self._due, now + 8)
        if is_gap or asks_now or self._uncovered >= 8:
            self._due = now
            self._again = is_gap
        return is_new

    _again = False

    def ask(self, now: float) -> None:
        """A block is complete."""
        self._due = now

    def due(self) -> float:
        return self._due

    def build(self, tag: int, now: float) -> Optional[bytes]:
        """The ack if it is due."""
        if now < self._due or self.highest < 0:
            return None
        self._due = now + 8 if self._again else NEVER
        self._again = False
        self._uncovered = 0
        units = min(255, math.floor((now - self._highest_at) / 0.256 + 0.5))
        return control(tag, ACK, u16(self.highest), bytes([units]), self._arrived.to_bytes(REACH // 8, "little"))
