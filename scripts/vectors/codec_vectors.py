"""vectors/codecs-v1.json: coded blocks (PROTOCOL.md 4.5)."""

from __future__ import annotations

import hashlib
import zlib
from typing import Any

from tree_vectors import block_bytes

ABOUT = (
    "Coded blocks (PROTOCOL.md 4.5), written by scripts/vectors from the text alone. Byte i of block b of the images is "
    "(floor(b / 256^(i mod 4)) + 5 i) modulo 256; hashes are SHA-256. vectors/README.md says what each member means."
)
SIZE = 1024
DICTIONARY_MAX = 32768
RAW, UNIFORM, DEFLATE, DICTIONARY = range(4)
PLAIN = 1 << RAW | 1 << UNIFORM
ALL = 15
LENGTH_BASES = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258]
DISTANCE_BASES = [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097]
DISTANCE_BASES += [6145, 8193, 12289, 16385, 24577]
# A stream with a dynamic code, as zlib wrote it, of 1024 bytes: i * i % 7 + 65.
DYNAMIC = (
    "05c1010d00000082b06cc2e85fc97fa431d218698c34461a238d91c64863a431d218698c34461a238d91c64863a431d218698c34461a23"
    "8d91c64863a431d218698c34461a238d91c64863a431d218698c34461a238d91c64863a431d218698c34461a238d91c64863a431d21869"
    "8c34461a238d91c64863a431d218698c34461a238d91c64863a431d218698c34461a238d91c64863a431d218698c34461a238d91c64863"
    "a431d218698c34461a238d91c64863a431d218698c34461a238d91c64863a431d218698c34461a238d91c64863a431d218698c34461a23"
    "8d91c64863a431d218698c34461a238d91c64863a431d218698c34461a238d91c64863a431d218698c34461a238d91c64863a431d21869"
    "8c34461a238d91c64863a431d21807"
)


