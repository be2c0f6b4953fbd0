"""vectors/tree-v1.json: runs and uniform nodes (PROTOCOL.md 7.3 to 7.5)."""

from __future__ import annotations

from typing import Any

from tree import (
    Node,
    all_levels,
    fold,
    leaf_count,
    leaves_below,
    nodes_on_level,
    root_level,
    run_is_right,
    run_level,
    run_nodes,
)
from uniform_vectors import uniform_claims, uniform_nodes

ABOUT = (
    "Runs and uniform nodes (PROTOCOL.md 7.3 to 7.5), computed by scripts/vectors from the text alone. Byte i of "
    "block b of the images in `trees` is (floor(b / 256^(i mod 4)) + 5 i) modulo 256. Hashes are SHA-256 in "
    "hexadecimal, runs are lists of hashes. vectors/README.md says what each member means."
)
BLOCK_SIZE = 1024

# Leaf count, bytes that the last block lacks, and whether all nodes are listed or only those of the edges.
IMAGES: list[tuple[int, int, bool]] = [
    (1, 0, True),
    (1, 24, True),
    (2, 24, True),
    (3, 0, True),
    (3, 1023, True),
    (15, 24, True),
    (16, 0, True),
    (17, 24, True),
    (31, 1000, False),
    (33, 24, True),
    (255, 0, False),
    (256, 24, False),
    (257, 24, False),
    (272, 1, False),
    (4097, 24, False),
]


def block_bytes(block: int, length: int) -> bytes:
    """The rule of the images: no two blocks are alike."""
    parts = [block >> (8 * i) & 0xFF for i in range(4)]
    return bytes((parts[i % 4] + 5 * i) & 0xFF for i in range(length))


def _listed(leaves: int, is_whole: bool) -> list[Node]:
    """Nodes above the leaves: all of them, or the last of each level, and on level 4 the one before it, too."""
    nodes: list[Node] = []
    for level in range(1, root_level(leaves) + 1):
        count = nodes_on_level(leaves, level)
        edges = {count - 2, count - 1} if level == 4 else {count - 1}
        indexes = range(count) if is_whole else sorted(edges & set(range(count)))
        nodes += [(level, index) for index in indexes]
    return nodes


def _tree(leaves: int, missing: int, is_whole: bool) -> tuple[dict[str, Any], list[list[bytes]]]:
    size = leaves * BLOCK_SIZE - missing
    last = BLOCK_SIZE - missing
    levels = all_levels(lambda b: block_bytes(b, last if b == leaves - 1 else BLOCK_SIZE), leaves)
    assert leaf_count(size, BLOCK_SIZE) == leaves
    nodes = []
    for node in _listed(leaves, is_whole):
        level, index = node
        covered = leaves_below(node, leaves)
        listed = run_nodes(node, leaves)
        run = [levels[at][i] for at, i in listed]
        if fold(run) != levels[level][index]:
            raise AssertionError(f"the run of {node} does not fold to its hash")
        nodes.append(
            {
                "level": level,
                "index": index,
                "firstLeaf": covered.start,
                "leaves": len(covered),
                "hash": levels[level][index].hex(),
                "runLevel": run_level(level),
                "runFirst": listed[0][1],
                "run": [hashed.hex() for hashed in run],
            }
        )
    tree = {
        "leafCount": leaves,
        "size": size,
        "blockSize": BLOCK_SIZE,
        "nodesByLevel": [len(hashes) for hashes in levels],
        "lastLeaf": levels[0][-1].hex(),
        "root": levels[-1][0].hex(),
        "nodes": nodes,
    }
    return tree, levels


def _wrong_runs(leaves: int, node: Node, levels: list[list[bytes]]) -> list[dict[str, Any]]:
    """What a receiver refuses in place of a node's run."""
    level, index = node
    known = levels[level][index]
    right = [levels[at][i] for at, i in run_nodes(node, leaves)]
    bent = bytes([right[-1][0] ^ 1]) + right[-1][1:]
    candidates: list[tuple[str, list[bytes]]] = [
        ("right", right),
        ("one bit of the last hash is wrong", [*right[:-1], bent]),
        ("one hash more, the last one again", [*right, right[-1]]),
        ("the first two hashes in the wrong order", [right[1], right[0], *right[2:]]),
        ("the last hash is missing", right[:-1]),
        ("the first hash is missing", right[1:]),
        ("the node's own hash alone", [known]),
    ]
    if level >= 2:
        lower = max(run_level(level), level - 1)
        halves = [levels[lower][i] for i in (2 * index, 2 * index + 1) if i < len(levels[lower])]
        if halves != right:
            candidates.append(("the hashes of its children, which fold right, but are of another level", halves))
    return [
        {
            "name": f"{name} ({leaves} leaves, level {level}, index {index})",
            "leafCount": leaves,
            "level": level,
            "index": index,
            "hash": known.hex(),
            "run": [hashed.hex() for hashed in run],
            "isRight": run_is_right(run, node, leaves, known),
        }
        for name, run in candidates
    ]


def document() -> dict[str, Any]:
    trees = []
    runs: list[dict[str, Any]] = []
    for leaves, missing, is_whole in IMAGES:
        tree, levels = _tree(leaves, missing, is_whole)
        trees.append(tree)
        if leaves == 33:
            for node in ((1, 0), (3, 1), (5, 0), (6, 0)):
                runs += _wrong_runs(leaves, node, levels)
    return {
        "about": ABOUT,
        "trees": trees,
        "runs": runs,
        "uniformNodes": uniform_nodes(),
        "uniformClaims": uniform_claims(),
    }
