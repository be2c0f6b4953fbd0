"""Both sides of an I2C mailbox (PROTOCOL.md 10.2 to 10.5), without time: a look is due when the caller says so."""

from __future__ import annotations

from dataclasses import dataclass, field

import i2c_codec as c
from i2c_codec import Cursor, Unpacker

_READ_AFTER_WRITTEN = 4096
_UNREADABLE_MAX = 4
_START = Cursor()


@dataclass
class Peripheral:
    limit: int
    is_busy: bool = False
    state: int = c.FRESH
    turn: int = 1
    queue: list[bytes] = field(default_factory=list)
    delivered: list[bytes] = field(default_factory=list)
    _at: Cursor = _START
    _reached: Cursor | None = None
    _last: int = 0
    _in: Unpacker = field(default_factory=Unpacker)

    def _waiting(self) -> int:
        total = sum(c.FRAME_HEAD_LENGTH + len(frame) for frame in self.queue[self._at.frame :])
        return total - self._at.offset

    def read(self, length: int) -> bytes:
        """Section 10.2. What the newest read reached is what an acknowledgement drops."""
        self._reached = None
        if self.state != c.OPEN:
            head = c.status(self.state, self.turn, self.limit)
            return (head + b"\xff" * length)[:length]
        head = c.status(c.BUSY if self.is_busy else c.OPEN, self.turn, self._waiting())
        body, reached = c.pack(self.queue, self._at, max(0, length - c.STATUS_LENGTH), is_write=False)
        if body:
            self._reached = reached
        return (head + body + b"\xff" * length)[:length]

    def write(self, data: bytes) -> None:
        """Section 10.3."""
        head = c.read_first_byte(data[0]) if data else None
        if head is None:
            return
        kind, count, turn = head
        if kind == c.HELLO:
            self._greet(data)
            return
        if self.state == c.FRESH:
            return
        self.state = c.OPEN
        if turn == self.turn and self._reached is not None:
            self._at, self._reached = self._reached, None
            self.turn ^= 1
        if kind != c.NOTHING and not self.is_busy:
            self._take(kind, count, data[1:])

    def _greet(self, data: bytes) -> None:
        if not c.is_hello(data):
            return
        self.state, self.turn, self._last = c.GREETED, 1, 0
        self._at, self._reached = Cursor(self._at.frame, 0), None
        self._in = Unpacker()

    def _take(self, kind: int, count: int, body: bytes) -> None:
        known = 0
        if count == self._last:
            known = self._in.again()
        elif count != (self._last + 1) % 4:
            self._in.reset()
        self._last = count
        if kind == c.FIRST:
            self._in.reset()
        elif not self._in.is_inside:
            body = b""
        frames, _, is_readable = self._in.take(body, known)
        self.delivered += frames
        if not is_readable:
            self._in.reset()


@dataclass
class Controller:
    limit: int
    state: str = "seeking"
    queue: list[bytes] = field(default_factory=list)
    delivered: list[bytes] = field(default_factory=list)
    _at: Cursor = _START
    _behind_write: Cursor = _START
    _count: int = 0
    _acknowledged_turn: int = 0
    _opens: bool = False
    _owes_write: bool = False
    _taken_turn: int | None = None
    _known: int = 0
    _is_busy: bool = False
    _has_failed: bool = False
    _written: int = 0
    _unreadable: int = 0
    _in: Unpacker = field(default_factory=Unpacker)

    def next(self, is_look_due: bool = False) -> bytes | int | None:
        """The bytes to write, the number of bytes to read, or None (10.5)."""
        if self.state in ("seeking", "confirming"):
            return c.STATUS_LENGTH
        if self.state == "greeting":
            return c.hello(self.limit)
        has_frames = self._at.frame < len(self.queue) and not self._is_busy
        if self._has_failed:
            return self._read_length()
        if self._opens or self._owes_write:
            return self._write(has_frames)
        if has_frames and self._known == 0 and self._written < _READ_AFTER_WRITTEN:
            return self._write(True)
        if self._known > 0 or self._written >= _READ_AFTER_WRITTEN:
            return self._read_length()
        return c.STATUS_LENGTH if is_look_due else None

    def _read_length(self) -> int:
        return min(self.limit, c.STATUS_LENGTH + self._known)

    def _write(self, with_frames: bool) -> bytes:
        if not with_frames:
            self._behind_write = self._at
            return bytes([c.first_byte(c.NOTHING, self._count, self._acknowledged_turn)])
        body, self._behind_write = c.pack(self.queue, self._at, self.limit - 1, is_write=True)
        kind = c.NEXT if self._at.offset > 0 else c.FIRST
        return bytes([c.first_byte(kind, self._count + 1, self._acknowledged_turn)]) + body

    def failed(self) -> None:
        """The last transaction failed: nothing is known of it."""
        if self.state == "confirming":
            self.state = "greeting"
        self._has_failed = self.state == "open"

    def written(self, data: bytes) -> None:
        if self.state == "greeting":
            self.state = "confirming"
            return
        if len(data) > 1:
            self._count = (self._count + 1) % 4
        self._at = self._behind_write
        self._opens = self._owes_write = False
        self._taken_turn = None
        self._written += len(data)

    def was_read(self, data: bytes) -> None:
        self._has_failed = False
        seen = c.read_status(data)
        if seen is None:
            return
        state, turn, length = seen
        if self.state != "open":
            self._greeting(state)
            return
        if state == c.FRESH:
            self.state = "greeting"
            return
        self._is_busy = state == c.BUSY
        self._written = 0
        body = data[c.STATUS_LENGTH : c.STATUS_LENGTH + length]
        self._take(turn, length, body)

    def _greeting(self, state: int) -> None:
        if self.state == "confirming" and state == c.GREETED:
            self.state = "open"
            self._at = Cursor(self._at.frame, 0)
            self._count, self._acknowledged_turn = 0, 0
            self._opens, self._owes_write, self._taken_turn, self._known, self._written = (
                True,
                False,
                None,
                0,
                0,
            )
            self._in = Unpacker()
        else:
            self.state = "greeting"

    def _take(self, turn: int, length: int, body: bytes) -> None:
        known = self._in.again() if self._taken_turn == turn else 0
        frames, used, is_readable = self._in.take(body, known)
        self.delivered += frames
        self._taken_turn = turn
        if not is_readable:
            self._owes_write, self._known = False, length
            self._unreadable += 1
            if self._unreadable == _UNREADABLE_MAX:
                self.state, self._unreadable = "greeting", 0
            return
        if body:
            self._unreadable = 0
        self._known = length - used
        # A read that brought nothing leaves nothing to acknowledge.
        self._owes_write = used > 0
        if used > 0:
            self._acknowledged_turn = turn
