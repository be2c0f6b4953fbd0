"""vectors/mailbox-v1.json: the I2C mailbox (PROTOCOL.md 10.2 to 10.5)."""

from __future__ import annotations

from typing import Any

import i2c_codec as c
from crc import crc8
from exchange_cases import controller_exchanges, exchanges, peripheral_exchanges
from fields import by_field, cut

ABOUT = (
    "The I2C mailbox (PROTOCOL.md 10.2 to 10.5), computed by scripts/vectors from the text alone. All bytes are "
    "hexadecimal. vectors/README.md says what each member and each step means."
)
_STATES = ["fresh", "greeted", "open", "busy"]
_KINDS = ["nothing", "first", "next", "hello"]


def _statuses() -> list[dict[str, Any]]:
    made = [(state, turn, length) for state in range(4) for turn in (0, 1) for length in (0, 32, 8192, 65535)]
    made += [(c.OPEN, 1, 33), (c.OPEN, 0, 5), (c.BUSY, 1, 2066)]
    vectors = []
    for state, turn, length in made:
        data = c.status(state, turn, length)
        if c.read_status(data) != (state, turn, length):
            raise AssertionError("a status does not read back")
        vectors.append({"state": _STATES[state], "turn": turn, "length": length, "hex": by_field(cut(data, (1, 2, 1)))})
    return vectors


def _wrong_statuses() -> list[dict[str, str]]:
    right = c.status(c.OPEN, 1, 33)
    candidates = [(f"bit {bit} of byte {at}", at, bit) for at in range(4) for bit in (0, 7)]
    wrong = []
    for name, at, bit in candidates:
        bent = bytearray(right)
        bent[at] ^= 1 << bit
        wrong.append((name, bytes(bent)))
    marked = bytes([0b01100 << 3 | 5, 33, 0])
    wrong += [
        ("another mark, CRC right for it", marked + bytes([crc8(marked)])),
        ("all bits 0: the data line is held low", bytes(4)),
        ("all bits 1: nobody answers", b"\xff" * 4),
        ("three bytes", right[:3]),
    ]
    for name, data in wrong:
        if c.read_status(data) is not None:
            raise AssertionError(name)
    return [{"name": name, "hex": data.hex()} for name, data in wrong]


def _first_bytes() -> tuple[list[dict[str, Any]], str]:
    right: list[dict[str, Any]] = []
    wrong = b""
    for value in range(256):
        head = c.read_first_byte(value)
        if head is None:
            wrong += bytes([value])
        else:
            kind, count, turn = head
            right.append({"hex": f"{value:02x}", "kind": _KINDS[kind], "number": count, "turn": turn})
    if len(right) != 32 or 0 not in wrong:
        raise AssertionError("CRC-3")
    return right, wrong.hex()


def _hellos() -> list[dict[str, Any]]:
    right = [{"limit": limit, "hex": by_field(cut(c.hello(limit), (1, 1, 2, 1)))} for limit in (32, 33, 1024, 8192)]
    return right


def _wrong_hellos() -> list[dict[str, str]]:
    right = c.hello(1024)
    version2 = right[:1] + b"\x02" + right[2:4]
    wrong = [
        ("four bytes", right[:4]),
        ("one byte", right[:1]),
        ("another version, CRC right for it", version2 + bytes([crc8(version2)])),
        ("one bit of the limit", right[:2] + bytes([right[2] ^ 1]) + right[3:]),
        ("one bit of the CRC", right[:4] + bytes([right[4] ^ 0x80])),
    ]
    for name, data in wrong:
        if c.is_hello(data):
            raise AssertionError(name)
    return [{"name": name, "hex": data.hex()} for name, data in wrong]


def _frame_heads() -> list[dict[str, Any]]:
    return [
        {"length": length, "hex": by_field(cut(c.frame_head(length), (2, 1)))}
        for length in (1, 2, 5, 30, 40, 255, 256, 1024, 2063, 4110, 4111)
    ]


def _wrong_frame_heads() -> list[dict[str, str]]:
    wrong = [
        ("length 0, CRC right", c.frame_head(0)),
        ("length 4112, CRC right", c.frame_head(4112)),
        ("length 65535, CRC right", c.frame_head(65535)),
        ("one bit of the length", bytes([c.frame_head(40)[0] ^ 4]) + c.frame_head(40)[1:]),
        ("one bit of the CRC", c.frame_head(40)[:2] + bytes([c.frame_head(40)[2] ^ 1])),
        ("beyond the bytes that wait", b"\xff" * 3),
    ]
    for name, data in wrong:
        if c.read_frame_head(data) is not None:
            raise AssertionError(name)
    return [{"name": name, "hex": data.hex()} for name, data in wrong]


def document() -> dict[str, Any]:
    right, wrong = _first_bytes()
    return {
        "about": ABOUT,
        "crc8": [{"hex": data.hex(), "crc": f"{crc8(data):02x}"} for data in (b"123456789", b"", b"\0", b"\x69\x20\0")],
        "statuses": _statuses(),
        "wrongStatuses": _wrong_statuses(),
        "firstBytes": right,
        "wrongFirstBytesHex": wrong,
        "hellos": _hellos(),
        "wrongHellos": _wrong_hellos(),
        "frameHeads": _frame_heads(),
        "wrongFrameHeads": _wrong_frame_heads(),
        "exchanges": exchanges(),
        "peripheralExchanges": peripheral_exchanges(),
        "controllerExchanges": controller_exchanges(),
    }
