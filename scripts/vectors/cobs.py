"""COBS and delimiters (PROTOCOL.md 2.1)."""

from __future__ import annotations

_PIECE_MAX = 254


def encode(frame: bytes) -> bytes:
    """A frame without zeros: each piece behind a code byte that says where the next zero was."""
    pieces = frame.split(b"\0")
    out = bytearray()
    for index, piece in enumerate(pieces):
        while len(piece) >= _PIECE_MAX:
            out += b"\xff" + piece[:_PIECE_MAX]
            piece = piece[_PIECE_MAX:]
            if not piece and index == len(pieces) - 1:
                # The frame ends with a piece of 254 bytes: no further code byte follows.
                return bytes(out)
        out += bytes([len(piece) + 1]) + piece
    return bytes(out)


def delimited(frame: bytes) -> bytes:
    """A frame as it stands on a byte stream, with both delimiters."""
    return b"\0" + encode(frame) + b"\0"
