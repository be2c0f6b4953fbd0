"""vectors/link-v1.json: the link (PROTOCOL.md 4) and the order of grants and requests (5.9, 5.10)."""

from __future__ import annotations

from typing import Any

import frames
from cobs import delimited
from fields import by_field, ranges_of
from link import DELAY_UNIT_US, Acker, ack_bitmap, packet_number, settle
from position_vectors import POSITIONS_ABOUT, position_vectors
from serial_number import is_after

TAG = frames.session_tag(
    bytes.fromhex("1011121314151617"),
    bytes.fromhex("2021222324252627"),
    b"target01",
    b"rescuer1",
    bytes.fromhex("368cf2c9522a8386"),
)
ABOUT = (
    "The link of a session (PROTOCOL.md 4), and the order of grants and requests (5.9, 5.10), computed by "
    "scripts/vectors from the text alone. Numbers of packets are whole ones; ranges are [first, last]. "
    "Session tags are in wire-v1.json. vectors/README.md says what each member means."
)

_HIGHEST = [
    -1,
    0,
    1,
    2046,
    2047,
    2048,
    2049,
    4094,
    4095,
    4096,
    6143,
    6144,
    8191,
    65535,
    1 << 32,
    (1 << 44) + 77,
]


def packet_numbers() -> list[dict[str, int]]:
    """For each highest number the low bits around the next one, around half the span on both sides, and the ends."""
    vectors = []
    for highest in _HIGHEST:
        expected = highest + 1
        around = [expected + step for step in (-2049, -2048, -2047, -2, -1, 0, 1, 2, 2047, 2048, 2049)]
        lows = {value % 4096 for value in around} | {0, 4095}
        for low in sorted(lows):
            vectors.append({"highest": highest, "low": low, "number": packet_number(low, highest)})
    return vectors


Ranges = list[list[int]]


def _noise(count: int, seed: int) -> Ranges:
    """Packets of which about every third is missing; x = (1103515245 x + 12345) modulo 2^31."""
    kept = []
    for value in range(count):
        seed = (1103515245 * seed + 12345) % (1 << 31)
        if seed >> 16 & 3 or value == count - 1:
            kept.append(value)
    return ranges_of(kept)


def _jumps(end: int) -> Ranges:
    """One packet of two thousand, up to shortly before `end`."""
    return [[value, value] for value in range(0, end - 64, 2000)]


RECEIVED: list[tuple[str, Ranges, int]] = [
    ("the first packet", [[0, 0]], 0),
    ("eight packets in order", [[0, 7]], 3),
    ("the first five are lost", [[5, 5]], 0),
    ("duplicates change nothing", [[0, 1], [1, 1], [0, 2], [2, 2]], 31),
    ("a gap that a late packet fills", [[0, 1], [3, 4], [2, 2]], 1),
    ("a gap that stays", [[0, 9], [12, 20]], 254),
    ("every other packet", [[value, value] for value in range(0, 60, 2)], 255),
    ("111 packets", [[0, 110]], 0),
    ("112 packets, all that the bitmap reaches", [[0, 111]], 0),
    ("113 packets", [[0, 112]], 0),
    ("the packet at the end of the bitmap is lost", [[0, 0], [2, 112]], 0),
    ("a lost packet has left the bitmap", [[0, 0], [2, 113]], 0),
    ("a jump of 111: the packet before it is the last bit", [[0, 0], [111, 111]], 0),
    ("a jump of 112: the packet before it is out of reach", [[0, 0], [112, 112]], 0),
    ("a jump of 120", [[0, 30], [150, 151]], 0),
    ("the longest jump that 12 bits carry", [[0, 2], [2051, 2051]], 0),
    ("a jump into the middle, and a late packet out of reach", [[0, 0], [1500, 1500], [1300, 1300]], 0),
    ("a late packet at the end of the bitmap", [[0, 0], [1500, 1500], [1389, 1389]], 0),
    ("across the wrap of 12 bits", [[0, 0], [2000, 2000], [4000, 4000], [4090, 4094], [4096, 4100]], 7),
    ("the last before the wrap of 16 bits", [*_jumps(65536), [65530, 65535]], 0),
    ("across the wrap of 16 bits", [*_jumps(65536), [65530, 65534], [65536, 65540]], 0),
    ("across the second wrap of 16 bits", [*_jumps(131072), [131000, 131070], [131073, 131073]], 12),
    ("losses without a pattern", _noise(300, 1), 100),
    ("more losses without a pattern", _noise(1000, 2), 200),
]


