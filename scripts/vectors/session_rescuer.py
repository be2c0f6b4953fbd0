"""A rescuer that serves one session (PROTOCOL.md 4.2 to 4.7, 6.2): objects before blocks, lost bytes first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import frames
import messages
from link import CHUNK_UNIT, position_of, settle
from messages import Session
from serial_number import is_after
from tree import Node, run_nodes

Range = tuple[int, int]
"""First byte, and the one behind the last."""


@dataclass
class Item:
    """Something to send: an object, or a block in one attempt. `frame` makes the packet of a part of its bytes."""

    key: tuple[str, int, int]
    data: bytes
    frame: Callable[[int, int, bytes], tuple[list[bytes], dict[str, Any]]]
    pending: list[Range] = field(default_factory=list)
    acked: int = 0

    @property
    def is_object(self) -> bool:
        return self.key[0] != "block"

    @property
    def is_acked(self) -> bool:
        return self.acked == len(self.data)


@dataclass(frozen=True)
class Image:
    """What the rescuer offers. `levels`: hashes of the tree by level, the leaves first."""

    blocks: list[bytes]
    block_size: int
    envelope: bytes
    levels: list[list[bytes]]
    version: tuple[int, int, int]
    counter: int

    @property
    def size(self) -> int:
        return sum(len(block) for block in self.blocks)


def cut(available: int, payload: int) -> int:
    """Section 4.7: the first of equal parts of a stretch, rounded up to 32 bytes."""
    parts = -(-available // payload)
    return min(available, -(-available // (parts * CHUNK_UNIT)) * CHUNK_UNIT)


@dataclass
class Rescuer:
    """Answers frames at once; reading takes no time. `payload`: one size for all frames."""

    session: Session
    image: Image
    payload: int
    say: Callable[[str, list[bytes], dict[str, Any]], None]
    state: str = "listening"
    tag: int = 0
    _items: list[Item] = field(default_factory=list)
    in_flight: dict[int, tuple[Item, Range] | None] = field(default_factory=dict)
    _next: int = 0
    _is_probe_owed: bool = False
    _is_manifest_acked: bool = False
    _is_past_manifest: bool = False
    _payload_max: int = 0
    _grant_sequence: int | None = None
    _request_sequence: int | None = None
    _granted: list[tuple[int, int]] = field(default_factory=list)

    def hear_distress(self) -> None:
        if self.state == "listening":
            self.state = "offering"
            self.offer()

    def offer(self) -> None:
        """Sent at once, and again by a timer (5.3)."""
        image = self.image
        exponent = image.block_size.bit_length() - 1
        fields = messages.offer(self.session, image.version, image.size, image.counter, exponent)
        self.say("offer", fields, {})

    def hear_accept(self, tag: int, payload_max: int, asks: int) -> None:
        if self.state == "offering":
            self.state = "serving"
            self.tag = tag
            self._payload_max = payload_max
        if self.state != "serving" or self._is_past_manifest:
            return
        self._queue(("manifest", 0, 0), self.image.envelope, self._manifest_frame)
        if asks & messages.ASK_RUN:
            self._queue_run((len(self.image.levels) - 1, 0))

    def hear_refuse(self) -> None:
        self.state = "listening"
        self._items.clear()
        self.in_flight.clear()

    def hear_request(self, sequence: int, nodes: list[Node]) -> None:
        """Section 5.10: what is still queued is not queued again."""
        if self._request_sequence is not None and not is_after(sequence, self._request_sequence, 16):
            return
        self._request_sequence = sequence
        self._is_past_manifest = True
        for node in nodes:
            self._queue_run(node)

    def hear_grant(self, sequence: int, blocks: list[int]) -> None:
        """Section 5.9: blocks that it no longer names are done with, new ones are queued behind."""
        if self._grant_sequence is not None and not is_after(sequence, self._grant_sequence, 16):
            return
        self._grant_sequence = sequence
        self._is_past_manifest = True
        self._granted = [(block, 0) for block in blocks]
        keys = {("block", block, 0) for block in blocks}
        self._items = [item for item in self._items if item.is_object or item.key in keys]
        for block in blocks:
            data = self.image.blocks[block]
            is_uniform = len(set(data)) == 1
            self._queue(("block", block, 0), data[:1] if is_uniform else data, self._block_frame(block, is_uniform))

    def hear_ack(self, low: int, bitmap: bytes) -> None:
        """Section 4.2: each packet up to the ack's highest has a fate; lost bytes are to be sent again."""
        fates = settle(self._next, set(self.in_flight), low, bitmap)
        for number in sorted(fates.arrived | fates.lost):
            sent = self.in_flight.pop(number)
            if sent is None or sent[0] not in self._items:
                continue
            item, (start, end) = sent
            if number in fates.lost:
                item.pending = _joined([*item.pending, (start, end)])
            else:
                item.acked += end - start
        for item in [item for item in self._items if item.is_object and item.is_acked]:
            self._is_manifest_acked |= item.key[0] == "manifest"
            self._items.remove(item)

    def hear_done(self) -> None:
        """Section 5.12: not before the manifest was acked, nor while a granted block is not acked in full."""
        is_known = self._is_manifest_acked and all(item.is_acked for item in self._items if not item.is_object)
        if self.state != "healed" and not is_known:
            return
        self.state = "healed"
        self._items.clear()
        self.in_flight.clear()
        self.say("doneAck", messages.done_ack(self.session.digest, self.tag), {})

    def _queue(
        self,
        key: tuple[str, int, int],
        data: bytes,
        frame: Callable[[int, int, bytes], tuple[list[bytes], dict[str, Any]]],
    ) -> None:
        if any(item.key == key for item in self._items):
            return
        item = Item(key, data, frame, [(0, len(data))])
        blocks_from = sum(1 for other in self._items if other.is_object)
        self._items.insert(blocks_from if item.is_object else len(self._items), item)

    def _queue_run(self, node: Node) -> None:
        leaves = len(self.image.blocks)
        run = b"".join(self.image.levels[level][index] for level, index in run_nodes(node, leaves))

        def frame(number: int, offset: int, part: bytes) -> tuple[list[bytes], dict[str, Any]]:
            fields = messages.run_chunk(number, node, offset, len(run), part, self.tag)
            content = {"object": messages.KIND_RUN, "node": node, "offset": offset}
            return fields, {**content, "total": len(run), "part": part}

        self._queue(("run", *node), run, frame)

    def _manifest_frame(self, number: int, offset: int, part: bytes) -> tuple[list[bytes], dict[str, Any]]:
        total = len(self.image.envelope)
        fields = messages.manifest_chunk(number, offset, total, part, self.tag)
        return fields, {"object": messages.KIND_MANIFEST, "offset": offset, "total": total, "part": part}

    def _block_frame(
        self, block: int, is_uniform: bool
    ) -> Callable[[int, int, bytes], tuple[list[bytes], dict[str, Any]]]:
        codec = messages.CODEC_UNIFORM if is_uniform else messages.CODEC_RAW

        def frame(number: int, offset: int, part: bytes) -> tuple[list[bytes], dict[str, Any]]:
            position = position_of(block, self.image.block_size, offset)
            fields = frames.data(number, 0, codec, position, part, self.tag)
            return fields, {"position": position, "attempt": 0, "codec": codec, "part": part}

        return frame

    @property
    def can_send(self) -> bool:
        """Bytes to send, or the probe behind the last of them (4.4)."""
        if self.state != "serving":
            return False
        return any(item.pending for item in self._items) or (self._is_probe_owed and bool(self.in_flight))

    def send_next(self) -> None:
        """The next packet: objects first, then blocks; of each the lowest bytes that are missing."""
        item = next((item for item in self._items if item.pending), None)
        if item is None:
            self.probe()
            return
        start, end = item.pending[0]
        length = cut(end - start, min(self.payload, self._payload_max))
        item.pending[0:1] = [(start + length, end)] if start + length < end else []
        number = self._next
        self._next += 1
        self.in_flight[number] = (item, (start, start + length))
        self._is_probe_owed = True
        fields, content = item.frame(number, start, item.data[start : start + length])
        kind = "object" if item.is_object else "data"
        self.say(kind, fields, {"kind": kind, "low": number % 4096, **content})

    def probe(self) -> None:
        """Section 4.4: right behind the tail, or by a timer."""
        number = self._next
        self._next += 1
        self.in_flight[number] = None
        self._is_probe_owed = False
        self.say("probe", frames.probe(number, self.tag), {"kind": "probe", "low": number % 4096})


def _joined(ranges: list[Range]) -> list[Range]:
    """Ranges in ascending order; those that adjoin are one."""
    joined: list[Range] = []
    for start, end in sorted(ranges):
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
