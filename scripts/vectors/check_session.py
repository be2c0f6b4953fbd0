"""Checks a session of session-v1.json by its bytes: what PROTOCOL.md 4 to 6 fix of the order and content of frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from check_frames import Checked, check_hex
from fields import number
from link import CHUNK_UNIT, ack_bitmap, chunk_place, settle
from session_facts import SessionFacts, Wrong, require
from tree import Node, nodes_on_level, root_level, run_nodes

Item = tuple[str, int, int]
"""What a chunk is a part of: object kind and node, or block and attempt."""
MANIFEST: Item = ("manifest", 0, 0)


@dataclass
class SessionCheck:
    """One session, step by step. Names of members are those of the vector."""

    vector: dict[str, Any]
    frames: dict[int, Checked] = field(default_factory=dict)
    _sent_chunks: dict[int, tuple[Item, int, bytes]] = field(default_factory=dict)
    _in_flight: set[int] = field(default_factory=set)
    _free: dict[Item, set[int]] = field(default_factory=dict)
    _arrived: set[int] = field(default_factory=set)
    _parts: dict[Item, dict[int, int]] = field(default_factory=dict)
    _next: int = 0
    _sequences: dict[str, int] = field(default_factory=lambda: {"request": 0, "grant": 0})
    _granted: list[tuple[int, int, int]] = field(default_factory=list)
    _asked: set[Node] = field(default_factory=set)
    _heard: list[int] = field(default_factory=list)
    _owes_ack: bool = False
    _said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.facts = SessionFacts(self.vector)
        self.blocks, self.leaves = self.facts.blocks, len(self.facts.blocks)

    def run(self) -> int:
        """All steps; the number of frames that were checked."""
        steps = self.vector["steps"]
        for index, step in enumerate(steps):
            try:
                if "heard" in step:
                    self._hear(index, step["heard"])
                else:
                    self._send(index, step)
            except (Wrong, ValueError) as error:
                raise Wrong(f"step {index}: {error}") from error
        self._finish(steps)
        return len(self.frames)

    def _send(self, index: int, step: dict[str, Any]) -> None:
        checked = check_hex(step["frameHex"], self.vector["tag"])
        self.frames[index] = checked
        name = checked.name
        require(name.replace("-a", "A") == step["kind"], f"a frame of kind {name}")
        sender = "rescuer" if name in ("offer", "done-ack", "data", "object", "probe") else "target"
        require(step["from"] == sender, f"{name} is sent by the {sender} (3.2)")
        if sender == "rescuer":
            require(not self._owes_ack, "an ack was due at once (4.3)")
        getattr(self, "_check_" + name.replace("-", "_"))(checked)
        if name == "ack":
            require(checked.number_of("u8 delay") == step["delayUnits"], "the delay is not as stated (4.3)")
        self._said.append(name)
        if sender == "rescuer" and "lost" not in step and name in ("data", "object", "probe"):
            self._arrive(checked, self._next - 1)

    def _hear(self, index: int, earlier: int) -> None:
        step = self.vector["steps"][earlier]
        require(earlier < index and step.get("from") == "target" and "lost" not in step, f"step {earlier} is not heard")
        require(not self._heard or self._heard[-1] < earlier, "a line keeps the order (4.2)")
        self._heard.append(earlier)
        checked = self.frames[earlier]
        if checked.name == "ack":
            fates = settle(self._next, self._in_flight, checked.number_of("u16 highest"), checked.of("bitmap"))
            self._in_flight -= fates.arrived | fates.lost
            for lost in fates.lost & self._sent_chunks.keys():
                item, offset, part = self._sent_chunks[lost]
                self._free[item] |= set(range(offset, offset + len(part)))
        elif checked.name == "grant":
            self._granted = self._entries(checked)
            for block, attempt, _ in self._granted:
                length = len(self.blocks[block])
                self._free.setdefault(("block", block, attempt), set(range(length)))
        elif checked.name == "request":
            for node in self._nodes(checked):
                self._ask("run", node, 32 * len(run_nodes(node, self.leaves)))
        elif checked.name == "accept":
            self._ask("manifest", (0, 0), len(self.facts.envelope))
            if checked.number_of("bits 0 to 3 codecs") & 0x10:
                root = (root_level(self.leaves), 0)
                self._ask("run", root, 32 * len(run_nodes(root, self.leaves)))

    def _ask(self, kind: str, node: Node, length: int) -> None:
        """A run may be asked for again, but what is still queued or on its way is not queued again (5.10)."""
        item = (kind, *node)
        under_way = self._in_flight & self._sent_chunks.keys()
        is_under_way = any(self._sent_chunks[packet][0] == item for packet in under_way)
        if not self._free.get(item) and not is_under_way:
            self._free[item] = set(range(length))

    # Announcements

    def _check_distress(self, checked: Checked) -> None:
        self.facts.check_distress(checked)

    def _check_beacon(self, checked: Checked) -> None:
        require(self._said[-1] == "done" and self._said.count("done") > 1, "a beacon without a repeated done (5.12)")
        self.facts.check_beacon(checked)

    def _check_offer(self, checked: Checked) -> None:
        require(self._has_heard("distress"), "an offer that answers nothing (2.4)")
        self.facts.check_offer(checked)

    def _check_accept(self, checked: Checked) -> None:
        self.facts.check_accept(checked)

    def _check_refuse(self, checked: Checked) -> None:
        self.facts.check_names(checked)
        require(self._whole(MANIFEST), "a refusal before the manifest (6.1)")

    def _has_heard(self, name: str) -> bool:
        return any(self.frames[step].name == name for step in self._heard)

    # The target

    def _check_ack(self, checked: Checked) -> None:
        highest = max(self._arrived, default=-1)
        require(checked.number_of("u16 highest") == highest, f"the highest that arrived is {highest} (4.3)")
        require(checked.of("bitmap") == ack_bitmap(self._arrived, highest), "an ack of what did not arrive (4.3)")
        self._owes_ack = False

    def _check_sequence(self, checked: Checked) -> None:
        self._sequences[checked.name] += 1
        wanted = self._sequences[checked.name]
        require(checked.number_of("u16 sequence") == wanted, f"the sequence is {wanted} (5.9, 5.10)")

    def _nodes(self, checked: Checked) -> list[Node]:
        entries = checked.of("entries: u8 level")
        return [(entries[at], number(entries[at + 1 : at + 4])) for at in range(0, len(entries), 4)]

    def _check_request(self, checked: Checked) -> None:
        self._check_sequence(checked)
        require(self._whole(MANIFEST), "a request before the manifest (6.1)")
        for node in self._nodes(checked):
            require(self._exists(node), f"node {node} is not there, or a leaf (5.10)")
        require(len(self._nodes(checked)) == 1, "one run at a time (6.3)")

    def _entries(self, checked: Checked) -> list[tuple[int, int, int]]:
        """Blocks, each with its attempt and the codecs allowed."""
        data = checked.fields[checked.layout.row("u8 entries") + 1]
        blocks = []
        for at in range(0, len(data), 5):
            first, count, last = number(data[at : at + 3]), data[at + 3], data[at + 4]
            blocks += [(block, last & 0xF, last >> 4) for block in range(first, first + count)]
        return blocks

    def _exists(self, node: Node) -> bool:
        level, index = node
        return 1 <= level <= root_level(self.leaves) and index < nodes_on_level(self.leaves, level)

    def _check_grant(self, checked: Checked) -> None:
        self._check_sequence(checked)
        entries = self._entries(checked)
        require(len(entries) <= self.vector["target"]["openBlocks"], "more blocks than it has buffers for (5.9)")
        for block, attempt, codecs in entries:
            require(block < self.leaves, f"block {block} is not there (5.9)")
            require(not self._whole(("block", block, attempt)), f"block {block} has come (5.9)")
            require(codecs & 1 == 1 and codecs & ~self.vector["target"]["codecs"] == 0, "the codecs (4.5, 5.9)")

    def _check_done(self, checked: Checked) -> None:
        require(self._said[-1] == "grant", "done without a grant of nothing (5.12)")
        require(checked.of("short digest") == self.facts.digest, "the digest (5.12)")
        before = self.facts.slot_before
        missing = [
            index for index, block in enumerate(before)
            if block != self.blocks[index] and not self._whole(("block", index, 0))
        ]
        require(missing == [], f"done, and blocks {missing} did not come (6.1)")

    # The rescuer

    def _number(self, checked: Checked) -> None:
        low = number(checked.fields[0]) >> 4
        require(low == self._next % 4096, f"the packet's number is {self._next} (4.1)")
        self._in_flight.add(self._next)
        self._next += 1

    def _check_probe(self, checked: Checked) -> None:
        self._number(checked)

    def _check_object(self, checked: Checked) -> None:
        kind = {1: "manifest", 2: "run"}[checked.number_of("kind: 1 manifest")]
        node = (checked.number_of("level of the node"), checked.number_of("u24 index"))
        whole = self.facts.envelope
        if kind == "run":
            require(self._exists(node), f"node {node} is not there, or a leaf (5.10)")
            whole = b"".join(self.facts.levels[level][index] for level, index in run_nodes(node, self.leaves))
        require(checked.number_of("length of the whole object") == len(whole), "the object's length (4.6)")
        self._check_chunk((kind, *node), checked.number_of("offset of the payload"), checked.of("payload, "), whole)
        self._number(checked)

    def _check_data(self, checked: Checked) -> None:
        head = number(checked.fields[0])
        attempt, codec, part = head & 1, head >> 1 & 3, checked.of("payload, ")
        granted = [(block, tries) for block, tries, _ in self._granted]
        position = checked.number_of("u16 position")
        place = chunk_place(position, len(part), attempt, granted, self.facts.block_size, self.facts.size)
        require(place is not None, "a chunk of no granted block (4.5)")
        assert place is not None
        block, offset = place
        allowed = next(codecs for index, _, codecs in self._granted if index == block)
        require(allowed >> codec & 1 == 1, f"codec {codec} is not allowed (4.5)")
        whole = self.blocks[block]
        if codec == 1:
            require(len(part) == 1 and offset == 0 and set(whole) == set(part), "a wrong uniform chunk (4.5)")
            self._free[("block", block, attempt)] &= {0}
        self._check_chunk(("block", block, attempt), offset, part, whole[:1] if codec == 1 else whole)
        self._number(checked)

    def _check_chunk(self, item: Item, offset: int, part: bytes, whole: bytes) -> None:
        end = offset + len(part)
        require(whole[offset:end] == part, f"bytes {offset} to {end} of {item} (4.5, 4.6)")
        require(offset % CHUNK_UNIT == 0, "a chunk begins at a multiple of 32 (4.5)")
        require(len(part) % CHUNK_UNIT == 0 or end == len(whole), "only the last chunk is no multiple of 32 (4.7)")
        require(len(part) <= self.vector["target"]["payloadMax"], "more than the target takes (4.7)")
        free = self._free.get(item)
        require(free is not None, f"{item} was not asked for")
        assert free is not None
        require(free >= set(range(offset, end)), f"bytes of {item} come again, and were not lost (4.2)")
        require(min(free) == offset, f"lost bytes of {item} come before new ones (4.2)")
        free -= set(range(offset, end))
        self._sent_chunks[self._next] = (item, offset, part)

    def _check_done_ack(self, checked: Checked) -> None:
        require(self._has_heard("done"), "a done-ack before done (5.14)")
        require(checked.of("short digest") == self.facts.digest, "the digest (5.14)")

    def _arrive(self, checked: Checked, number_: int) -> None:
        is_loss = number_ > max(self._arrived, default=-1) + 1
        self._arrived.add(number_)
        completes = False
        if number_ in self._sent_chunks:
            item, offset, part = self._sent_chunks[number_]
            self._parts.setdefault(item, {})[offset] = len(part)
            completes = item[0] == "block" and self._whole(item)
        self._owes_ack = is_loss or completes or checked.name == "probe"

    def _whole(self, item: Item) -> bool:
        """Whether all of an object, or of a block, has arrived."""
        came = sum(self._parts.get(item, {}).values())
        if item == MANIFEST:
            return came == len(self.facts.envelope)
        block = self.blocks[item[1]]
        return came == len(block) or (came == 1 and len(set(block)) == 1)

    def _finish(self, steps: list[dict[str, Any]]) -> None:
        sent = [i for i, step in enumerate(steps) if step.get("from") == "target" and "lost" not in step]
        require(self._heard == sent[: len(self._heard)], "a frame that arrived is not heard")
        require(len(self._heard) > 0 and len(self.frames) > 0, "no frame")
        is_healed = self.vector["target"]["isSlotImageAfter"]
        require(is_healed == ("done" in self._said) and is_healed != ("refuse" in self._said), "how it ends")