class Stream:
    """Raw DEFLATE, written by hand with the fixed code (RFC 1951, 3.2.6)."""

    def __init__(self) -> None:
        self._bits: list[int] = []

    def bits(self, value: int, count: int) -> Stream:
        self._bits += [value >> i & 1 for i in range(count)]
        return self

    def _code(self, value: int, count: int) -> Stream:
        self._bits += [value >> i & 1 for i in reversed(range(count))]
        return self

    def begin(self, is_last: bool, kind: int = 1) -> Stream:
        return self.bits(int(is_last), 1).bits(kind, 2)

    def symbol(self, symbol: int) -> Stream:
        if symbol < 144:
            return self._code(0x30 + symbol, 8)
        if symbol < 256:
            return self._code(0x190 + symbol - 144, 9)
        return self._code(symbol - 256, 7) if symbol < 280 else self._code(0xC0 + symbol - 280, 8)

    def literals(self, data: bytes) -> Stream:
        for byte in data:
            self.symbol(byte)
        return self

    def copy(self, length: int, distance: int) -> Stream:
        at = max(i for i, base in enumerate(LENGTH_BASES) if base <= length)
        self.symbol(257 + at).bits(length - LENGTH_BASES[at], 0 if at < 8 or at == 28 else at // 4 - 1)
        to = max(i for i, base in enumerate(DISTANCE_BASES) if base <= distance)
        return self._code(to, 5).bits(distance - DISTANCE_BASES[to], max(0, to // 2 - 1))

    def end(self) -> Stream:
        return self.symbol(256)

    def stored(self, data: bytes, complement: int = 0xFFFF) -> Stream:
        self._bits += [0] * (-len(self._bits) % 8)
        self.bits(len(data), 16).bits(len(data) ^ complement, 16)
        for byte in data:
            self.bits(byte, 8)
        return self

    def bytes(self) -> bytes:
        bits = self._bits + [0] * (-len(self._bits) % 8)
        return bytes(sum(bit << i for i, bit in enumerate(bits[at : at + 8])) for at in range(0, len(bits), 8))


def coded(stream: bytes, names: list[int] | None = None, subtype: int = 0) -> bytes:
    named = b"" if names is None else bytes([len(names)]) + b"".join(name.to_bytes(3, "little") for name in names)
    rest = bytes([subtype]) + named + stream
    return (len(rest) - 1).to_bytes(2, "little") + rest


def inflated(stream: bytes, dictionary: bytes, length: int) -> bytes | None:
    """What zlib, a third implementation, makes of it."""
    inflater = zlib.decompressobj(-15, zdict=dictionary)
    try:
        out = inflater.decompress(stream, length + 1)
    except zlib.error:
        return None
    is_whole = inflater.eof and not inflater.unused_data and not inflater.unconsumed_tail
    return out if is_whole and len(out) == length else None


def decoded(codec: int, payload: bytes, length: int, held: list[int], size: int) -> bytes | None:
    """The block that a coded block stands for, by the text; None if it gives none."""
    if len(payload) < 3:
        return None
    end = 3 + int.from_bytes(payload[:2], "little")
    if end >= length or end > len(payload) or payload[2] != 0:
        return None
    rest = payload[3:end]
    if codec == DEFLATE:
        return inflated(rest, b"", length)
    if not rest or len(rest) < 1 + 3 * rest[0]:
        return None
    names = [int.from_bytes(rest[1 + 3 * i : 4 + 3 * i], "little") for i in range(rest[0])]
    last = names[-(DICTIONARY_MAX // size) :]
    if any(name not in held for name in last):
        return None
    dictionary = b"".join(block_bytes(name, size) for name in last)[-DICTIONARY_MAX:]
    return inflated(rest[1 + 3 * rest[0] :], dictionary, length)


def _vector(
    name: str, codec: int, payload: bytes, *, length: int = SIZE, held: list[int] | None = None, size: int = SIZE
) -> dict[str, Any]:
    holds = held or []
    block = decoded(codec, payload, length, holds, size)
    return {
        "name": name,
        "codec": codec,
        "blockSize": size,
        "length": length,
        "held": holds,
        "payload": payload.hex(),
        "hash": None if block is None else hashlib.sha256(block).hexdigest(),
    }


def _runs(byte: int, count: int) -> Stream:
    """`count` times a byte, in the fixed code."""
    stream = Stream().begin(True).literals(bytes([byte]))
    left = count - 1
    while left > 0:
        step = left if left <= 258 else min(258, left - 3)
        stream.copy(step, 1)
        left -= step
    return stream.end()


def _right() -> list[dict[str, Any]]:
    pair = Stream().begin(False, 0).stored(b"ab").begin(True).copy(258, 2).copy(258, 2).copy(258, 2).copy(248, 2).end()
    far = Stream().begin(True).copy(258, 1024).copy(258, 1024).copy(258, 1024).copy(250, 1024).end()
    mixed = Stream().begin(True).copy(200, 2048).copy(200, 900).literals(b"mayday").copy(258, 2048).copy(258, 2048)
    mixed.copy(102, 3000).end()
    whole = Stream().begin(True).copy(258, 32768).copy(258, 1).copy(258, 300).copy(250, 32000).end()
    pairs = coded(pair.bytes())
    return [
        _vector("stored and fixed", DEFLATE, pairs),
        _vector("the example of 4.5", DEFLATE, coded(bytes.fromhex("4b4c4a1c500800")), length=128),
        _vector("one byte, repeated", DEFLATE, coded(_runs(7, SIZE).bytes())),
        _vector("a short last block", DEFLATE, coded(_runs(7, 45).bytes()), length=45),
        _vector("a dynamic code", DEFLATE, coded(bytes.fromhex(DYNAMIC))),
        _vector("empty blocks before it", DEFLATE, coded(Stream().begin(False).end().begin(False, 0).stored(b"").bytes() + _runs(9, SIZE).bytes())),
        _vector("bytes behind its end, which are dropped", DEFLATE, pairs + b"\x00\xff"),
        _vector("one block as dictionary", DICTIONARY, coded(far.bytes(), [3]), held=[3]),
        _vector("three blocks, not in their order", DICTIONARY, coded(mixed.bytes(), [9, 2, 5]), held=[2, 5, 9]),
        _vector("no block as dictionary", DICTIONARY, coded(pair.bytes(), [])),
        _vector(
            "40 names, of which the last 32 count; the others are not held",
            DICTIONARY,
            coded(whole.bytes(), [700] * 8 + list(range(32))),
            held=list(range(32)),
        ),
    ]


def _wrong() -> list[dict[str, Any]]:
    good = _runs(7, SIZE).bytes()
    far = Stream().begin(True).copy(258, 1024).copy(258, 1024).copy(258, 1024).copy(250, 1024).end().bytes()
    beyond = Stream().begin(True).copy(258, 1025).copy(258, 1025).copy(258, 1025).copy(250, 1025).end().bytes()
    bad_stored = Stream().begin(True, 0).stored(b"ab", 0xFFFE).bytes()
    no_meaning = Stream().begin(True).literals(b"a").symbol(286).bits(0, 40).bytes()
    bad_distance = Stream().begin(True).literals(b"a").symbol(257).bits(0x0F, 5).end().bytes()
    return [
        _vector("a block of one byte more", DEFLATE, coded(_runs(7, SIZE + 1).bytes())),
        _vector("a block of one byte less", DEFLATE, coded(_runs(7, SIZE - 1).bytes())),
        _vector("a block of 100,000 bytes", DEFLATE, coded(_runs(7, 100_000).bytes())),
        _vector("a stream without its end", DEFLATE, coded(good[:-1])),
        _vector("a byte behind the stream, within the length in front", DEFLATE, coded(good + b"\x00")),
        _vector("another subtype", DEFLATE, coded(good, None, 1)),
        _vector("no stream", DEFLATE, coded(b"")),
        _vector("a length in front that is the block's", DEFLATE, coded(b"\x00" * (SIZE - 3))),
        _vector("as many bytes as the block, and more", DEFLATE, coded(Stream().begin(True, 0).stored(block_bytes(1, SIZE)).bytes())),
        _vector("a length in front of 65536", DEFLATE, b"\xff\xff\x00" + good),
        _vector("fewer bytes than the length says", DEFLATE, coded(good)[:-1]),
        _vector("a block type that is reserved", DEFLATE, coded(Stream().begin(True, 3).bits(0, 20).bytes())),
        _vector("a stored block with a wrong complement", DEFLATE, coded(bad_stored)),
        _vector("a length symbol without a meaning", DEFLATE, coded(no_meaning)),
        _vector("a distance symbol without a meaning", DEFLATE, coded(bad_distance)),
        _vector("a copy from before the first byte", DEFLATE, coded(far)),
        _vector("a copy from before the dictionary", DICTIONARY, coded(beyond, [3]), held=[3]),
        _vector("a block that is not held", DICTIONARY, coded(far, [3]), held=[2, 4]),
        _vector("a block beyond every image", DICTIONARY, coded(far, [0xFFFFFF]), held=[3]),
        _vector("fewer names than it says", DICTIONARY, b"\x04\x00\x00\xff\x03\x00\x00", held=[3]),
    ]


def _chunk(codec: int, offset: int, payload: bytes, attempt: int = 0) -> dict[str, Any]:
    return {"codec": codec, "attempt": attempt, "offset": offset, "payload": payload.hex()}


def _assembled(name: str, takes: int, chunks: list[dict[str, Any]], completed_by: int | None) -> dict[str, Any]:
    return {"name": name, "takes": takes, "length": SIZE, "chunks": chunks, "completedBy": completed_by}


def _chunks() -> list[dict[str, Any]]:
    raw = block_bytes(1, SIZE)
    payload = coded(bytes(range(60)))
    halves = [_chunk(DEFLATE, 32, payload[32:]), _chunk(DEFLATE, 0, payload[:32])]
    named = [{**chunk, "codec": DICTIONARY} for chunk in halves]
    long = (SIZE - 3).to_bytes(2, "little") + bytes(30)
    return [
        _assembled("coded chunks, which are dropped, before raw ones", PLAIN, [*halves, *named, _chunk(RAW, 0, raw)], 4),
        _assembled("coded chunks between raw ones", PLAIN, [_chunk(RAW, 0, raw[:512]), *halves, _chunk(RAW, 512, raw[512:])], 3),
        _assembled("coded chunks, and then a uniform one", PLAIN, [*named, _chunk(UNIFORM, 0, b"\x07")], 2),
        _assembled("nothing but coded chunks", PLAIN, [*halves, *named], None),
        _assembled("deflate, the end first", ALL, halves, 1),
        _assembled("dictionary, the end first", ALL, named, 1),
        _assembled("deflate, and dictionary, which is dropped, between", ALL, [halves[0], *named, halves[1]], 3),
        _assembled("raw first, so that coded ones are dropped", ALL, [_chunk(RAW, 0, raw[:32]), *halves, _chunk(RAW, 32, raw[32:])], 3),
        _assembled("chunks that end where the block would, which are dropped", ALL, [_chunk(DEFLATE, 992, bytes(32)), *halves], 2),
        _assembled("a length in front that is the block's: complete at once, and wrong", ALL, [_chunk(DEFLATE, 0, long)], 0),
        _assembled("another attempt, which is dropped", ALL, [{**chunk, "attempt": 1} for chunk in halves], None),
    ]


def document() -> dict[str, Any]:
    return {"about": ABOUT, "decoded": _right() + _wrong(), "assembled": _chunks()}
