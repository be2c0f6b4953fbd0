"""vectors/fec-v1.json: the second form of frames (PROTOCOL.md 2.5)."""

from __future__ import annotations

from typing import Any

import frames
from cobs import delimited
from fec import MARKER, coded, name, padded, parity, parts_of
from link_vectors import TAG

ABOUT = (
    "The second form of frames (PROTOCOL.md 2.5), computed by scripts/vectors from the text alone. The tag of session "
    "frames is `tag`. vectors/README.md says what each member means."
)
# Data and check words of the example in ISO/IEC 18004, annex I, and of the QR code 1-M of "HELLO WORLD".
_QR = [
    ("10200c56618010ec11ec11ec11ec11ec11", 5),
    ("205b0b78d172dc4d4340ec11ec11ec11", 5),
]


def _bytes(length: int, start: int) -> bytes:
    return bytes((start + 5 * i + i // 256) % 256 for i in range(length))


def _hit(clean: bytes, places: list[int]) -> bytes:
    """Each of these bytes changed, to a value that depends on its place."""
    out = bytearray(clean)
    for place in places:
        out[place] ^= 1 + place * 37 % 255
    return bytes(out)


def _spread(length: int, count: int) -> list[int]:
    """So many places, the first and the last byte among them."""
    return [i * (length - 1) // max(1, count - 1) for i in range(count)]


def _codeword(data: bytes, mendable: int) -> dict[str, Any]:
    clean = data + parity(data, mendable)
    length = len(clean)
    hits = [[], [0], [length - 1], _spread(length, mendable), _spread(length, mendable + 1)]
    received = [
        {"hex": _hit(clean, places).hex(), "wrong": len(places) if len(places) <= mendable else None}
        for places in hits
    ]
    return {"mendable": mendable, "codewordHex": f"{data.hex()} {parity(data, mendable).hex()}", "received": received}


def codewords() -> list[dict[str, Any]]:
    """Short and long ones of several strengths."""
    shapes = [(1, 1), (9, 4), (33, 8), (223, 16), (243, 6), (247, 4)]
    found = [_codeword(_bytes(length, 3 * length), mendable) for length, mendable in shapes]
    return [*found, *(_codeword(bytes.fromhex(data), mendable) for data, mendable in _QR)]


def names() -> list[dict[str, Any]]:
    """The ends of both numbers, and some between."""
    pairs = [(1, 9), (1, 17), (1, 2049), (2, 1033), (8, 33), (16, 9), (16, 2049)]
    return [{"mendable": t, "contentLength": c, "nameHex": name(t, c).hex()} for t, c in pairs]


def _frames() -> list[tuple[str, bytes, int]]:
    query = b"".join(frames.closed([b"\x10\x01", b"target01", _bytes(8, 16), bytes([7, 1, 2])], None))
    ack = b"".join(
        frames.closed([b"\x01", b"\x34\x12", b"\x1f", b"\xff" * 14, bytes([8, 2, 0x2C, 1])], TAG)
    )
    probe = b"".join(frames.probe(0x123, TAG))
    short = b"".join(frames.data(0x123, 0, 0, 0x480, _bytes(32, 9), TAG))
    long = b"".join(frames.data(0x124, 1, 0, 0x481, _bytes(1024, 77), TAG))
    longest = b"".join(frames.data(0xFFF, 0, 0, 0x7, _bytes(2032, 5), TAG))
    zeros = b"".join(frames.data(0x125, 0, 0, 0x482, bytes(224), TAG))
    return [
        ("query that says the second form", query, 8),
        ("ack that says 300 mended bytes", ack, 8),
        ("probe", probe, 8),
        ("data, one codeword", short, 1),
        ("data of zeros", zeros, 11),
        ("data, several codewords", long, 6),
        ("data, the most parity", long, 16),
        ("data, long", longest, 1),
    ]


def whole_frames() -> list[dict[str, Any]]:
    """Frames on the line: clean, with as many wrong bytes as can be mended, and with one more."""
    out: list[dict[str, Any]] = []
    for about, frame, mendable in _frames():
        clean = coded(frame, mendable)
        first = len(parts_of(padded(frame), mendable)[0]) + 2 * mendable
        body = [7 + place for place in _spread(first, mendable)]
        more = [7 + place for place in _spread(first, mendable + 1)]
        head = bytearray(clean)
        head[0] ^= 0x81
        head[3] ^= 0x10
        head[4] ^= 0x01
        head[6] ^= 0x06
        received = [
            {"hex": clean.hex(), "wrong": 0},
            {"hex": _hit(clean, body).hex(), "wrong": mendable},
            {"hex": head.hex(), "wrong": 0},
            {"hex": _hit(clean, more).hex(), "wrong": None},
        ]
        wire = f"{MARKER.hex()} {clean[4:7].hex()} {clean[7:].hex()}"
        out.append(
            {"name": about, "frameHex": frame.hex(), "mendable": mendable, "wireHex": wire, "received": received}
        )
    return out


def streams() -> list[dict[str, Any]]:
    """Both forms, noise, text and damage on one line."""
    query, ack, probe, short, _, long, _, _ = (
        (frame, coded(frame, mendable)) for _, frame, mendable in _frames()
    )
    cobs = delimited(ack[0])
    broken = _hit(long[1], [7 + place for place in _spread(200, 20)])
    cut = long[1][:300] + long[1][301:]
    hit = _hit(short[1], [12])

    def frame(pair: tuple[bytes, bytes], wrong: int = 0) -> dict[str, Any]:
        return {"frameHex": pair[0].hex(), "wrong": wrong}

    def other(data: bytes) -> dict[str, Any]:
        return {"otherHex": data.hex()}

    cases: list[tuple[str, list[tuple[bytes, dict[str, Any]]]]] = [
        ("frames of both forms", [(query[1], frame(query)), (cobs, other(cobs)), (ack[1], frame(ack)), (cobs, other(cobs))]),
        ("text between frames", [(b"boot: ok\r\n", other(b"boot: ok\r\n")), (ack[1], frame(ack)), (b"\n", other(b"\n"))]),
        ("a frame that cannot be mended, and one that can", [(broken, other(broken)), (hit, frame(short, 1))]),
        ("a frame that lost a byte in its second codeword", [(cut, other(cut)), (probe[1], frame(probe))]),
        ("a marker alone", [(MARKER, other(MARKER)), (cobs, other(cobs))]),
        ("a frame that is cut off", [(long[1][:700], other(long[1][:700]))]),
        ("a frame inside a broken one", [(long[1][:100], other(long[1][:100])), (probe[1], frame(probe)), (cobs, other(cobs))]),
    ]
    return [
        {
            "name": about,
            "streamHex": b"".join(data for data, _ in pieces).hex(),
            "items": [item for _, item in pieces],
        }
        for about, pieces in cases
    ]


def document() -> dict[str, Any]:
    return {
        "about": ABOUT,
        "tag": TAG,
        "names": names(),
        "codewords": codewords(),
        "frames": whole_frames(),
        "streams": streams(),
    }
