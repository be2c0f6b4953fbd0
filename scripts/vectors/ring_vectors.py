"""vectors/ring-v1.json: the ring of a board in a staged update (PROTOCOL.md 6.8)."""

from __future__ import annotations

import hashlib
from typing import Any

from fields import u32

ABOUT = (
    "Rings of boards in staged updates (PROTOCOL.md 6.8), computed by scripts/vectors from the text alone. vectors/README.md says "
    "what each member means."
)
NODE_IDS = ["0000000000000000", "7461726765743031", "0102030405060708", "0807060504030201", "fffefdfcfbfaf9f8", "ffffffffffffffff"]
ROLLOUTS = [(1, 0), (2, 0), (3, 1), (4, 0x01020304), (4, 0x04030201), (7, 65536), (16, 2**31), (255, 2**32 - 1)]
# Boards of a site, by number: as many as are counted.
SITE = 4096


def ring(node_id: bytes, rings: int, seed: int) -> int:
    """The first four bytes of SHA-256 over seed and node id, modulo the number of rings."""
    return int.from_bytes(hashlib.sha256(u32(seed) + node_id).digest()[:4], "little") % rings


def document() -> dict[str, Any]:
    boards = [
        {"nodeId": node_id, "rings": rings, "seed": seed, "ring": ring(bytes.fromhex(node_id), rings, seed)}
        for node_id in NODE_IDS
        for rings, seed in ROLLOUTS
    ]
    counts = []
    for rings, seed in ((8, 1), (20, 7)):
        dealt = [0] * rings
        for number in range(SITE):
            dealt[ring(number.to_bytes(8, "big"), rings, seed)] += 1
        counts.append({"boards": SITE, "rings": rings, "seed": seed, "boardsOfRing": dealt})
    return {"about": ABOUT, "boards": boards, "sites": counts}