def acks_built() -> list[dict[str, Any]]:
    vectors = []
    for name, ranges, delay in RECEIVED:
        received: set[int] = set()
        highest = -1
        for first, last in ranges:
            for value in range(first, last + 1):
                if packet_number(value % 4096, highest) != value:
                    raise AssertionError(f"{name}: {value} cannot be told from its low bits")
                received.add(value)
                highest = max(highest, value)
        bitmap = ack_bitmap(received, highest)
        frame = frames.ack(highest, delay, bitmap, TAG)
        vectors.append(
            {
                "name": name,
                "received": ranges,
                "highest": highest,
                "bitmap": bitmap.hex(),
                "delayUnits": delay,
                "frameHex": by_field(frame),
                "wireHex": delimited(b"".join(frame)).hex(),
            }
        )
    return vectors


def _every(step_us: int, first: int, last: int, start_us: int = 0) -> list[tuple[int, int, str]]:
    return [(start_us + (value - first) * step_us, value, "data") for value in range(first, last + 1)]


# What arrives when: time in microseconds, number, kind.
ARRIVALS: list[tuple[str, list[tuple[int, int, str]]]] = [
    ("one packet is acked 8 ms later", [(0, 0, "data")]),
    ("the last of three that the 8 ms cover came 5.12 ms before", [*_every(1440, 0, 2)]),
    ("the eighth packet is acked at once, and so is the sixteenth", _every(100, 0, 15)),
    ("nine packets: eight at once, the ninth 8 ms after it came", _every(100, 0, 8)),
    (
        "a probe is acked at once, and covers what came before",
        [(0, 0, "data"), (512, 1, "data"), (1024, 2, "probe")],
    ),
    ("the first packet of all is a probe", [(0, 0, "probe")]),
    ("a complete block is acked at once", [(0, 0, "data"), (1024, 1, "blockComplete"), (2048, 2, "data")]),
    ("an ack starts the count of eight again", [(0, 0, "data"), (100, 1, "probe"), *_every(100, 2, 9, 200)]),
    ("a loss is acked at once and once more 8 ms later", [(0, 0, "data"), (256, 2, "data")]),
    ("packets behind a loss wait for its second ack", [(0, 0, "data"), (256, 2, "data"), (5376, 3, "data")]),
    ("losses before the first packet that came", [(0, 3, "data")]),
    ("a loss that a probe shows", [(0, 0, "data"), (256, 3, "probe")]),
    ("the second copy of a packet is acked again", [(0, 0, "data"), (100, 1, "probe"), (51300, 0, "data")]),
    ("a late packet is no loss", [(0, 0, "data"), (256, 2, "data"), (20736, 1, "data")]),
]


