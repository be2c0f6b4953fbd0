"""Messages of sessions (PROTOCOL.md 4.6, 5), each as its fields in order, the CRC last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fields import u8, u16, u24, u32, u48
from frames import closed

FLAG_BOOTABLE = 0x01
FLAG_RECEIVING = 0x04
FLAG_INSTALLED = 0x08
CODEC_RAW = 0
CODEC_UNIFORM = 1
KIND_MANIFEST = 1
KIND_RUN = 2
ASK_RUN = 0x10
_NOTHING = bytes(8)
_CLASS_OBJECT = 0x3


@dataclass(frozen=True)
class Status:
    """What a beacon or distress says of its board (5.2)."""

    node_id: bytes
    boot_nonce: bytes
    hardware_id: bytes
    revision: int
    flags: int
    failure: int
    version: tuple[int, int, int]
    sequence: int
    floor: int
    installed: bytes | None
    receiving: bytes | None


@dataclass(frozen=True)
class Session:
    """The five values that name a session (3.4)."""

    target_id: bytes
    target_nonce: bytes
    rescuer_id: bytes
    rescuer_nonce: bytes
    digest: bytes


def _announcement(type_number: int, fields: Sequence[bytes]) -> list[bytes]:
    return closed([b"\x10", u8(type_number), *fields], None)


def status(is_distress: bool, said: Status) -> list[bytes]:
    """Section 5.2."""
    fields = [said.node_id, said.boot_nonce, said.hardware_id, u16(said.revision), u8(said.flags), u8(said.failure)]
    fields += [u16(part) for part in said.version]
    fields += [u48(said.sequence), u32(said.floor), said.installed or _NOTHING, said.receiving or _NOTHING]
    return _announcement(0x03 if is_distress else 0x02, fields)


def offer(session: Session, version: tuple[int, int, int], size: int, counter: int, block_exponent: int) -> list[bytes]:
    """Section 5.3."""
    fields = [session.rescuer_id, session.rescuer_nonce, session.target_nonce, session.digest]
    fields += [u16(part) for part in version]
    return _announcement(0x04, [*fields, u32(size), u32(counter), u8(block_exponent)])


def accept(session: Session, payload_max: int, open_blocks: int, codecs_and_asks: int) -> list[bytes]:
    """Section 5.4."""
    names = [session.target_nonce, session.rescuer_nonce, session.digest]
    return _announcement(0x05, [*names, u16(payload_max), u8(open_blocks), u8(codecs_and_asks)])


def refuse(session: Session, reason: int) -> list[bytes]:
    """Section 5.7."""
    return _announcement(0x07, [session.target_nonce, session.rescuer_nonce, session.digest, u8(reason)])


def request(sequence: int, nodes: Sequence[tuple[int, int]], tag: int) -> list[bytes]:
    """Section 5.10; nodes as level and index."""
    entries = [u8(level) + u24(index) for level, index in nodes]
    return closed([b"\x21", u16(sequence), u8(len(nodes)), *entries], tag)


def done(digest: bytes, tag: int) -> list[bytes]:
    """Section 5.12."""
    return closed([b"\x41", digest], tag)


def done_ack(digest: bytes, tag: int) -> list[bytes]:
    """Section 5.14."""
    return closed([b"\x12", digest], tag)


def manifest_chunk(number: int, offset: int, total: int, part: bytes, tag: int) -> list[bytes]:
    """Section 4.6: a part of the manifest's envelope."""
    return _object(number, KIND_MANIFEST, (0, 0), offset, total, part, tag)


def run_chunk(number: int, node: tuple[int, int], offset: int, total: int, part: bytes, tag: int) -> list[bytes]:
    """Section 4.6: a part of the run of a node."""
    return _object(number, KIND_RUN, node, offset, total, part, tag)


def _object(
    number: int, kind: int, node: tuple[int, int], offset: int, total: int, part: bytes, tag: int
) -> list[bytes]:
    head = (number & 0xFFF) << 4 | _CLASS_OBJECT
    level, index = node
    return closed([u16(head), u8(kind), u8(level), u24(index), u16(offset), u16(total), part], tag)
