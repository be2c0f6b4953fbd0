"""vectors/advice-v1.json: words about images, and their proof by a link key (PROTOCOL.md 5.19, 5.20, 14.8)."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from fields import by_field, u8, u16
from frame_vectors import frame_vector
from frames import closed

ABOUT = (
    "Words about images (PROTOCOL.md 5.19, 5.20, 14.8), computed by scripts/vectors from the text alone. The members of `frames` are "
    "those of wire-v1.json; an implementation that skips these announcements skips the file."
)
_ORIGIN = "6f726967696e3031"
_DIGEST = "368cf2c9522a8386"
_LABEL = b"mayday link key 1"
_KEY = bytes(range(16, 48))
_FROM = {"nodeId": "7361796572303031", "bootNonce": "3031323334353637"}
_TO = {"nodeId": "6865617265723031", "bootNonce": "4041424344454647"}


def _suspect(failures: int, age: int, hops: int) -> tuple[dict[str, Any], list[bytes]]:
    says = {
        **{"tag": "suspect", "originId": _ORIGIN, "digest": _DIGEST},
        **{"failures": failures, "ageMinutes": age, "hops": hops},
    }
    head = [b"\x10", u8(0x0C), bytes.fromhex(_ORIGIN), bytes.fromhex(_DIGEST)]
    return says, [*head, u8(failures), u16(age), u8(hops)]


def _confirmed(ring: int, hops: int) -> tuple[dict[str, Any], list[bytes]]:
    says = {"tag": "confirmed", "originId": _ORIGIN, "digest": _DIGEST, "ring": ring, "hops": hops}
    return says, [b"\x10", u8(0x0D), bytes.fromhex(_ORIGIN), bytes.fromhex(_DIGEST), u8(ring), u8(hops)]


def _vector(name: str, word: tuple[dict[str, Any], list[bytes]]) -> dict[str, Any]:
    return frame_vector(name, None, *word)


def _derived() -> bytes:
    """The key of use 5: HKDF-SHA-256, one block (14.2)."""
    salt = bytes.fromhex(_TO["bootNonce"] + _FROM["bootNonce"])
    info = _LABEL + bytes.fromhex(_TO["nodeId"] + _FROM["nodeId"] + _DIGEST) + b"\x05"
    extracted = hmac.new(salt, _KEY, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()


def _proven(name: str, word: tuple[dict[str, Any], list[bytes]]) -> dict[str, Any]:
    says, parts = word
    head = [*parts, b"\x01\x08"]
    mac = hmac.new(_derived(), b"".join(head), hashlib.sha256).digest()[:8]
    return {"name": name, "frame": says, "frameHex": by_field(closed([*head, mac], None))}


def document() -> dict[str, Any]:
    return {
        "about": ABOUT,
        "frames": [
            _vector("suspect, as it is said first", _suspect(1, 0, 32)),
            _vector("suspect, the largest numbers", _suspect(255, 65535, 255)),
            _vector("suspect, passed on for the last time", _suspect(3, 1441, 0)),
            _vector("confirmed, of a canary", _confirmed(0, 32)),
            _vector("confirmed, the largest numbers", _confirmed(254, 255)),
        ],
        "proofs": {
            "linkKey": _KEY.hex(),
            "from": _FROM,
            "to": _TO,
            "key": _derived().hex(),
            "frames": [_proven("suspect", _suspect(1, 0, 32)), _proven("confirmed", _confirmed(2, 31))],
        },
    }
