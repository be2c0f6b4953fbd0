"""One session of a target: accepting, checking, receiving (6.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from . import frames, manifest, stream
from .done import Done
from .frames import announcement, u16
from .link import NEVER, Acks
from .questions import BOTH_CODECS, Questions
from .store import BlockBuffer, ObjectBuffer
from .timing import Lease
from .tree import Walk, leaf_hash

if TYPE_CHECKING:
    from .target import Target

MANIFEST_MAX = 640
ATTEMPTS_MAX, WRONG_MAX = 8, 32
ASKS_RUN = 0x10


class Session:
    """From the accept to the end; the target that it belongs to sends and is told."""

    def __init__(self, target: Target, offer: bytes, now: float) -> None:
        self._t = target
        self.rescuer_id, self.rescuer_nonce, self.digest = offer[2:10], offer[10:18], offer[26:34]
        self.tag = stream.session_tag(target.boot_nonce, self.rescuer_nonce, target.node_id, self.rescuer_id, self.digest)
        self._acks = Acks()
        self._envelope = ObjectBuffer(MANIFEST_MAX)
        self._run = ObjectBuffer(512)
        self._block = BlockBuffer()
        self._manifest: Optional[manifest.Manifest] = None
        self._walk: Optional[Walk] = None
        self._attempt, self._failed, self._wrong = 0, 0, 0
        self._questions = Questions(target, self.tag, now)
        self._lease = Lease(target.timing, MANIFEST_MAX, now)
        self._heard_at = now
        self._look_at = self._knock_at = NEVER
        self._longest = 0
        target.tell("offer", size=int.from_bytes(offer[40:44], "little"), digest=self.digest.hex())
        self._accept(now, False)

    def hears(self, now: float) -> None:
        self._heard_at = now
        self._knock_at = NEVER

    def take(self, frame: frames.Frame, now: float) -> None:
        """A valid frame with this session's tag."""
        self.hears(now)
        if isinstance(frame, frames.Message):
            if frame.type == frames.LATER:
                self._lease.hold(int.from_bytes(frame.body[1:3], "little"), now)
        elif isinstance(frame, frames.Probe):
            self._acks.take(frame.low, now, True)
        else:
            self._longest = max(self._longest, len(frame.payload) + (15 if isinstance(frame, frames.Object) else 8) + 3)
            self._t.count("payload bytes", len(frame.payload))
            if not self._acks.take(frame.low, now):
                self._t.count("duplicates")
            elif isinstance(frame, frames.Object):
                self._take_object(frame, now)
            elif self._questions.is_granted and self._block.take(frame):
                self._acks.ask(now)
                self._t.send_ack(self._acks, self.tag, now)
                self._check_block(now)
        if self._t.session is self:
            self._t.send_ack(self._acks, self.tag, now)

    def _take_object(self, frame: frames.Object, now: float) -> None:
        self._samples_answer(frame, now)
        if frame.kind == frames.MANIFEST and self._manifest is None:
            if self._envelope.take(frame):
                self._check_manifest(now)
        elif frame.kind in (frames.RUN, frames.UNIFORM) and self._is_wanted(frame) and self._run.take(frame):
            if self._walk:
                self._check_run(now)

    def _is_wanted(self, frame: frames.Object) -> bool:
        if self._walk:
            return self._walk.wanted() == (frame.level, frame.index)
        return frame.index == 0 and frame.level > 0  # the root's run, whose level the manifest says

    def _samples_answer(self, frame: frames.Object, now: float) -> None:
        is_answer = frame.kind == frames.MANIFEST if self._walk is None else frame.kind != frames.MANIFEST and self._is_wanted(frame)
        if is_answer:
            self._questions.was_answered(len(frame.payload), self._lease.later_until <= now, now)

    def _check_manifest(self, now: float) -> None:
        try:
            found = manifest.accept(self._envelope.data(), self._t.board)
            if found.digest[:8] != self.digest:
                raise manifest.Refused("manifest")
        except manifest.Refused as why:
            return self._t.refuse(str(why), now)
        self._manifest = found
        self._t.tell("manifest", size=found.shape.size, blocks=found.shape.nodes(0), level=found.shape.root_level())
        self._walk = Walk(found.shape, found.root, self._read)
        self._lease.renew(found.shape.block, now)
        self._questions.asked_at = now
        if self._walk.wanted() != (self._run.node or (0, 0)):
            self._run.clear()
        if self._walk.wanted() and self._run.is_complete():
            self._check_run(now)
        elif self._walk.wanted() is None:
            self._goes_on(now)
        return None

    def _check_run(self, now: float) -> None:
        walk, kind, node, data = self._walk, self._run.kind, self._run.node, self._run.data()
        assert walk and node
        self._run.clear()
        if kind == frames.UNIFORM:
            below = walk.take_uniform(data[0]) if len(data) == 1 else None
            if below is None:
                return self._was_wrong("run", now)
            for block in below:
                self._program(block, data * walk.shape.length(block))
            walk.node_is_done()
        elif not walk.take_run(data):
            return self._was_wrong("run", now)
        self._t.count("runs")
        self._t.tell("run", kind=kind, level=node[0], index=node[1])
        self._lease.renew(walk.shape.block, now)
        return self._goes_on(now)

    def _check_block(self, now: float) -> None:
        walk, data = self._walk, self._block.data()
        assert walk and walk.block
        number, want = walk.block
        if leaf_hash(data) != want:
            self._failed += 1
            self._t.tell("wrong block", block=number, attempt=self._attempt)
            if self._failed >= ATTEMPTS_MAX:
                return self._t.leave("8 wrong attempts", now)
            self._attempt = self._attempt + 1 & 15
            self._block.open(number, walk.shape, self._attempt & 1)
            return self._was_wrong("block", now)
        self._program(number, data)
        self._t.count("blocks")
        self._lease.renew(walk.shape.block, now)
        self._block.clear()
        walk.block_is_done()
        self._failed = 0
        return self._goes_on(now)

    def _was_wrong(self, what: str, now: float) -> None:
        self._t.count(f"wrong {what}s")
        self._wrong += 1
        if self._wrong >= WRONG_MAX:
            return self._t.leave("too much that was wrong", now)
        return self._ask(now)

    def _read(self, at: int, length: int) -> bytes:
        return bytes(self._t.flash[at : at + length])

    def _program(self, block: int, data: bytes) -> None:
        assert self._manifest
        at = block * self._manifest.shape.block
        self._t.flash[at : at + len(data)] = data

    def _goes_on(self, now: float) -> None:
        """What the walk wants next; the commit when it wants nothing more."""
        walk = self._walk
        assert walk and self._manifest
        if walk.is_over():
            shape = walk.shape
            if shape.hash_of(self._read, shape.root_level(), 0) != self._manifest.root:
                return self._t.leave("does not boot", now)
            self._t.image_size = shape.size
            self._t.tell("committed", size=shape.size)
            # A done before the manifest is acked is ignored (5.12).
            self._acks.ask(now)
            self._t.send_ack(self._acks, self.tag, now)
            self._t.session = Done(self._t, self, self._acks, self._questions.grants, self._manifest, now)
            return self._t.session.tick(now)
        if walk.block:
            # 4.5: a position 2 MiB further begins with the other low bit.
            self._attempt = walk.block[0] * walk.shape.block >> 21 & 1
            self._block.open(walk.block[0], walk.shape, self._attempt & 1)
        return self._ask(now)

    def _ask(self, now: float, is_again: bool = False) -> None:
        assert self._walk
        self._questions.ask(self._walk, self._attempt, self._failed > 0, now, is_again)

    def _accept(self, now: float, is_again: bool = True) -> None:
        self._t.send(announcement(frames.ACCEPT, self._t.boot_nonce, self.rescuer_nonce, self.digest,
                                  u16(self._t.payload_max), bytes([1, BOTH_CODECS | ASKS_RUN])))
        self._questions.was_asked(now, is_again)

    # Time

    def tick(self, now: float) -> None:
        self._t.send_ack(self._acks, self.tag, now)
        if now >= self._lease.end():
            return self._t.leave("lease", now)
        if now >= self._look_at:
            self._look_at = NEVER
            if now - self._heard_at >= 3 * self._t.timing.wait():
                return self._t.leave("silence", now)
        if now >= self._questions.repeat_at(self._walk, self._heard_at, self._longest):
            self._t.count("asked again")
            if self._walk:
                self._ask(now, True)
            else:
                self._accept(now)
        if now - self._heard_at >= 3 * self._t.timing.wait() and (now >= self._knock_at or self._knock_at == NEVER):
            self._knock_at = now + self._t.knock_interval()
            self._t.knock(now)
        return None

    def due(self) -> float:
        knock = self._heard_at + 3 * self._t.timing.wait() if self._knock_at == NEVER else self._knock_at
        return min(self._acks.due(), self._lease.end(), self._look_at, self._questions.repeat_at(self._walk, self._heard_at, self._longest), knock)

    # Others on the line (6.1)

    def gives_way(self, nonce: bytes, now: float) -> bool:
        is_silent = now - self._heard_at >= 3 * self._t.timing.wait()
        return nonce != self.rescuer_nonce and is_silent

    def take_other_offer(self, offer: bytes, now: float) -> None:
        if offer[10:18] == self.rescuer_nonce:
            if self._walk is None:
                self._accept(now)
        else:
            time = min(5000, int(self._t.timing.wait()))
            self._t.send(announcement(frames.STAND_DOWN, self._t.node_id, offer[10:18], self.rescuer_id, u16(time)))
            self._look_at = now + 3 * self._t.timing.wait()

    def take_stranger(self, now: float) -> None:
        """A query or a beacon of another node."""
        if now - self._heard_at >= 3 * self._t.timing.wait():
            self._t.leave("silence", now)
        else:
            self._look_at = now + 3 * self._t.timing.wait()

    def take_bye(self, reason: int, now: float) -> None:
        self._t.leave(f"bye {reason}", now)
