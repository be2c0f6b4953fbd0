"""A target with one block buffer and one run (PROTOCOL.md 6.1, 6.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import frames
import messages
from link import ack_bitmap, chunk_place, packet_number
from messages import Session, Status
from one_run_walk import OneRunWalk
from tree import Node, fold, leaf_hash

_CODECS = 1 << messages.CODEC_RAW | 1 << messages.CODEC_UNIFORM
_PACKETS_PER_ACK = 8
REFUSED_SIGNATURE = 1


@dataclass(frozen=True)
class Plan:
    """What the target reads in a manifest that it accepts."""

    size: int
    block_size: int
    root: bytes
    version: tuple[int, int, int]
    sequence: int


@dataclass
class Target:
    """Answers frames at once; own work takes no time. `judge`: a plan, or the reason of a refusal."""

    status: Status
    payload_max: int
    asks: int
    slot: list[bytes]
    judge: Callable[[bytes], Plan | int]
    say: Callable[[str, list[bytes], dict[str, Any]], None]
    state: str = "calling"
    session: Session | None = None
    tag: int = 0
    plan: Plan | None = None
    _highest: int = -1
    _received: set[int] = field(default_factory=set)
    uncovered: int = 0
    _is_report_owed: bool = False
    _objects: dict[int, dict[int, bytes]] = field(default_factory=dict)
    _walk: OneRunWalk | None = None
    _chunks: dict[int, bytes] = field(default_factory=dict)
    _requests: int = 0
    _grants: int = 0

    def call(self) -> None:
        """Distress: when the link comes up, and again by a timer (5.2)."""
        self.say("distress", messages.status(True, self.status), {})

    def hear_offer(self, session: Session) -> None:
        """Section 6.1: an offer for this boot nonce is taken; the same one again is accepted again."""
        if self.state == "calling":
            self.session = session
            self.tag = frames.session_tag(
                session.target_nonce, session.rescuer_nonce, session.target_id, session.rescuer_id, session.digest
            )
            self.state = "accepting"
        if self.state == "accepting" and session == self.session:
            self.say("accept", messages.accept(session, self.payload_max, 1, _CODECS | self.asks), {})

    def hear_packet(self, low: int, packet: dict[str, Any]) -> None:
        """A probe, or a chunk of an object or a block (4.3): it is kept first, and then acked if an ack is due."""
        number = packet_number(low, self._highest)
        is_loss = number > self._highest + 1
        self._highest = number
        self._received.add(number)
        self.uncovered += 1
        then = self._take(packet) if packet["kind"] != "probe" else None
        is_urgent = packet["kind"] == "probe" or then == "block"
        if is_loss:
            self._is_report_owed = True
        if is_loss or is_urgent or self.uncovered >= _PACKETS_PER_ACK:
            self.ack(self._delay_units(), is_first_report=is_loss)
        if then == "manifest":
            self._check_manifest()
        elif then == "run" and self._walk is not None:
            self._check_run(self._walk)
        elif then == "block" and self._walk is not None:
            self._finish_block(self._walk)

    def _delay_units(self) -> int:
        """Any delay that is shorter than 8 ms; it differs from ack to ack."""
        return 7 * self._highest % 20

    def ack(self, delay_units: int, is_first_report: bool = False) -> None:
        """Section 4.3."""
        if not is_first_report:
            self._is_report_owed = False
        self.uncovered = 0
        bitmap = ack_bitmap(self._received, self._highest)
        fields = frames.ack(self._highest, delay_units, bitmap, self.tag)
        self.say("ack", fields, {"highest": self._highest, "bitmap": bitmap, "delayUnits": delay_units})

    @property
    def owes_ack(self) -> bool:
        """An ack goes out when 8 ms have passed."""
        return self.state != "stopped" and (self.uncovered > 0 or self._is_report_owed)

    def _take(self, packet: dict[str, Any]) -> str | None:
        """Keeps a chunk; what it completes."""
        if packet["kind"] == "data":
            return "block" if self._keep_data(packet) else None
        kind, part, offset = packet["object"], packet["part"], packet["offset"]
        is_awaited = self.state == "accepting" if kind == messages.KIND_MANIFEST else True
        if not is_awaited or (kind == messages.KIND_RUN and not self._is_run_wanted(packet["node"])):
            return None
        chunks = self._objects.setdefault(kind, {})
        chunks[offset] = part
        if sum(len(chunk) for chunk in chunks.values()) < packet["total"]:
            return None
        if kind == messages.KIND_MANIFEST:
            return "manifest"
        return "run" if self.state == "receiving" else None

    def _is_run_wanted(self, node: Node) -> bool:
        if self.state == "accepting":
            return self.asks & messages.ASK_RUN != 0
        return self._walk is not None and self._walk.asked == node

    def _joined(self, kind: int) -> bytes:
        chunks = self._objects.pop(kind)
        return b"".join(chunks[offset] for offset in sorted(chunks))

    def _check_manifest(self) -> None:
        assert self.session is not None
        verdict = self.judge(self._joined(messages.KIND_MANIFEST))
        if isinstance(verdict, int):
            self.state = "refused"
            self.say("refuse", messages.refuse(self.session, verdict), {"reason": verdict})
            return
        self.plan = verdict
        self.state = "receiving"
        self._walk = OneRunWalk(verdict.size, verdict.block_size, verdict.root, self.slot)
        if not self.asks & messages.ASK_RUN:
            self._say_request(self._walk)

    def _say_request(self, walk: OneRunWalk) -> None:
        assert walk.asked is not None
        self._requests += 1
        nodes = [walk.asked]
        frame = messages.request(self._requests, nodes, self.tag)
        self.say("request", frame, {"sequence": self._requests, "nodes": nodes})

    def _check_run(self, walk: OneRunWalk) -> None:
        run = self._joined(messages.KIND_RUN)
        is_right = walk.take_run([run[at : at + 32] for at in range(0, len(run), 32)])
        if not is_right or walk.asked is not None:
            self._say_request(walk)
        else:
            self._grant_next(walk)

    def _grant_next(self, walk: OneRunWalk) -> None:
        """Request and grant as they change (6.1); when nothing is missing, the board commits."""
        self._chunks = {}
        if walk.asked is not None:
            self._say_request(walk)
        if walk.asked is not None or walk.wanted is not None:
            self._say_grant(self._wanted)
        else:
            self._commit()

    @property
    def _wanted(self) -> list[int]:
        block = None if self._walk is None else self._walk.wanted
        return [] if block is None else [block]

    def _say_grant(self, blocks: list[int]) -> None:
        self._grants += 1
        entries = [(block, 1, 0, _CODECS) for block in blocks]
        self.say("grant", frames.grant(self._grants, entries, self.tag), {"sequence": self._grants, "blocks": blocks})

    def _keep_data(self, packet: dict[str, Any]) -> bool:
        assert self.plan is not None
        granted = [(block, 0) for block in self._wanted]
        part: bytes = packet["part"]
        place = chunk_place(
            packet["position"], len(part), packet["attempt"], granted, self.plan.block_size, self.plan.size
        )
        if place is None:
            return False
        block, offset = place
        length = min(self.plan.block_size, self.plan.size - block * self.plan.block_size)
        if packet["codec"] == messages.CODEC_UNIFORM:
            part = part * length
        self._chunks[offset] = part
        return sum(len(chunk) for chunk in self._chunks.values()) == length

    def _finish_block(self, walk: OneRunWalk) -> None:
        (block,) = self._wanted
        data = b"".join(self._chunks[offset] for offset in sorted(self._chunks))
        if leaf_hash(data) != walk.wanted_hash:
            raise AssertionError(f"block {block} is wrong")
        self.slot[block] = data
        walk.finish_block()
        self._grant_next(walk)

    def _commit(self) -> None:
        """The root is read back from flash; the board boots from now on."""
        assert self.plan is not None and self.session is not None
        if fold([leaf_hash(block) for block in self.slot]) != self.plan.root:
            raise AssertionError("the slot does not give the signed root")
        self.status = replace(
            self.status,
            flags=messages.FLAG_BOOTABLE | messages.FLAG_INSTALLED,
            failure=0,
            version=self.plan.version,
            sequence=self.plan.sequence,
            installed=self.session.digest,
            receiving=None,
        )
        self.state = "done"
        self._say_done()

    def _say_done(self) -> None:
        assert self.session is not None
        self._say_grant([])
        self.say("done", messages.done(self.session.digest, self.tag), {})

    def repeat(self) -> None:
        """What a timer repeats (6.4)."""
        if self.state == "calling":
            self.call()
        elif self.state == "accepting":
            assert self.session is not None
            self.hear_offer(self.session)
        elif self.state == "receiving":
            assert self._walk is not None
            if self._walk.asked is not None:
                self._say_request(self._walk)
            self._say_grant(self._wanted)
        elif self.state == "done":
            self._say_done()
            self.say("beacon", messages.status(False, self.status), {})

    def hear_done_ack(self) -> None:
        self.state = "stopped"