def ack_schedules() -> list[dict[str, Any]]:
    vectors = []
    for name, arrivals in ARRIVALS:
        acker = Acker()
        for at_us, value, kind in arrivals:
            acker.arrive(at_us, value, kind)
        acker.wait(arrivals[-1][0] + 1_000_000)
        acks = [
            {
                "atUs": ack.at_us,
                "why": ack.why,
                "highest": ack.highest,
                "delayUnits": min(255, ack.delay_us // DELAY_UNIT_US),
                "bitmap": ack.bitmap.hex(),
            }
            for ack in acker.acks
        ]
        packets = [{"atUs": at_us, "number": value, "kind": kind} for at_us, value, kind in arrivals]
        vectors.append({"name": name, "packets": packets, "acks": acks})
    return vectors


def _bits(set_bits: set[int]) -> bytes:
    return ack_bitmap({1000 - bit for bit in set_bits}, 1000)


_ALL = bytes([0xFF] * 14)
_NONE = bytes(14)

# Name, next number to be used, packets in flight, the ack's highest (16 bits) and bitmap.
ACKED: list[tuple[str, int, Ranges, int, bytes]] = [
    ("all arrived", 10, [[0, 9]], 9, _ALL),
    ("bits of packets below 0 mean nothing", 3, [[0, 2]], 2, _ALL),
    ("one lost in the middle", 10, [[0, 9]], 9, _bits({0, 1, 2, 3, 5, 6, 7, 8, 9})),
    ("packets above the highest have no fate yet", 20, [[0, 19]], 9, _ALL),
    ("the highest counts as the bitmap says, also when its own bit is 0", 4, [[0, 3]], 3, _bits({1, 2})),
    ("an empty bitmap: all up to the highest are lost", 12, [[0, 11]], 7, _NONE),
    ("what was settled before has no second fate", 30, [[20, 29]], 25, _bits({0, 1, 2, 5})),
    ("nothing in flight", 30, [], 29, _ALL),
    ("an ack that is older than all in flight", 300, [[250, 299]], 249, _ALL),
    ("the end of the bitmap arrived", 200, [[80, 199]], 199, _bits(set(range(100)) | {111})),
    ("older than the ack reaches: lost, whatever the bitmap", 200, [[80, 199]], 199, _ALL),
    ("far older than the ack reaches", 1024, [[0, 1023]], 1000, _ALL),
    ("losses without a pattern", 500, [[400, 499]], 490, _bits({0, 3, 10, 41, 42, 43, 80, 85, 86, 90})),
    ("the packet that is sent next was never sent: ignored", 10, [[0, 9]], 10, _ALL),
    ("far ahead: ignored", 10, [[0, 9]], 5000, _ALL),
    ("nearest to 10 is below zero: ignored", 10, [[0, 9]], 65535, _ALL),
    ("half the span ahead: ignored", 10, [[0, 9]], 32778, _ALL),
    ("before anything was sent: ignored", 0, [], 0, _ALL),
    ("the last before the wrap of 16 bits", 65540, [[65500, 65539]], 65535, _bits(set(range(30)))),
    ("the first behind the wrap of 16 bits", 65540, [[65500, 65539]], 0, _bits(set(range(0, 60, 2)))),
    ("the wrap lies above the highest", 65540, [[65500, 65539]], 65510, _ALL),
    ("behind the wrap, never sent: ignored", 65540, [[65500, 65539]], 4, _ALL),
    ("behind the second wrap of 16 bits", 131080, [[131060, 131079]], 5, _bits({0, 2, 4, 6, 7, 8})),
    (
        "an ack of a session's start, one whole span late, is one of a packet never sent",
        65541,
        [[65500, 65540]],
        9,
        _ALL,
    ),
]


def acks_taken() -> list[dict[str, Any]]:
    vectors = []
    for name, next_number, ranges, low, bitmap in ACKED:
        in_flight = {value for first, last in ranges for value in range(first, last + 1)}
        fates = settle(next_number, in_flight, low, bitmap)
        vectors.append(
            {
                "name": name,
                "next": next_number,
                "inFlight": ranges,
                "ack": {"highest": low, "bitmap": bitmap.hex()},
                "highest": fates.highest,
                "arrived": ranges_of(fates.arrived),
                "lost": ranges_of(fates.lost),
                "stillInFlight": ranges_of(in_flight - fates.arrived - fates.lost),
            }
        )
    return vectors


_SERIALS = [0, 1, 2, 0x7FFE, 0x7FFF, 0x8000, 0x8001, 0xFFFE, 0xFFFF]


def sequences() -> list[dict[str, Any]]:
    return [{"a": a, "b": b, "isAfter": is_after(a, b, 16)} for a in _SERIALS for b in _SERIALS]


def document() -> dict[str, Any]:
    return {
        "about": ABOUT,
        "protocolVersion": 1,
        "tag": TAG,
        "packetNumbers": packet_numbers(),
        "acksBuilt": acks_built(),
        "ackSchedules": ack_schedules(),
        "acksTaken": acks_taken(),
        "positionsAbout": POSITIONS_ABOUT,
        "positions": position_vectors(),
        "sequences": sequences(),
    }
