"""Times of the line and of the round trip, in milliseconds (4.4, 6)."""

from typing import Optional


class Timing:
    """RTO, wait, pause and lease of one link."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._mean: Optional[float] = None
        self._deviation = 0.0

    def line(self, count: int) -> float:
        return count * 10_000 / self._rate

    def sample(self, time: float) -> None:
        time = max(0.0, time)
        if self._mean is None:
            self._mean, self._deviation = time, time / 2
        else:
            self._deviation += (abs(self._mean - time) - self._deviation) / 4
            self._mean += (time - self._mean) / 8

    def rto(self) -> float:
        return 100.0 if self._mean is None else self._mean + max(25.0, 4 * self._deviation)

    def wait(self) -> float:
        return self.rto() + self.line(6000)

    def pause(self, longest: int) -> float:
        return self.rto() + 40 + min(2000.0, 2 * self.line(max(286, longest)))

    def lease(self, block: int) -> float:
        return max(5000.0, 8 * (self.line(block) + self.rto()))


class Lease:
    """How long a session lives without anything right (6); a *later* makes it stand still (6.5)."""

    def __init__(self, timing: Timing, block: int, now: float) -> None:
        self._timing = timing
        self.later_until = now
        self.renew(block, now)

    def renew(self, block: int, now: float) -> None:
        """Something right came: a run, a block; or the manifest was accepted."""
        self._from, self._block = now, block
        self._held = max(0.0, self.later_until - now)

    def hold(self, time: int, now: float) -> None:
        """A *later*; it is believed for 60 s after what was right last. Several are not added up."""
        until = min(now + time, self._from + 60_000)
        begin = max(now, self.later_until)
        self._held += max(0.0, until - begin)
        self.later_until = max(self.later_until, until)

    def end(self) -> float:
        return self._from + self._timing.lease(self._block) + self._held
