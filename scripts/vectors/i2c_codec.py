"""Bytes of the I2C mailbox (PROTOCOL.md 10.2 to 10.4): status, first byte of a write, hello, frames in transactions."""

from __future__ import annotations

from dataclasses import dataclass

from crc import crc3, crc8
from fields import number, u8, u16

FRESH, GREETED, OPEN, BUSY = 0, 1, 2, 3
NOTHING, FIRST, NEXT, HELLO = 0, 1, 2, 3
STATUS_LENGTH = 4
FRAME_HEAD_LENGTH = 3
FRAME_MAX = 4111
MAILBOX_VERSION = 1
_MARK = 0b01101


def status(state: int, turn: int, length: int) -> bytes:
    """Section 10.2."""
    head = u8(_MARK << 3 | state << 1 | turn) + u16(min(length, 0xFFFF))
    return head + u8(crc8(head))


def read_status(data: bytes) -> tuple[int, int, int] | None:
    """State, turn and length; None for what is no status."""
    if len(data) < STATUS_LENGTH or data[0] >> 3 != _MARK or crc8(data[:3]) != data[3]:
        return None
    return data[0] >> 1 & 3, data[0] & 1, number(data[1:3])


def first_byte(kind: int, count: int, turn: int) -> int:
    """Section 10.3: kind, number of the write modulo 4, turn of what was taken in."""
    five = kind << 3 | count % 4 << 1 | turn
    return five << 3 | crc3(five)


def read_first_byte(value: int) -> tuple[int, int, int] | None:
    """Kind, number, turn; None if the CRC-3 is wrong."""
    five = value >> 3
    return None if crc3(five) != value & 7 else (five >> 3, five >> 1 & 3, five & 1)


def hello(limit: int) -> bytes:
    """Section 10.3."""
    head = u8(first_byte(HELLO, 0, 0)) + u8(MAILBOX_VERSION) + u16(limit)
    return head + u8(crc8(head))


def is_hello(data: bytes) -> bool:
    """Whether these five bytes are a hello of this version."""
    is_whole = len(data) == 5 and data[0] == 0xC3 and crc8(data[:4]) == data[4]
    return is_whole and data[1] == MAILBOX_VERSION


def frame_head(length: int) -> bytes:
    """Section 10.4: length and its CRC-8."""
    return u16(length) + u8(crc8(u16(length)))


def read_frame_head(data: bytes) -> int | None:
    """The length; None if it fails its CRC, or if no frame has it."""
    length = number(data[:2])
    is_right = crc8(data[:2]) == data[2] and 1 <= length <= FRAME_MAX
    return length if is_right else None


@dataclass(frozen=True)
class Cursor:
    """A place in a queue of frames: how many are over, and how many bytes of the next one with its head."""

    frame: int = 0
    offset: int = 0


def pack(queue: list[bytes], start: Cursor, room: int, is_write: bool) -> tuple[bytes, Cursor]:
    """What a transaction carries from this place on, and the place behind it (10.4).

    A head is never split, and a byte of the frame follows it. In a write a frame begins in the middle only if all of
    it fits.
    """
    out = b""
    at = start
    while at.frame < len(queue):
        whole = frame_head(len(queue[at.frame])) + queue[at.frame]
        rest = whole[at.offset :]
        left = room - len(out)
        begins_inside = at.offset == 0 and out != b""
        least = FRAME_HEAD_LENGTH + 1 if at.offset == 0 else 1
        if left < least or (is_write and begins_inside and len(rest) > left):
            break
        out += rest[:left]
        if len(rest) > left:
            return out, Cursor(at.frame, at.offset + left)
        at = Cursor(at.frame + 1, 0)
    return out, at


@dataclass
class Unpacker:
    """Takes frames out of transactions. One that comes again takes the place of its first coming (10.2, 10.3)."""

    partial: bytes = b""
    wanted: int = 0
    _before: tuple[bytes, int] = (b"", 0)
    _delivered: int = 0

    def reset(self) -> None:
        """Gives up a frame that is not complete."""
        self.partial, self.wanted = b"", 0

    @property
    def is_inside(self) -> bool:
        return self.wanted > 0

    def again(self) -> int:
        """Back to before the newest transaction; how many frames it had completed."""
        self.partial, self.wanted = self._before
        return self._delivered

    def take(self, data: bytes, known: int) -> tuple[list[bytes], int, bool]:
        """Frames that become complete, without the first `known`; bytes used; whether all lengths were right."""
        self._before = (self.partial, self.wanted)
        complete: list[bytes] = []
        used = 0
        is_readable = True
        while used < len(data):
            if self.wanted == 0:
                if len(data) - used <= FRAME_HEAD_LENGTH:
                    break
                length = read_frame_head(data[used : used + FRAME_HEAD_LENGTH])
                if length is None:
                    is_readable = False
                    break
                used += FRAME_HEAD_LENGTH
                self.wanted = length
            part = data[used : used + self.wanted - len(self.partial)]
            used += len(part)
            self.partial += part
            if len(self.partial) == self.wanted:
                complete.append(self.partial)
                self.reset()
        self._delivered = max(len(complete), known)
        return complete[known:], used, is_readable
