"""The second form of frames (PROTOCOL.md 2.5): names, parity and layout, computed digit by digit from the text."""

from __future__ import annotations

MARKER = bytes.fromhex("1acffc1d")
_FIELD = 0x11D
_CHECKS = 0b110001110101  # x^11 + x^10 + x^6 + x^5 + x^4 + x^2 + 1
CODEWORD_MAX = 255


def _product(a: int, b: int) -> int:
    """In GF(256): multiply as polynomials over GF(2), and reduce."""
    out = 0
    while b:
        if b & 1:
            out ^= a
        a <<= 1
        if a & 0x100:
            a ^= _FIELD
        b >>= 1
    return out


def generator(mendable: int) -> list[int]:
    """(x - a^0) ... (x - a^(2 t - 1)), the highest power first."""
    poly = [1]
    root = 1
    for _ in range(2 * mendable):
        longer = [*poly, 0]
        for i, coefficient in enumerate(poly):
            longer[i + 1] ^= _product(coefficient, root)
        poly = longer
        root = _product(root, 2)
    return poly


def parity(part: bytes, mendable: int) -> bytes:
    """The remainder of part x x^(2 t), by long division."""
    poly = generator(mendable)
    rest = [*part, *([0] * (2 * mendable))]
    for at in range(len(part)):
        factor = rest[at]
        for i, coefficient in enumerate(poly):
            rest[at + i] ^= _product(coefficient, factor)
    return bytes(rest[len(part) :])


def name(mendable: int, content_length: int) -> bytes:
    """The three bytes behind the marker."""
    data = (mendable - 1) * 256 + (content_length - 9) // 8
    rest = data << 11
    for bit in range(22, 10, -1):
        if rest >> bit & 1:
            rest ^= _CHECKS << (bit - 11)
    word = data << 11 | rest
    return (word << 1 | bin(word).count("1") % 2).to_bytes(3, "big")


def padded(frame: bytes) -> bytes:
    """The content."""
    count = 9 - len(frame) if len(frame) <= 8 else 8 - (len(frame) - 1) % 8
    return frame + bytes([count]) * count


def parts_of(content: bytes, mendable: int) -> list[bytes]:
    """Equal parts, the first ones a byte longer."""
    count = -(-len(content) // (CODEWORD_MAX - 2 * mendable))
    parts: list[bytes] = []
    at = 0
    for index in range(count):
        length = len(content) // count + (1 if index < len(content) % count else 0)
        parts.append(content[at : at + length])
        at += length
    return parts


def coded(frame: bytes, mendable: int) -> bytes:
    """The frame as it stands on the line."""
    content = padded(frame)
    out = MARKER + name(mendable, len(content))
    for part in parts_of(content, mendable):
        out += part + parity(part, mendable)
    return out
