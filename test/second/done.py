"""The end of a session that healed: done, until the done-ack (5.12, 6.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import frames, manifest
from .frames import control
from .link import NEVER, Acks

if TYPE_CHECKING:
    from .session import Session
    from .target import Target


class Done:
    """Takes the place of the session that committed."""

    def __init__(self, target: Target, session: Session, acks: Acks, grants: int, healed: manifest.Manifest, now: float) -> None:
        self.tag, self.digest, self.rescuer_nonce = session.tag, session.digest, session.rescuer_nonce
        self._t, self._acks, self._grants, self._healed = target, acks, grants, healed
        self._count = 0
        self._answered_at = -NEVER
        self._at, self._until = now, now + 15_000

    def hears(self, now: float) -> None:
        """Nothing follows from being heard."""

    def take(self, frame: frames.Frame, now: float) -> None:
        if isinstance(frame, frames.Message):
            if frame.type == frames.DONE_ACK and frame.body[1:9] == self.digest:
                self._t.ended = "healed"
            return
        self._acks.take(frame.low, now, isinstance(frame, frames.Probe))
        self._t.send_ack(self._acks, self.tag, now)

    def tick(self, now: float) -> None:
        self._t.send_ack(self._acks, self.tag, now)
        if now >= self._until:
            self._t.ended = "not heard"
        elif now >= self._at:
            self._grants += 1
            self._t.send(frames.grant(self.tag, self._grants, []))
            self._t.send(control(self.tag, frames.DONE, self.digest))
            self._count += 1
            if self._count > 1:
                self._t.send(self._t.status(frames.BEACON, self._healed))
            self._at = now + max(self._t.timing.rto(), 200.0, 2 * self._t.timing.line(95))

    def due(self) -> float:
        return min(self._acks.due(), self._at, self._until)

    def gives_way(self, nonce: bytes, now: float) -> bool:
        return False

    def take_other_offer(self, offer: bytes, now: float) -> None:
        self.take_stranger(now)

    def take_stranger(self, now: float) -> None:
        """A query, a beacon, or another offer: a beacon, at most 5 a second (5.1)."""
        if now - self._answered_at >= 200:
            self._answered_at = now
            self._t.send(self._t.status(frames.BEACON, self._healed))

    def take_bye(self, reason: int, now: float) -> None:
        self._t.ended = "not heard"
