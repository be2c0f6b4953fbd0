"""A target with one block buffer and one run (6.1, 6.3 "One run, one block"); no boot record."""

import hashlib
import random
from typing import Callable, Dict, List, Optional, Union

from . import frames, manifest, stream
from .done import Done
from .frames import announcement, u16
from .link import NEVER, Acks
from .session import Session
from .timing import Timing

Tell = Callable[..., None]


class Target:
    """Takes runs and times, gives bytes. Times in milliseconds since the link came up."""

    def __init__(self, board: manifest.Board, flash: bytearray, seed: int, payload_max: int, rate: int,
                 send: Callable[[bytes], None], tell: Tell) -> None:
        self.board, self.flash, self.payload_max, self.rate = board, flash, payload_max, rate
        self.random = random.Random(seed)
        self.node_id, self.boot_nonce = self.random.randbytes(8), self.random.randbytes(8)
        self.timing = Timing(rate)
        self.session: Optional[Union[Session, Done]] = None
        self.ended: Optional[str] = None
        self.image_size = 0
        self.counts: Dict[str, int] = {}
        self._put, self.tell = send, tell
        self._past: List[int] = []
        self._call_at = 0.0
        self._quiet_until = 0.0
        self._text_since = -NEVER
        self._last_text = -NEVER
        self._knock_at = NEVER
        self._knock_until = -NEVER
        self._answered_at = -NEVER

    def send(self, frame: bytes) -> None:
        self.count("frames out")
        self._put(stream.on_the_line(frame))

    def send_ack(self, acks: Acks, tag: int, now: float) -> None:
        """Sends the ack that is due, if one is (4.3)."""
        ack = acks.build(tag, now)
        if ack:
            self.count("acks")
            self.send(ack)

    def count(self, what: str, by: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + by

    # What comes in

    def take_run(self, run: stream.Run, now: float) -> None:
        """Judges a run as in 2.2, and a frame as in 3.1."""
        frame = stream.cobs_decode(run.data)
        if frame is None or len(frame) < 5:
            return self._take_foreign(run, now)
        tag = self.session.tag if self.session else 0
        if frame[0] & 15 == 0:
            if not stream.has_right_crc(frame, 0):
                return self._take_foreign(run, now)
        elif tag == 0 or not stream.has_right_crc(frame, tag):
            if any(stream.has_right_crc(frame, past) for past in self._past):
                self.count("stale")
                if self.session is None:
                    self._answer_with_distress(now)
                return None
            return self._take_foreign(run, now)
        self.count("frames in")
        try:
            parsed = frames.parse(frame)
        except frames.Fault as fault:
            self.count(str(fault))
            if str(fault) == "foreignVersion":
                self.tell("foreign version", version=frame[0] >> 4)
            elif str(fault) == "unknown" and frame[0] & 15 and self.session:
                self.session.hears(now)
            return None
        if isinstance(parsed, frames.Message) and parsed.cls == 0:
            return self._take_announcement(parsed, now)
        if isinstance(parsed, frames.Message) and parsed.cls == 1:
            return self.count("echoes")
        if self.session:
            self.session.take(parsed, now)
        return None

    def _take_foreign(self, run: stream.Run, now: float) -> None:
        """2.3, 2.4: nothing is said unasked within 10 s of text."""
        self.count("foreign runs")
        if not stream.is_text(run):
            return
        self.count("text")
        if now - self._last_text > 10_000:
            self._text_since = now
        self._last_text = now
        self._quiet_until = now + 10_000

    def may_speak(self, now: float) -> bool:
        """Whether something may be said unasked (2.4)."""
        if now >= self._quiet_until:
            return True
        return now - self._text_since >= 60_000 and now >= self._spoke_at + 15_000

    _spoke_at = -NEVER

    def _take_announcement(self, message: frames.Message, now: float) -> None:
        body, kind = message.body, message.type
        if kind in (frames.QUERY, frames.BEACON, frames.DISTRESS, frames.OFFER, frames.NONE) and body[2:10] == self.node_id:
            return self.count("echoes")
        if kind in (frames.QUERY, frames.BEACON):
            if self.session:
                return self.session.take_stranger(now)
            return self._answer_with_distress(now)
        if kind == frames.NONE and body[10:18] == self.boot_nonce:
            return self.tell("none", why=body[18])
        if kind == frames.BYE and self.session and body[10:18] == self.session.rescuer_nonce:
            return self.session.take_bye(body[18], now)
        if kind == frames.OFFER and body[18:26] == self.boot_nonce:
            return self._take_offer(message, now)
        return None

    def _take_offer(self, message: frames.Message, now: float) -> None:
        """5.3, 6.1; an offer with a proof is of a rescuer with a link key (14.6)."""
        body = message.body
        if 1 in message.extensions:
            if self.session is None:
                self.send(announcement(frames.REFUSE, self.boot_nonce, body[10:18], body[26:34], b"\x0e"))
            return
        if self.session and not self.session.gives_way(body[10:18], now):
            return self.session.take_other_offer(body, now)
        if self.session:
            self.leave("superseded", now)
        self._knock_at, self._knock_until = NEVER, -NEVER
        self.session = Session(self, body, now)

    # The end of a session

    def leave(self, why: str, now: float, wait: float = 0.0) -> None:
        """Back to calling; distress at once, or after `wait`."""
        assert self.session
        self.tell("session over", why=why)
        self._past = [self.session.tag, *self._past][:4]
        self.session = None
        self._call_at = now + wait
        if why in ("lease", "silence") and not self._calls_with_queries():
            self._knock_until, self._knock_at = now + 600_000, now

    def refuse(self, why: str, now: float) -> None:
        """5.7: sent once; the next distress waits 0.5 s."""
        assert self.session
        self.tell("refused", reason=why)
        nonce, digest = self.session.rescuer_nonce, self.session.digest
        self.send(announcement(frames.REFUSE, self.boot_nonce, nonce, digest, bytes([frames.REASONS[why]])))
        self.leave("refused", now, 500.0)

    # What goes out by time

    def tick(self, now: float) -> None:
        if self.session:
            self.session.tick(now)
        elif now >= self._call_at:
            if self.may_speak(now):
                self._call(now)
            every = 300.0 if now < 10_000 else 2000.0
            every = max(every * (1 - self.random.random() / 10), self.timing.line(69) / 0.05)
            self._call_at = now + every
        if self.session is None and now >= self._knock_at:
            self.knock(now)
            self._knock_at = now + self.knock_interval() if now < self._knock_until else NEVER

    def due(self) -> float:
        """When tick is to be called next."""
        return self.session.due() if self.session else min(self._call_at, self._knock_at)

    def knock_interval(self) -> float:
        """5.1: 250 ms, or 1 % of the line."""
        return max(250.0, self.timing.line(25) / 0.01)

    def knock(self, now: float) -> None:
        """5.1."""
        if self.may_speak(now):
            self._spoke_at = now
            self.send(announcement(frames.QUERY, self.node_id, self.boot_nonce))

    def _calls_with_queries(self) -> bool:
        """On slow lines (5.2), where a target without a session does not knock (5.1)."""
        return self.timing.line(69) > 72

    def _call(self, now: float) -> None:
        self._spoke_at = now
        if self._calls_with_queries():
            self.send(announcement(frames.QUERY, self.node_id, self.boot_nonce))
        else:
            self.send(self.status(frames.DISTRESS))

    def _answer_with_distress(self, now: float) -> None:
        if now - self._answered_at >= 200:
            self._answered_at = now
            self.send(self.status(frames.DISTRESS))

    def status(self, kind: int, healed: Optional[manifest.Manifest] = None) -> bytes:
        """Distress of an empty board, or the beacon of a healed one (5.2)."""
        hardware = hashlib.sha256(f"{self.board.vendor}/{self.board.hardware_class}".encode()).digest()[:8]
        head = [self.node_id, self.boot_nonce, hardware, u16(self.board.revision)]
        if healed is None:
            return announcement(kind, *head, b"\0\1", bytes(32))
        version = b"".join(u16(number) for number in healed.version)
        # The floor is 0: it rises when the image has run (13.4).
        sequence = healed.sequence.to_bytes(6, "little")
        return announcement(kind, *head, b"\x09\0", version, sequence, bytes(4), healed.digest[:8], bytes(8))
