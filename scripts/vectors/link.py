"""The link of a session (PROTOCOL.md 4.1 to 4.5): packet numbers, acks on both sides, positions of chunks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

ACK_REACH = 112
ACK_BITMAP_LENGTH = 14
ACK_AFTER_PACKETS = 8
ACK_AFTER_US = 8000
DELAY_UNIT_US = 256
CHUNK_UNIT = 32
POSITIONS = 65536


def packet_number(low: int, highest: int) -> int:
    """Section 4.1: the number that 12 bits stand for; `highest` is -1 before the first packet."""
    expected = highest + 1
    candidate = expected - expected % 4096 + low
    if candidate <= expected - 2048:
        return candidate + 4096
    if candidate > expected + 2048 and candidate >= 4096:
        return candidate - 4096
    return candidate


def ack_bitmap(received: set[int], highest: int) -> bytes:
    """Section 4.3: bit i of byte j is set when packet highest - (8 j + i) has arrived."""
    bitmap = bytearray(ACK_BITMAP_LENGTH)
    for back in range(ACK_REACH):
        if highest - back in received:
            bitmap[back // 8] |= 1 << back % 8
    return bytes(bitmap)


def acked_highest(low: int, next_number: int) -> int | None:
    """Section 4.3: the number with these 16 low bits nearest to the next one to be used; None: it was never sent."""
    ahead = next_number + (low - next_number) % 65536
    nearest = ahead if ahead - next_number <= 32768 else ahead - 65536
    return nearest if 0 <= nearest < next_number else None


@dataclass
class Fates:
    """What an ack settles, of the packets that were in flight."""

    highest: int | None
    arrived: set[int]
    lost: set[int]


def settle(next_number: int, in_flight: set[int], low: int, bitmap: bytes) -> Fates:
    """Section 4.2: each packet in flight up to the ack's highest arrived if the ack says so, else it is lost."""
    highest = acked_highest(low, next_number)
    fates = Fates(highest, set(), set())
    if highest is None:
        return fates
    for number in in_flight:
        if number > highest:
            continue
        back = highest - number
        is_acked = back < ACK_REACH and bitmap[back // 8] >> back % 8 & 1
        (fates.arrived if is_acked else fates.lost).add(number)
    return fates


@dataclass
class Ack:
    """An ack that goes out, and why it is due."""

    at_us: int
    why: str
    highest: int
    bitmap: bytes
    delay_us: int


@dataclass
class Acker:
    """When a target sends acks (4.3). Each ack goes out at the moment at which it is due."""

    highest: int = -1
    received: set[int] = field(default_factory=set)
    acks: list[Ack] = field(default_factory=list)
    _highest_at: int = 0
    _uncovered: int = 0
    _first_uncovered_at: int | None = None
    _loss_again_at: int | None = None

    def arrive(self, at_us: int, number: int, kind: str) -> None:
        """A packet: `kind` is data, probe, or blockComplete for the data that completes a block."""
        self.wait(at_us)
        is_loss = number > self.highest + 1
        self.received.add(number)
        if number > self.highest:
            self.highest = number
            self._highest_at = at_us
        self._uncovered += 1
        if self._first_uncovered_at is None:
            self._first_uncovered_at = at_us
        if is_loss:
            self._send(at_us, "loss")
            self._loss_again_at = at_us + ACK_AFTER_US
        elif kind == "probe":
            self._send(at_us, "probe")
        elif kind == "blockComplete":
            self._send(at_us, "block complete")
        elif self._uncovered == ACK_AFTER_PACKETS:
            self._send(at_us, "eighth packet")

    def wait(self, until_us: int) -> None:
        """Lets time pass; an ack that is due at `until_us` itself still goes out before what happens then."""
        while True:
            due: list[tuple[int, str]] = []
            if self._loss_again_at is not None:
                due.append((self._loss_again_at, "loss, once more"))
            if self._first_uncovered_at is not None:
                due.append((self._first_uncovered_at + ACK_AFTER_US, "8 ms"))
            if not due or min(due)[0] > until_us:
                return
            at_us, why = min(due, key=lambda item: item[0])
            self._send(at_us, why)

    def _send(self, at_us: int, why: str) -> None:
        bitmap = ack_bitmap(self.received, self.highest)
        self.acks.append(Ack(at_us, why, self.highest, bitmap, at_us - self._highest_at))
        self._uncovered = 0
        self._first_uncovered_at = None
        if self._loss_again_at is not None and at_us >= self._loss_again_at:
            self._loss_again_at = None


def position_of(block: int, block_size: int, offset: int) -> int:
    """Section 4.5: the low 16 bits of (byte position in the image / 32)."""
    return (block * block_size + offset) // CHUNK_UNIT % POSITIONS


def chunk_place(
    position: int,
    length: int,
    attempt_bit: int,
    granted: Iterable[tuple[int, int]],
    block_size: int,
    image_size: int,
) -> tuple[int, int] | None:
    """Section 4.5: block and offset of a chunk; None if it is dropped. `granted`: blocks, each with its attempt."""
    for block, attempt in granted:
        block_length = min(block_size, image_size - block * block_size)
        offset = CHUNK_UNIT * ((position - block * block_size // CHUNK_UNIT) % POSITIONS)
        if offset >= block_length:
            continue
        runs_past = offset + length > block_length
        return None if runs_past or attempt & 1 != attempt_bit else (block, offset)
    return None
