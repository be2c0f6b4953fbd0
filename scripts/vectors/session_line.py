"""A line between a target and a rescuer on which a script says which frames are lost, and the steps that come of it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from fields import by_field
from session_rescuer import Rescuer
from session_target import Target

EIGHT_MS_UNITS = 31
"""The longest delay of an ack that is below 8 ms."""

Loss = tuple[str, int]
"""Kind of a frame, and which one of that kind, from 0."""


@dataclass
class Line:
    """
    What the rescuer says arrives at once. What the target says arrives when the rescuer has sent `packets_late` more
    packets, or has none to send. When nothing moves, a timer does: see `_fire_timer`.
    """

    lost: set[Loss]
    packets_late: int
    steps: list[dict[str, Any]] = field(default_factory=list)
    target: Target = field(init=False)
    rescuer: Rescuer = field(init=False)
    _counts: dict[str, int] = field(default_factory=dict)
    _packets: int = 0
    _late: deque[tuple[int, int, str, dict[str, Any]]] = field(default_factory=deque)
    _is_by_timer: bool = False

    def _record(self, side: str, kind: str, frame: list[bytes], content: dict[str, Any]) -> bool:
        """Notes a frame; whether it arrives."""
        which = self._counts.get(kind, 0)
        self._counts[kind] = which + 1
        is_lost = (kind, which) in self.lost
        step: dict[str, Any] = {"from": side, "kind": kind}
        if self._is_by_timer:
            step["by"] = "timer"
        if "delayUnits" in content:
            step["delayUnits"] = content["delayUnits"]
        if is_lost:
            step["lost"] = True
            self.lost.discard((kind, which))
        self.steps.append({**step, "frameHex": by_field(frame)})
        return not is_lost

    def from_target(self, kind: str, frame: list[bytes], content: dict[str, Any]) -> None:
        if self._record("target", kind, frame, content):
            self._late.append((self._packets + self.packets_late, len(self.steps) - 1, kind, content))

    def from_rescuer(self, kind: str, frame: list[bytes], content: dict[str, Any]) -> None:
        is_packet = kind in ("data", "object", "probe")
        self._packets += is_packet
        arrives = self._record("rescuer", kind, frame, content)
        self._is_by_timer = False
        if not arrives:
            return
        if is_packet:
            self.target.hear_packet(content["low"], content)
        elif kind == "offer":
            self.target.hear_offer(self.rescuer.session)
        else:
            self.target.hear_done_ack()

    def _deliver(self) -> None:
        _, step, kind, content = self._late.popleft()
        self.steps.append({"heard": step})
        rescuer = self.rescuer
        match kind:
            case "distress":
                rescuer.hear_distress()
            case "accept":
                rescuer.hear_accept(self.target.tag, self.target.payload_max, self.target.asks)
            case "refuse":
                rescuer.hear_refuse()
            case "request":
                rescuer.hear_request(content["sequence"], content["nodes"])
            case "grant":
                rescuer.hear_grant(content["sequence"], content["blocks"])
            case "ack":
                rescuer.hear_ack(content["highest"] & 0xFFFF, content["bitmap"])
            case "done":
                rescuer.hear_done()
            case "beacon" if rescuer.state == "serving":
                rescuer.hear_done()

    def run(self) -> list[dict[str, Any]]:
        """From the first call to the end of the session."""
        self.target.call()
        for _ in range(10_000):
            if self._late and (self._late[0][0] <= self._packets or not self.rescuer.can_send):
                self._deliver()
            elif self.rescuer.can_send:
                self.rescuer.send_next()
            elif self.target.state in ("refused", "stopped"):
                break
            elif self.target.owes_ack:
                self.target.ack(EIGHT_MS_UNITS)
            else:
                self._fire_timer()
        if self.lost:
            raise AssertionError(f"frames that were to be lost and never came: {sorted(self.lost)}")
        return self.steps

    def _fire_timer(self) -> None:
        """The rescuer repeats its offer, or probes what is in flight; else the target repeats what it says."""
        self._is_by_timer = True
        if self.rescuer.state == "offering":
            self.rescuer.offer()
        elif self.rescuer.in_flight:
            self.rescuer.probe()
        else:
            self.target.repeat()
        self._is_by_timer = False
