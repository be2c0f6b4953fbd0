"""vectors/locator-v1.json: offers that say where an image lies, who asks for it, and the answer (PROTOCOL.md 5.3, 6.11)."""

from __future__ import annotations

from typing import Any

from fields import by_field, u8, u16, u24, u32
from frame_vectors import frame_vector
from frames import closed
from link_vectors import TAG

ABOUT = (
    "Where an image lies on a network (PROTOCOL.md 5.3, 5.10, 6.11), computed by scripts/vectors from the text alone. The members are "
    "those of wire-v1.json. An implementation without a network skips the extension, does not answer the request, and drops the object."
)
_URL = b"https://images.example.org/acme/gate-1.4.2.mdy"
_OFFER_SAYS = {
    "tag": "offer",
    "rescuerId": "7265736375657231",
    "rescuerNonce": "2021222324252627",
    "targetNonce": "1011121314151617",
    "digest": "368cf2c9522a8386",
    "version": {"major": 1, "minor": 4, "patch": 2},
    "size": 40_000,
    "counter": 5,
    "blockSize": 4096,
}


def _offer(name: str, extensions: bytes, more: dict[str, Any]) -> dict[str, Any]:
    ids = [bytes.fromhex(str(_OFFER_SAYS[key])) for key in ("rescuerId", "rescuerNonce", "targetNonce", "digest")]
    version = u16(1) + u16(4) + u16(2)
    parts = [b"\x10\x04", *ids, version, u32(40_000), u32(5), u8(0x0C), extensions]
    return frame_vector(name, None, {**_OFFER_SAYS, **more}, parts)


def _request(name: str, wanted: list[Any], entries: list[bytes]) -> dict[str, Any]:
    says = {"tag": "request", "sequence": 1, "wanted": wanted}
    return frame_vector(name, TAG, says, [b"\x21", u16(1), u8(len(entries)), *entries])


def _locator(name: str, number: int, offset: int, total: int, part: bytes) -> dict[str, Any]:
    says = {
        **{"tag": "object", "packetNumber": number, "name": {"kind": 6, "node": {"level": 0, "index": 0}}},
        **{"offset": offset, "total": total, "payload": part.hex()},
    }
    parts = [u16(number << 4 | 3), u8(6), u8(0), u24(0), u16(offset), u16(total), part]
    return frame_vector(name, TAG, says, parts)


def document() -> dict[str, Any]:
    ask = u8(0xFE) + u24(0)
    frames = [
        _offer("offer with a locator", b"\x0a\x00", {"hasLocator": True}),
        _request("request for the locator", ["locator"], [ask]),
        _request("request for the locator and a run", ["locator", {"level": 4, "index": 0}], [ask, u8(4) + u24(0)]),
        _locator("locator in one chunk", 7, 0, len(_URL), _URL),
        _locator("locator, its second chunk", 8, 32, len(_URL), _URL[32:]),
    ]
    decode_only = [
        _offer("offer with a locator whose value a later version fills", b"\x0a\x02\x01\x02", {"hasLocator": True}),
        _offer("offer with an unknown extension and a locator", b"\x7e\x00\x0a\x00", {"hasLocator": True}),
    ]
    faults = [
        {
            **{"name": "locator with a chunk beyond its length", "tag": TAG, "fault": "malformed"},
            "frameHex": by_field(closed([u16(0x0073), u8(6), u8(0), u24(0), u16(32), u16(40), _URL[:32]], TAG)),
        }
    ]
    return {"about": ABOUT, "protocolVersion": 1, "frames": frames, "decodeOnly": decode_only, "faults": faults}
