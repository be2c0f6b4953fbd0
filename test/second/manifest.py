"""The manifest: envelope, payload, and whether this board takes it (8.2 to 8.4)."""

import hashlib
import unicodedata
from typing import List, NamedTuple, Tuple

from . import ed25519
from .tree import Shape

_PROTECTED = b"\x58\x1b\xa2\x01\x27\x03\x76application/vnd.mayday"
_SIGNED = b"\xd2\x84" + _PROTECTED + b"\xa1\x04\x48"
_UNSIGNED = b"\x82\x78\x1fapplication/vnd.mayday-unsigned"
_BAD = {*range(0x2028, 0x202F), *range(0x2066, 0x206A), 0xFEFF}


class Refused(Exception):
    """The reason of a refusal (5.7)."""


class Manifest(NamedTuple):
    """What the board uses of a manifest."""

    digest: bytes
    vendor: str
    hardware_class: str
    revisions: Tuple[int, int]
    version: Tuple[int, int, int]
    sequence: int
    counter: int
    shape: Shape
    root: bytes


class Board(NamedTuple):
    """What a board judges by. It never had a confirmed image: floor 0, any step."""

    key: bytes
    vendor: str
    hardware_class: str
    revision: int
    slot_size: int
    block_max: int


def accept(envelope: bytes, board: Board) -> Manifest:
    """The steps of 8.4 in their order, for a board with one key; raises Refused."""
    length = int.from_bytes(envelope[43:45], "big")
    is_signed = (envelope.startswith(_SIGNED) and envelope[42:43] == b"\x59" and 256 <= length <= 512
                 and len(envelope) == 111 + length and envelope[45 + length : 47 + length] == b"\x58\x40")
    if not is_signed:
        raise Refused("unsigned" if _is_unsigned(envelope) else "manifest")
    payload, signature = envelope[45 : 45 + length], envelope[47 + length :]
    signed = b"\x84\x6aSignature1" + _PROTECTED + b"\x40\x59" + length.to_bytes(2, "big") + payload
    if envelope[34:42] != hashlib.sha256(board.key).digest()[:8] or not ed25519.is_signed(board.key, signed, signature):
        raise Refused("signature")
    manifest = read(payload)
    if (manifest.vendor, manifest.hardware_class) != (board.vendor, board.hardware_class):
        raise Refused("hardware")
    if not manifest.revisions[0] <= board.revision <= manifest.revisions[1]:
        raise Refused("hardware")
    if manifest.shape.size > board.slot_size:
        raise Refused("size")
    if manifest.shape.block > board.block_max:
        raise Refused("block-size")
    return manifest


def _is_unsigned(envelope: bytes) -> bool:
    length = int.from_bytes(envelope[35:37], "big")
    return (envelope.startswith(_UNSIGNED + b"\x59") and 256 <= length <= 512 and len(envelope) == 37 + length)


class _Reader:
    """Reads CBOR by what is expected: no type is looked up (8.3)."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def bytes(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        self._at += count
        if len(taken) != count:
            raise Refused("manifest")
        return taken

    def head(self, major: int) -> int:
        """A head of this major type, as short as can be; its number."""
        first = self.bytes(1)[0]
        low = first & 31
        if first >> 5 != major or low > 27:
            raise Refused("manifest")
        if low < 24:
            return low
        value = int.from_bytes(self.bytes(1 << low - 24), "big")
        if value < (24 if low == 24 else 1 << (4 << low - 24)):
            raise Refused("manifest")
        return value

    def expect(self, key: int) -> None:
        if self.head(0) != key:
            raise Refused("manifest")

    def number(self, key: int, least: int, most: int) -> int:
        self.expect(key)
        return self.item(least, most)

    def item(self, least: int, most: int) -> int:
        value = self.head(0)
        if not least <= value <= most:
            raise Refused("manifest")
        return value

    def numbers(self, key: int, *limits: Tuple[int, int]) -> List[int]:
        self.expect(key)
        if self.head(4) != len(limits):
            raise Refused("manifest")
        return [self.item(*limit) for limit in limits]

    def text(self, key: int) -> str:
        self.expect(key)
        length = self.head(3)
        if not 1 <= length <= 32:
            raise Refused("manifest")
        try:
            name = self.bytes(length).decode()
        except UnicodeDecodeError:
            raise Refused("manifest") from None
        if "/" in name or name.strip(" ") != name:
            raise Refused("manifest")
        if any(unicodedata.category(c) == "Cc" or ord(c) in _BAD for c in name):
            raise Refused("manifest")
        return name

    def string(self, key: int) -> bytes:
        self.expect(key)
        return self.bytes(self.head(2))

    def is_at_end(self) -> bool:
        return self._at == len(self._data)


def read(payload: bytes) -> Manifest:
    """The payload as in 8.3: key after key, every rule checked; raises Refused."""
    u16, u32 = (0, 0xFFFF), (0, 0xFFFFFFFF)
    reader = _Reader(payload)
    if len(payload) != 256 or reader.head(5) != 17:
        raise Refused("manifest")
    reader.number(1, 1, 1)
    vendor, hardware_class = reader.text(2), reader.text(3)
    revisions = reader.numbers(4, u16, u16)
    version = reader.numbers(5, u16, u16, u16)
    sequence = reader.number(6, 0, 2**48 - 1)
    counter = reader.number(7, *u32)
    shape = Shape(reader.number(8, 1, u32[1]), reader.number(9, 1024, 65536))
    leaves = reader.number(10, 1, 2**20)
    root, whole = reader.string(11), reader.string(12)
    role = reader.number(13, 0, 255)
    reader.number(14, 1, 2)
    reader.numbers(15, (1, 255), u32)
    last_counter = reader.number(16, *u32)
    padding = reader.string(17)
    if not reader.is_at_end() or any(padding) or len(root) != 32 or len(whole) != 32:
        raise Refused("manifest")
    if role not in (1, 2):
        raise Refused("role")
    if shape.block & (shape.block - 1) or leaves != shape.nodes(0) or revisions[0] > revisions[1]:
        raise Refused("manifest")
    if counter > last_counter:
        raise Refused("manifest")
    if role != 1:
        raise Refused("role")  # this board's key signs only images of role app
    return Manifest(hashlib.sha256(payload).digest(), vendor, hardware_class, (revisions[0], revisions[1]),
                    (version[0], version[1], version[2]), sequence, counter, shape, root)
