"""vectors/inline-v1.json: calls of boards that take images right behind an offer (PROTOCOL.md 5.2, 6.10)."""

from __future__ import annotations

from typing import Any

from fields import u8, u16, u32, u48
from frame_vectors import frame_vector, malformed

ABOUT = (
    "Calls that say what their board takes behind an offer (PROTOCOL.md 5.2, 6.10), computed by scripts/vectors from the text alone. "
    "The members are those of wire-v1.json. An implementation that sends no images so skips the extension, and reads each call as one "
    "without."
)
_DISTRESS = 0x03
_BEACON = 0x02
_NODE = "7461726765743031"
_NONCE = "1011121314151617"
_HARDWARE = "c51c7a25d522e6d3"
_INSTALLED = "368cf2c9522a8386"
_FLAG_CALLS = 0x01 | 0x08 | 0x40


def _call(type_number: int, flags: int, failure: int) -> list[bytes]:
    head = [u8(0x10), u8(type_number)]
    named = [bytes.fromhex(text) for text in (_NODE, _NONCE, _HARDWARE)]
    numbers = [u16(2), u8(flags), u8(failure), u16(1) + u16(4) + u16(0), u48(0x0001_0004_0000), u32(5)]
    digest = bytes.fromhex(_INSTALLED) if flags & 0x08 else bytes(8)
    return [b"".join(head), *named, *numbers, digest, bytes(8)]


def _says(tag: str, failure: str | None, inline: int | None) -> dict[str, Any]:
    said: dict[str, Any] = {
        **{"tag": tag, "nodeId": _NODE, "bootNonce": _NONCE, "hardwareId": _HARDWARE, "revision": 2},
        **{"failure": failure, "isProvider": False, "version": {"major": 1, "minor": 4, "patch": 0}},
        **{"sequence": 0x0001_0004_0000, "counterFloor": 5},
        **{"installedDigest": _INSTALLED if failure is None else None, "receivingDigest": None},
    }
    if failure is None:
        said["wantsUpdate"] = True
    return said if inline is None else {**said, "inlineBytes": inline}


def _distress(name: str, extensions: bytes, inline: int | None) -> dict[str, Any]:
    return frame_vector(name, None, _says("distress", "empty", inline), [*_call(_DISTRESS, 0, 1), extensions])


def _inline(count: int) -> bytes:
    return u8(0x05) + u8(4) + u32(count)


def document() -> dict[str, Any]:
    asks = [*_call(_BEACON, _FLAG_CALLS, 0), _inline(8192)]
    frames = [
        _distress("distress with inline", _inline(65_536), 65_536),
        _distress("distress with inline, the largest number", _inline(0xFFFF_FFFF), 0xFFFF_FFFF),
        frame_vector("beacon that asks for an update, with inline", None, _says("beacon", None, 8192), asks),
    ]
    decode_only = [
        _distress("distress with inline that is too short, which says nothing", b"\x05\x02\x00\x10", None),
        _distress("distress with a longer inline, of which four bytes count", b"\x05\x06" + u32(4096) + b"\xff\xff", 4096),
        _distress("distress with inline twice, of which the first counts", _inline(4096) + _inline(1), 4096),
        _distress("distress with an unknown extension and inline", b"\x7e\x01\x00" + _inline(4096), 4096),
    ]
    faults = [
        malformed("distress with inline that does not end within the frame", None, [*_call(_DISTRESS, 0, 1), b"\x05\x04\x00\x10"])
    ]
    return {"about": ABOUT, "protocolVersion": 1, "frames": frames, "decodeOnly": decode_only, "faults": faults}
