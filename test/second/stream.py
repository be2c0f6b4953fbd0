"""The byte stream: COBS, runs, CRC and session tag, console text (2, 3.3, 3.4)."""

import re
import zlib
from typing import Callable, NamedTuple, Optional

_LETTERS = bytes(range(0x20, 0x7F)) + b"\t\n\r"
_STRETCH = re.compile(rb"[\t\n\r\x20-\x7e]+")


def cobs_encode(frame: bytes) -> bytes:
    """COBS as in 2.1, without delimiters."""
    out = bytearray()
    pieces = frame.split(b"\0")
    for i, piece in enumerate(pieces):
        is_last, was_full = i == len(pieces) - 1, len(piece) >= 254
        while len(piece) >= 254:
            out += b"\xff" + piece[:254]
            piece = piece[254:]
        if piece or not (is_last and was_full):
            out += bytes([len(piece) + 1]) + piece
    return bytes(out)


def cobs_decode(run: bytes) -> Optional[bytes]:
    """The frame of a run without zeros; None when a code byte points past the end (2.2)."""
    out = bytearray()
    at = 0
    while at < len(run):
        code = run[at]
        if at + code > len(run):
            return None
        out += run[at + 1 : at + code]
        at += code
        if code < 255 and at < len(run):
            out.append(0)
    return bytes(out)


def on_the_line(frame: bytes) -> bytes:
    """A frame between its two delimiters (2.1)."""
    return b"\0" + cobs_encode(frame) + b"\0"


def sealed(body: bytes, tag: int = 0) -> bytes:
    """A frame: the body and its CRC, low byte first (3.3)."""
    return body + zlib.crc32(body, tag).to_bytes(4, "little")


def has_right_crc(frame: bytes, tag: int) -> bool:
    return zlib.crc32(frame[:-4], tag) == int.from_bytes(frame[-4:], "little")


def session_tag(target_nonce: bytes, rescuer_nonce: bytes, target_id: bytes, rescuer_id: bytes, digest: bytes) -> int:
    """3.4: 0 is never a tag."""
    return zlib.crc32(target_nonce + rescuer_nonce + target_id + rescuer_id + digest) or 1


class Run(NamedTuple):
    """What lies between two delimiters (2.2)."""

    data: bytes
    is_delimited: bool


class RunCutter:
    """Cuts the stream into runs (2.2): at delimiters, at the longest run, and after silence."""

    def __init__(self, payload_max: int, bits_per_second: int, take: Callable[[Run], None]) -> None:
        longest = max(payload_max + 15, 128)
        self._limit = longest + -(-longest // 254) + 1
        self._silence = 50.0 if bits_per_second >= 9600 else 48 * 10_000 / bits_per_second
        self._take = take
        self._run = bytearray()
        self._last = 0.0

    def feed(self, data: bytes, now: float) -> None:
        self.tick(now)
        self._last = now
        for byte in data:
            if byte:
                self._run.append(byte)
                if len(self._run) >= self._limit:
                    self._close(False)
            else:
                self._close(True)

    def tick(self, now: float) -> None:
        if self._run and now - self._last >= self._silence:
            self._close(False)

    def due(self) -> float:
        return self._last + self._silence if self._run else float("inf")

    def _close(self, is_delimited: bool) -> None:
        run = bytes(self._run)
        self._run.clear()
        if run:
            self._take(Run(run, is_delimited))


def is_text(run: Run) -> bool:
    """Whether a foreign run keeps a node silent (2.3, and the end of 2.4 for runs that a delimiter ended)."""
    printable = sum(byte in _LETTERS for byte in run.data) >= 0.8 * len(run.data)
    if run.is_delimited and not printable:
        return False
    least = 4 if printable else 16
    return any(len(stretch) >= least for stretch in _STRETCH.findall(run.data))
