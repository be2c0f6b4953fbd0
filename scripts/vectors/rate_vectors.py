"""vectors/rate-v1.json: the messages about the rate of the line, and what an accept says of it (PROTOCOL.md 4.9)."""

from __future__ import annotations

from typing import Any

from fields import u8, u16, u32
from frame_vectors import frame_vector, malformed
from link_vectors import TAG

ABOUT = (
    "The rate of the line (PROTOCOL.md 4.9, 5.4, 5.17, 5.18), computed by scripts/vectors from the text alone. The members are "
    "those of wire-v1.json. An implementation that never changes its rate skips `rate` as a control that it does not know."
)
_ACCEPT = [
    b"\x10",
    u8(0x05),
    bytes.fromhex("1011121314151617"),
    bytes.fromhex("2021222324252627"),
    bytes.fromhex("368cf2c9522a8386"),
    u16(4096),
    u8(16),
    u8(3),
]
_ACCEPT_SAYS = {
    "tag": "accept",
    "targetNonce": "1011121314151617",
    "rescuerNonce": "2021222324252627",
    "digest": "368cf2c9522a8386",
    "payloadMax": 4096,
    "openBlocks": 16,
    "codecs": 3,
}


def _rate(name: str, step: int, baud: int, after_ms: int, more: bytes = b"") -> dict[str, Any]:
    says = {"tag": "rate", "step": step, "baud": baud, "afterMs": after_ms}
    return frame_vector(name, TAG, says, [b"\x32", u8(step), u32(baud), u16(after_ms), more])


def _rate_ok(name: str, step: int, verdict: int) -> dict[str, Any]:
    says = {"tag": "rateOk", "step": step, "isTaken": verdict == 1}
    return frame_vector(name, TAG, says, [b"\x51", u8(step), u8(verdict)])


def _accept(name: str, extension: bytes, limits: dict[str, int] | None) -> dict[str, Any]:
    says = _ACCEPT_SAYS if limits is None else {**_ACCEPT_SAYS, "limits": limits}
    return frame_vector(name, None, says, [*_ACCEPT, extension])


def _limits(payload_max: int, baud_max: int) -> bytes:
    return u8(0x06) + u8(6) + u16(payload_max) + u32(baud_max)


def document() -> dict[str, Any]:
    said = {"payloadMax": 4096, "baudMax": 3_000_000}
    frames = [
        _rate("rate", 1, 3_000_000, 32),
        _rate("rate with the largest numbers", 255, 0xFFFFFFFF, 0xFFFF),
        _rate_ok("rate-ok", 1, 1),
        _rate_ok("rate-ok that says no", 2, 0),
        _accept("accept with limits", _limits(4096, 3_000_000), said),
        _accept(
            "accept with limits of a line that cannot change", _limits(4096, 0), {"payloadMax": 4096, "baudMax": 0}
        ),
    ]
    decode_only = [
        _rate("rate with an unknown extension", 3, 921_600, 45, b"\x7e\x01\x00"),
        _rate_ok("rate-ok with a later verdict, which is no yes", 2, 2),
        _accept("accept with limits of another length, which say nothing", b"\x06\x02\x00\x10", None),
        _accept("accept with an unknown extension and limits", b"\x7e\x00" + _limits(4096, 3_000_000), said),
        _accept("accept with limits twice, of which the first count", _limits(4096, 3_000_000) + _limits(64, 9), said),
    ]
    faults = [
        malformed("rate that is cut short", TAG, [b"\x32", u8(1), u32(3_000_000), u8(32)]),
        malformed("rate-ok without a verdict", TAG, [b"\x51", u8(1)]),
        malformed("rate with a critical extension", TAG, [b"\x32", u8(1), u32(3_000_000), u16(32), b"\xfe\x00"]),
    ]
    return {"about": ABOUT, "protocolVersion": 1, "frames": frames, "decodeOnly": decode_only, "faults": faults}
