"""Frames in and out, as far as a target needs them (3, 4, 5)."""

from typing import List, NamedTuple, Optional, Sequence, Tuple, Union

from .stream import sealed

VERSION = 1
QUERY, BEACON, DISTRESS, OFFER, ACCEPT, STAND_DOWN, REFUSE, BYE, DEFER, NONE = range(1, 11)
ACK, GRANT, REQUEST, BUSY, DONE = range(5)
LATER, DONE_ACK = range(2)
MANIFEST, RUN, UNIFORM = 1, 2, 3
RAW_CODEC, UNIFORM_CODEC = 0, 1
REASONS = {"signature": 1, "unsigned": 2, "hardware": 3, "version": 4, "counter": 5, "size": 6, "block-size": 7,
           "role": 8, "manifest": 9, "healthy": 10, "quarantined": 11, "protocol": 12, "flash": 13, "link-key": 14}
# Lengths without CRC and extensions (5).
_ANNOUNCED = {QUERY: 18, BEACON: 62, DISTRESS: 62, OFFER: 49, ACCEPT: 30, STAND_DOWN: 28, REFUSE: 27, BYE: 19,
              DEFER: 31, NONE: 19}
_RESCUER = {LATER: 3, DONE_ACK: 9}
_TARGET = {ACK: 18, BUSY: 3, DONE: 9}
_LISTS = {GRANT: (10, 5), REQUEST: (12, 4)}


class Fault(Exception):
    """Why bytes are no frame for us (3.1): malformed, unknown, foreignVersion."""


class Message(NamedTuple):
    """An announcement or a control frame: its bytes without CRC and extensions, and the types of the latter."""

    cls: int
    type: int
    body: bytes
    extensions: Tuple[int, ...]


class Data(NamedTuple):
    """A chunk of a block (4.5)."""

    low: int
    attempt: int
    codec: int
    position: int
    payload: bytes


class Object(NamedTuple):
    """A chunk of an object (4.6)."""

    low: int
    kind: int
    level: int
    index: int
    offset: int
    total: int
    payload: bytes


class Probe(NamedTuple):
    """4.4."""

    low: int


Frame = Union[Message, Data, Object, Probe]


def parse(frame: bytes) -> Frame:
    """A frame whose length and CRC are right, from step 3 of 3.1 on."""
    body = frame[:-4]
    cls = body[0] & 15
    if cls == 0:
        if body[0] >> 4 != VERSION:
            raise Fault("foreignVersion")
        if len(body) < 2:
            raise Fault("malformed")
        return _message(cls, body[1], body, _ANNOUNCED.get(body[1]))
    if cls in (1, 2):
        return _control(cls, body)
    low = int.from_bytes(body[:2], "little") >> 4
    if cls == 3:
        return _object(low, body)
    if cls == 4:
        if len(body) != 2:
            raise Fault("malformed")
        return Probe(low)
    if cls < 8:
        raise Fault("unknown")
    if not 5 <= len(body) <= 4 + 4096:
        raise Fault("malformed")
    return Data(low, body[0] & 1, body[0] >> 1 & 3, int.from_bytes(body[2:4], "little"), body[4:])


def _control(cls: int, body: bytes) -> Message:
    kind = body[0] >> 4
    if cls == 1 and kind in _LISTS:
        most, size = _LISTS[kind]
        if len(body) < 4 or body[3] > most:
            raise Fault("malformed")
        return _message(cls, kind, body, 4 + size * body[3])
    return _message(cls, kind, body, (_TARGET if cls == 1 else _RESCUER).get(kind))


def _message(cls: int, kind: int, body: bytes, length: Optional[int]) -> Message:
    if length is None:
        raise Fault("unknown")
    if len(body) < length:
        raise Fault("malformed")
    if cls == 0 and kind == BEACON and not body[28] & 1:
        raise Fault("malformed")
    return Message(cls, kind, body[:length], _extensions(body[length:]))


def _extensions(rest: bytes) -> Tuple[int, ...]:
    """3.5: one that is critical and unknown, or does not end within the frame, makes the frame malformed."""
    types: List[int] = []
    while rest:
        if len(rest) < 2 or len(rest) < 2 + rest[1] or rest[0] & 0x80:
            raise Fault("malformed")
        types.append(rest[0])
        rest = rest[2 + rest[1] :]
    return tuple(types)


def _object(low: int, body: bytes) -> Object:
    if not 12 <= len(body) <= 11 + 4096:
        raise Fault("malformed")
    offset, total = int.from_bytes(body[7:9], "little"), int.from_bytes(body[9:11], "little")
    if offset + len(body) - 11 > total:
        raise Fault("malformed")
    return Object(low, body[2], body[3], int.from_bytes(body[4:7], "little"), offset, total, body[11:])


def announcement(kind: int, *fields: bytes) -> bytes:
    return sealed(bytes([VERSION << 4, kind]) + b"".join(fields))


def control(tag: int, kind: int, *fields: bytes) -> bytes:
    return sealed(bytes([kind << 4 | 1]) + b"".join(fields), tag)


def u16(value: int) -> bytes:
    return (value & 0xFFFF).to_bytes(2, "little")


def grant(tag: int, sequence: int, entries: Sequence[Tuple[int, int, int, int]]) -> bytes:
    """5.9; an entry: first block, count, attempt, codecs as bits."""
    listed = [first.to_bytes(3, "little") + bytes([count, attempt | codecs << 4]) for first, count, attempt, codecs in entries]
    return control(tag, GRANT, u16(sequence), bytes([len(listed)]), *listed)


def request(tag: int, sequence: int, nodes: Sequence[Tuple[int, int]]) -> bytes:
    """5.10; a node: level, index."""
    listed = [bytes([level]) + index.to_bytes(3, "little") for level, index in nodes]
    return control(tag, REQUEST, u16(sequence), bytes([len(listed)]), *listed)
