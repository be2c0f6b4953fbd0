"""The hash tree (PROTOCOL.md 7): leaves, nodes, shape, runs, nodes of one repeated byte."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

RUN_MAX_HASHES = 16

Node = tuple[int, int]
"""Level and index (7.3)."""


def leaf_hash(block: bytes) -> bytes:
    """Section 7.2."""
    return sha256(b"\0" + block).digest()


def node_hash(a: bytes, b: bytes) -> bytes:
    """Section 7.2."""
    return sha256(b"\1" + a + b).digest()


def leaf_count(size: int, block_size: int) -> int:
    """Section 7.1: the last block may be shorter."""
    return -(-size // block_size)


def nodes_on_level(leaves: int, level: int) -> int:
    """Section 7.3: ceil(leaf count / 2^level)."""
    return -(-leaves // (1 << level))


def root_level(leaves: int) -> int:
    """The first level that has one node."""
    level = 0
    while nodes_on_level(leaves, level) > 1:
        level += 1
    return level


def leaves_below(node: Node, leaves: int) -> range:
    """Section 7.3."""
    level, index = node
    return range(index << level, min((index + 1) << level, leaves))


def next_level(hashes: Sequence[bytes]) -> list[bytes]:
    """Section 7.3: neighbours are paired from the left, an odd last hash is taken over unchanged."""
    pairs = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes) - 1, 2)]
    return [*pairs, hashes[-1]] if len(hashes) % 2 else pairs


def fold(hashes: Sequence[bytes]) -> bytes:
    """Folds hashes as in 7.3 until one is left."""
    while len(hashes) > 1:
        hashes = next_level(hashes)
    return hashes[0]


def all_levels(block_of: Callable[[int], bytes], leaves: int) -> list[list[bytes]]:
    """The hashes of the whole tree, by level; `block_of` gives the bytes of a block."""
    levels = [[leaf_hash(block_of(index)) for index in range(leaves)]]
    while len(levels[-1]) > 1:
        levels.append(next_level(levels[-1]))
    return levels


def run_level(level: int) -> int:
    """Section 7.4. A leaf has no run."""
    return 4 * ((level - 1) // 4)


def run_nodes(node: Node, leaves: int) -> list[Node]:
    """Section 7.4: the nodes whose hashes the run of this node lists, in order."""
    level, index = node
    listed = run_level(level)
    width = 1 << (level - listed)
    end = min((index + 1) * width, nodes_on_level(leaves, listed))
    return [(listed, i) for i in range(index * width, end)]


def run_is_right(run: Sequence[bytes], node: Node, leaves: int, known: bytes) -> bool:
    """Section 7.4: any other number of hashes is refused, and so is a run that folds to another hash."""
    return len(run) == len(run_nodes(node, leaves)) and fold(run) == known


def uniform_hash(node: Node, size: int, block_size: int, value: int) -> bytes:
    """Section 7.5: the hash of a node below which all bytes of the image have one value, level by level.

    `complete` is the hash of a subtree without the image's end, `edge` that of the last one on its level.
    """
    leaves = leaf_count(size, block_size)
    level, index = node
    last = leaves - 1
    complete = leaf_hash(bytes([value]) * block_size)
    edge = leaf_hash(bytes([value]) * (size - last * block_size))
    for _ in range(level):
        # The last node of the level below is a right child, or taken over when it has no neighbour.
        edge = node_hash(complete, edge) if last % 2 else edge
        complete = node_hash(complete, complete)
        last //= 2
    return edge if index == last else complete
