"""Nodes of one repeated byte (PROTOCOL.md 7.5), members of vectors/tree-v1.json."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tree import Node, all_levels, leaf_count, nodes_on_level, root_level, uniform_hash

# Size of the image, block size, value; all nodes of the small ones are also computed from their leaves.
IMAGES: list[tuple[int, int, int]] = [
    (2 * 1024, 1024, 0xFF),
    (3 * 1024, 1024, 0x00),
    (3 * 1024 - 1000, 1024, 0xFF),
    (16 * 1024, 1024, 0xA5),
    (17 * 4096 - 24, 4096, 0xFF),
    (33 * 2048 - 2047, 2048, 0x01),
    (257 * 1024 - 24, 1024, 0x00),
    (1000 * 65536, 65536, 0xFF),
    (4097 * 4096 - 1, 4096, 0xFF),
    ((1 << 20) * 1024, 1024, 0xFF),
    ((1 << 20) * 1024 - 1023, 1024, 0x00),
    ((1 << 32) - 1, 4096, 0xFF),
]
_COMPUTED_IN_FULL = 1 << 20


def _levels(image: bytes, block_size: int) -> list[list[bytes]]:
    """The whole tree over an image."""
    return all_levels(lambda b: image[b * block_size : (b + 1) * block_size], leaf_count(len(image), block_size))


def uniform_nodes() -> list[dict[str, Any]]:
    """The last node of each level above the leaves, and the first one of the lower levels."""
    vectors = []
    for size, block_size, value in IMAGES:
        leaves = leaf_count(size, block_size)
        levels = None
        if size <= _COMPUTED_IN_FULL:
            levels = _levels(bytes([value]) * size, block_size)
        nodes = []
        for level in range(1, root_level(leaves) + 1):
            last_index = nodes_on_level(leaves, level) - 1
            for index in sorted({0, last_index} if level <= 4 else {last_index}):
                hashed = uniform_hash((level, index), size, block_size, value)
                if levels is not None and hashed != levels[level][index]:
                    raise AssertionError(f"7.5 and 7.3 differ at {(level, index)}")
                nodes.append({"level": level, "index": index, "hash": hashed.hex()})
        vectors.append({"size": size, "blockSize": block_size, "value": value, "nodes": nodes})
    return vectors


@dataclass
class Claim:
    """An image of one value but for some bytes, and what a rescuer says of one of its nodes."""

    name: str
    size: int
    block_size: int
    fill: int
    others: list[tuple[int, int]]  # offset in the image, value
    node: Node
    value: int


_SHORT = 17 * 1024 - 24

CLAIMS: list[Claim] = [
    Claim("all is of this value", _SHORT, 1024, 0xFF, [], (5, 0), 0xFF),
    Claim("all is of another value", _SHORT, 1024, 0xFF, [], (5, 0), 0xFE),
    Claim("one bit differs in the first byte", _SHORT, 1024, 0xFF, [(0, 0xFE)], (5, 0), 0xFF),
    Claim("one bit differs in the last byte", _SHORT, 1024, 0xFF, [(_SHORT - 1, 0x7F)], (5, 0), 0xFF),
    Claim("the last byte lies beside the node", _SHORT, 1024, 0xFF, [(_SHORT - 1, 0x7F)], (4, 0), 0xFF),
    Claim(
        "the last byte is all that is wrong below the node",
        _SHORT,
        1024,
        0xFF,
        [(_SHORT - 1, 0x7F)],
        (4, 1),
        0xFF,
    ),
    Claim("the short last block alone", _SHORT, 1024, 0x00, [], (4, 1), 0x00),
    Claim(
        "the short last block alone, of the value of all others",
        _SHORT,
        1024,
        0x00,
        [(16384, 1)],
        (4, 1),
        0x00,
    ),
    Claim("a node in the middle", _SHORT, 1024, 0x00, [(0, 1), (_SHORT - 1, 1)], (2, 1), 0x00),
    Claim("a node in the middle with one wrong byte at its end", _SHORT, 1024, 0x00, [(8191, 1)], (2, 1), 0x00),
    Claim("a wrong byte right behind a node in the middle", _SHORT, 1024, 0x00, [(8192, 1)], (2, 1), 0x00),
    Claim("a wrong byte right before a node in the middle", _SHORT, 1024, 0x00, [(4095, 1)], (2, 1), 0x00),
    Claim("an incomplete node of three leaves", 3 * 1024 - 1, 1024, 0x55, [], (2, 0), 0x55),
    Claim(
        "an incomplete node of three leaves, wrong in the second",
        3 * 1024 - 1,
        1024,
        0x55,
        [(2047, 0)],
        (2, 0),
        0x55,
    ),
    Claim("blocks of 4096 bytes", 33 * 4096 - 4095, 4096, 0xFF, [], (6, 0), 0xFF),
    Claim(
        "blocks of 4096 bytes, a last block of one byte which differs",
        33 * 4096 - 4095,
        4096,
        0xFF,
        [(131072, 0)],
        (6, 0),
        0xFF,
    ),
]


def _image(claim: Claim) -> bytes:
    image = bytearray([claim.fill]) * claim.size
    for offset, value in claim.others:
        image[offset] = value
    return bytes(image)


def uniform_claims() -> list[dict[str, Any]]:
    """A claim holds if the node's verified hash is the one that 7.5 gives for the value; checked with the bytes."""
    vectors = []
    for claim in CLAIMS:
        image = _image(claim)
        size = claim.block_size
        levels = _levels(image, size)
        level, index = claim.node
        known = levels[level][index]
        holds = known == uniform_hash(claim.node, claim.size, size, claim.value)
        below = image[(index << level) * size : ((index + 1) << level) * size]
        if holds != (set(below) == {claim.value}):
            raise AssertionError(claim.name)
        vectors.append(
            {
                "name": claim.name,
                "size": claim.size,
                "blockSize": size,
                "fill": claim.fill,
                "others": [[offset, value] for offset, value in claim.others],
                "level": level,
                "index": index,
                "hash": known.hex(),
                "value": claim.value,
                "holds": holds,
            }
        )
    # The hash that a complete node would have, where the image ends below the node.
    whole = uniform_hash((4, 0), _SHORT, 1024, 0xFF)
    edge = uniform_hash((4, 1), _SHORT, 1024, 0xFF)
    base = {"size": _SHORT, "blockSize": 1024, "fill": 0xFF, "others": []}
    swapped = [
        ("the hash of a complete node on the right edge", {"level": 4, "index": 1, "hash": whole.hex()}),
        ("the hash of the right edge in a complete node", {"level": 4, "index": 0, "hash": edge.hex()}),
    ]
    for name, node in swapped:
        vectors.append({"name": name, **base, **node, "value": 0xFF, "holds": False})
    return vectors
