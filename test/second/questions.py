"""What a target asks for in a session: requests and grants (5.9, 5.10), and the round trip that they measure (4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from . import frames
from .tree import Walk

if TYPE_CHECKING:
    from .target import Target

BOTH_CODECS, RAW_ONLY = 3, 1


class Questions:
    """Numbers requests and grants, and knows what was asked for last and when."""

    def __init__(self, target: Target, tag: int, now: float) -> None:
        self._t, self._tag = target, tag
        self._requests = 0
        self.grants = 0
        self.is_granted = False
        self.asked_at = now
        self._asked_once_at: Optional[float] = now

    def ask(self, walk: Walk, attempt: int, is_raw_only: bool, now: float, is_again: bool = False) -> None:
        """A request if a run is wanted; a grant if a block is, or was until now, or in any case when asked again."""
        wanted = walk.wanted()
        if wanted:
            self._requests += 1
            self._t.send(frames.request(self._tag, self._requests, [wanted]))
        if walk.block or self.is_granted or is_again:
            codecs = RAW_ONLY if is_raw_only else BOTH_CODECS
            entries = [(walk.block[0], 1, attempt, codecs)] if walk.block else []
            self.grants += 1
            self.is_granted = bool(entries)
            self._t.send(frames.grant(self._tag, self.grants, entries))
        self.was_asked(now, is_again)

    def was_asked(self, now: float, is_again: bool) -> None:
        self.asked_at = now
        self._asked_once_at = None if is_again else now

    def was_answered(self, payload: int, is_sample: bool, now: float) -> None:
        """The first chunk of an answer gives a sample, unless the question was repeated (Karn's rule)."""
        if self._asked_once_at is not None and is_sample:
            self._t.timing.sample(now - self._asked_once_at - self._t.timing.line(payload + 18))
        self._asked_once_at = None

    def repeat_at(self, walk: Optional[Walk], heard_at: float, longest: int) -> float:
        """6.4: when to ask again, after a pause in silence, or a wait for a run."""
        silent = max(heard_at, self.asked_at) + self._t.timing.pause(longest)
        if walk and walk.wanted():
            return min(silent, self.asked_at + self._t.timing.wait())
        return silent
