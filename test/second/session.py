"""One session of a target: accepting, receiving, done (6.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from . import frames, manifest, stream
from .frames import announcement, control, u16
from .link import NEVER, Acks
from .store import BlockBuffer, ObjectBuffer
from .tree import Walk, leaf_hash

if TYPE_CHECKING:
    from .target import Target

MANIFEST_MAX = 640
ATTEMPTS_MAX, WRONG_MAX = 8, 32
BOTH_CODECS, RAW_ONLY, ASKS_RUN = 3, 1, 0x10


class Timing:
    """Times of the line and of the round trip, in milliseconds (4.4, 6)."""

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
        self._grants, self._requests = 0, 0
        self._granted = False
        self._heard_at = self._last_right = self._lease_from = now
        self._later_until = -NEVER
        self._look_at = self._knock_at = NEVER
        self._longest = 0
        self._asked_at, self._is_first_ask = now, True
        self._done_at, self._done_until = NEVER, NEVER
        self._done_count = 0
        target.tell("offer", size=int.from_bytes(offer[40:44], "little"), digest=self.digest.hex())
        self._accept(now)

    # Frames of the session

    def hears(self, now: float) -> None:
        self._heard_at = now
        self._knock_at = NEVER

    def take(self, frame: frames.Frame, now: float) -> None:
        """A valid frame with this session's tag."""
        self.hears(now)
        if isinstance(frame, frames.Message):
            return self._take_control(frame, now)
        if isinstance(frame, frames.Probe):
            self._acks.take(frame.low, now, True)
        else:
            self._longest = max(self._longest, len(frame.payload) + (15 if isinstance(frame, frames.Object) else 8) + 3)
            self._t.count("payload bytes", len(frame.payload))
            if not self._acks.take(frame.low, now):
                self._t.count("duplicates")
            elif isinstance(frame, frames.Object):
                self._take_object(frame, now)
            elif self._granted and self._block.take(frame):
                self._acks.ask(now)
                self._send_ack(now)
                self._check_block(now)
        if self._t.session is self:
            self._send_ack(now)
        return None

    def _take_control(self, message: frames.Message, now: float) -> None:
        if message.type == frames.LATER:
            self._later_until = max(self._later_until, now + int.from_bytes(message.body[1:3], "little"))
        elif self._done_count and message.body[1:9] == self.digest:
            self._t.ended = "healed"

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
        if is_answer and self._is_first_ask and self._later_until < now:
            self._t.timing.sample(now - self._asked_at - self._t.timing.line(len(frame.payload) + 18))
        if is_answer:
            self._is_first_ask = False

    # What is checked

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
        self._last_right = self._lease_from = self._asked_at = now
        if self._walk.wanted() != (self._run.node or (0, 0)):
            self._run.clear()
        if self._walk.wanted() and self._run.is_complete():
            self._check_run(now)
        elif self._walk.wanted() is None:
            self._goes_on(now)
        return None

    def _check_run(self, now: float) -> None:
        walk, kind, data = self._walk, self._run.kind, self._run.data()
        assert walk
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
        self._last_right = self._lease_from = now
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
            self._open_block(number)
            return self._was_wrong("block", now)
        self._program(number, data)
        self._t.count("blocks")
        self._last_right = self._lease_from = now
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

    # What is asked for

    def _open_block(self, number: int) -> None:
        assert self._walk
        self._block.open(number, self._walk.shape, self._attempt & 1)

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
            self._done_at, self._done_until = now, now + 15_000
            return self.tick(now)
        if walk.block:
            # 4.5: a position 2 MiB further begins with the other low bit.
            self._attempt = walk.block[0] * walk.shape.block >> 21 & 1
            self._open_block(walk.block[0])
        self._is_first_ask = True
        return self._ask(now)

    def _ask(self, now: float) -> None:
        """Request and grant, as far as there is something to ask for or to take back (5.9, 5.10)."""
        walk = self._walk
        assert walk
        wanted = walk.wanted()
        if wanted:
            self._requests += 1
            self._t.send(frames.request(self.tag, self._requests, [wanted]))
        if walk.block or self._granted:
            self._grant(walk)
        self._asked_at = now

    def _grant(self, walk: Walk) -> None:
        self._grants += 1
        codecs = RAW_ONLY if self._failed else BOTH_CODECS
        entries = [(walk.block[0], 1, self._attempt, codecs)] if walk.block else []
        self._granted = bool(entries)
        self._t.send(frames.grant(self.tag, self._grants, entries))

    def _accept(self, now: float) -> None:
        self._t.send(announcement(frames.ACCEPT, self._t.boot_nonce, self.rescuer_nonce, self.digest,
                                  u16(self._t.payload_max), bytes([1, BOTH_CODECS | ASKS_RUN])))
        self._asked_at = now

    def _send_ack(self, now: float) -> None:
        ack = self._acks.build(self.tag, now)
        if ack:
            self._t.count("acks")
            self._t.send(ack)

    # Time

    def tick(self, now: float) -> None:
        self._send_ack(now)
        if self._done_at < NEVER:
            return self._tick_done(now)
        if now >= self._lease_end():
            return self._t.leave("lease", now)
        if now >= self._look_at:
            self._look_at = NEVER
            if now - self._heard_at >= 3 * self._t.timing.wait():
                return self._t.leave("silence", now)
        if now >= self._repeat_at():
            self._is_first_ask = False
            self._t.count("asked again")
            self._ask(now) if self._walk else self._accept(now)
        if now - self._heard_at >= 3 * self._t.timing.wait() and (now >= self._knock_at or self._knock_at == NEVER):
            self._knock_at = now + 250
            self._t.knock(now)
        return None

    def _repeat_at(self) -> float:
        """6.4: pause in silence; a wait for a run."""
        silent = max(self._heard_at, self._asked_at) + self._t.timing.pause(self._longest)
        if self._walk and self._walk.wanted():
            return min(silent, self._asked_at + self._t.timing.wait())
        return silent

    def _lease_end(self) -> float:
        """6.1; it stands still while a *later* runs, at most 60 s without anything right (6.5)."""
        block = self._manifest.shape.block if self._manifest else MANIFEST_MAX
        end = self._lease_from + self._t.timing.lease(block)
        later = min(self._later_until, self._last_right + 60_000)
        return max(end, later + self._t.timing.lease(block)) if later > self._lease_from else end

    def _tick_done(self, now: float) -> None:
        """5.12."""
        if now >= self._done_until:
            self._t.ended = "not heard"
        elif now >= self._done_at:
            assert self._walk and self._manifest
            self._grant(self._walk)
            self._t.send(control(self.tag, frames.DONE, self.digest))
            self._done_count += 1
            if self._done_count > 1:
                self._t.send(self._t.status(frames.BEACON, self._manifest))
            self._done_at = now + max(self._t.timing.rto(), 200.0, 2 * self._t.timing.line(95))

    def due(self) -> float:
        if self._done_at < NEVER:
            return min(self._acks.due(), self._done_at, self._done_until)
        knock = self._heard_at + 3 * self._t.timing.wait() if self._knock_at == NEVER else self._knock_at
        return min(self._acks.due(), self._lease_end(), self._look_at, self._repeat_at(), knock)

    # Others on the line (6.1)

    def gives_way(self, nonce: bytes, now: float) -> bool:
        is_silent = now - self._heard_at >= 3 * self._t.timing.wait()
        return nonce != self.rescuer_nonce and is_silent and not self._done_count

    def take_other_offer(self, offer: bytes, now: float) -> None:
        if self._done_count:
            assert self._manifest
            self._t.send(self._t.status(frames.BEACON, self._manifest))
        elif offer[10:18] == self.rescuer_nonce:
            if self._walk is None:
                self._accept(now)
        else:
            time = min(5000, int(self._t.timing.wait()))
            self._t.send(announcement(frames.STAND_DOWN, self._t.node_id, offer[10:18], self.rescuer_id, u16(time)))
            self._look_at = now + 3 * self._t.timing.wait()

    def take_stranger(self, now: float) -> None:
        """A query or a beacon of another node."""
        if self._done_count:
            assert self._manifest
            self._t.send(self._t.status(frames.BEACON, self._manifest))
        elif now - self._heard_at >= 3 * self._t.timing.wait():
            self._t.leave("silence", now)
        else:
            self._look_at = now + 3 * self._t.timing.wait()

    def take_bye(self, reason: int, now: float) -> None:
        if self._done_count:
            self._t.ended = "healed"
        else:
            self._t.leave(f"bye {reason}", now)
