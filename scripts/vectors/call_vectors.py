"""vectors/call-v1.json: calls that queries carry under a mask (PROTOCOL.md 5.1)."""

from __future__ import annotations

from typing import Any

from cobs import delimited
from fields import by_field, u8, u16, u32
from frames import closed

ABOUT = (
    "Calls that queries carry under a mask (PROTOCOL.md 5.1), computed by scripts/vectors from the text alone. `callHex`: the frame of the call without "
    "its CRC; null where the query carries none. A receiver without the extension takes each frame for a query."
)
_NODE = bytes.fromhex("7461726765743031")
_NONCE = bytes.fromhex("1011121314151617")
_MASK = bytes.fromhex("5a6b3c")
_STATUS = bytes.fromhex("c51c7a25d522e6d3")
_EMPTY = u16(0) * 3 + bytes(6) + u32(0) + bytes(16)


def _call(kind: int, flags: int, failure: int, more: bytes = b"") -> bytes:
    return b"\x10" + u8(kind) + _NODE + _NONCE + _STATUS + u16(2) + u8(flags) + u8(failure) + _EMPTY + more


def _under(call: bytes) -> bytes:
    return bytes(byte ^ _MASK[i % len(_MASK)] for i, byte in enumerate(call))


def _vector(name: str, value: bytes, call: bytes | None, more: bytes = b"") -> dict[str, Any]:
    fields = closed([b"\x10", u8(1), _NODE, _NONCE, b"\x0b", u8(len(value)), value, more], None)
    return {
        "name": name,
        "callHex": None if call is None else call.hex(),
        "frameHex": by_field(fields),
        "wireHex": delimited(b"".join(fields)).hex(),
    }


def _carried(name: str, call: bytes, more: bytes = b"") -> dict[str, Any]:
    return _vector(name, _MASK + _under(call), call, more)


def _not_carried(name: str, call: bytes) -> dict[str, Any]:
    return _vector(name, _MASK + _under(call), None)


def document() -> dict[str, Any]:
    """The content of the file."""
    distress = _call(3, 0, 1)
    return {
        "about": ABOUT,
        "protocolVersion": 1,
        "carried": [
            _carried("distress", distress),
            _carried("distress with forms, and an unknown extension behind", _call(3, 0, 1, b"\x07\x01\x02"), b"\x7f\x01\x00"),
            _carried("beacon that asks for an update", _call(2, 0x41, 0)),
            _not_carried("beacon that asks for nothing", _call(2, 0x01, 0)),
            _not_carried("distress that was cut off", distress[:-1]),
            _not_carried("query", b"\x10\x01" + _NODE + _NONCE),
            _not_carried("distress of another version", b"\x20" + distress[1:]),
            _vector("mask alone", _MASK, None),
        ],
    }
