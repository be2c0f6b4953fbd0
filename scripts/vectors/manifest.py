"""Manifests (PROTOCOL.md 8): payload, digest, signed envelope."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import ed25519

PAYLOAD_LENGTH = 256
_CONTENT_TYPE = b"application/vnd.mayday"
_PROTECTED = b"\xa2\x01\x27\x03\x76" + _CONTENT_TYPE


@dataclass(frozen=True)
class Manifest:
    """The members of 8.3, but for those that follow from the image."""

    vendor: str
    hardware_class: str
    revisions: tuple[int, int]
    version: tuple[int, int, int]
    counter: int
    block_size: int
    not_after_counter: int = 0xFFFFFFFF
    rings: int = 1
    seed: int = 0

    @property
    def sequence(self) -> int:
        """The default order of 8.3."""
        major, minor, patch = self.version
        return major << 32 | minor << 16 | patch

    @property
    def hardware_id(self) -> bytes:
        """Section 5.2."""
        return sha256(f"{self.vendor}/{self.hardware_class}".encode()).digest()[:8]


def _head(major: int, value: int) -> bytes:
    """The shortest head of a CBOR item (RFC 8949 section 3)."""
    if value < 24:
        return bytes([major << 5 | value])
    for extra, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << 8 * size:
            return bytes([major << 5 | extra]) + value.to_bytes(size, "big")
    raise ValueError(f"{value} is too large for CBOR")


def _uint(value: int) -> bytes:
    return _head(0, value)


def _bytes(data: bytes) -> bytes:
    return _head(2, len(data)) + data


def _text(text: str) -> bytes:
    return _head(3, len(text.encode())) + text.encode()


def _array(values: tuple[int, ...]) -> bytes:
    return _head(4, len(values)) + b"".join(_uint(value) for value in values)


def payload(manifest: Manifest, image: bytes, root: bytes) -> bytes:
    """Section 8.3: format 1, role app, confirmed on-verify. 256 bytes."""
    items = [
        _uint(1),
        _text(manifest.vendor),
        _text(manifest.hardware_class),
        _array(manifest.revisions),
        _array(manifest.version),
        _uint(manifest.sequence),
        _uint(manifest.counter),
        _uint(len(image)),
        _uint(manifest.block_size),
        _uint(-(-len(image) // manifest.block_size)),
        _bytes(root),
        _bytes(sha256(image).digest()),
        _uint(1),
        _uint(1),
        _array((manifest.rings, manifest.seed)),
        _uint(manifest.not_after_counter),
    ]
    front = _head(5, len(items) + 1) + b"".join(_uint(key) + item for key, item in enumerate(items, start=1))
    left = PAYLOAD_LENGTH - len(front) - len(_uint(len(items) + 1))
    # The head of the padding takes two bytes from 24 bytes of padding on; the text says that 38 are always left.
    return front + _uint(len(items) + 1) + _bytes(bytes(left - 2))


def envelope(body: bytes, key_id: bytes, seed: bytes) -> bytes:
    """Section 8.2, signed with the private key `seed`; `key_id` is that which the envelope names."""
    length = b"\x59" + len(body).to_bytes(2, "big")
    protected = b"\x58\x1b" + _PROTECTED
    signed = b"\x84\x6aSignature1" + protected + b"\x40" + length + body
    signature = ed25519.sign(seed, signed)
    return b"\xd2\x84" + protected + b"\xa1\x04\x48" + key_id + length + body + b"\x58\x40" + signature


def key_id_of(public_key: bytes) -> bytes:
    """Section 8.2: the first 8 bytes of SHA-256 of the raw public key."""
    return sha256(public_key).digest()[:8]
