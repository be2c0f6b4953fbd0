"""Which chunk belongs to which granted block (PROTOCOL.md 4.5), a member of vectors/link-v1.json."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from link import CHUNK_UNIT, POSITIONS, chunk_place, position_of

POSITIONS_ABOUT = (
    "Byte positions repeat after 2 MiB (2097152 bytes). A chunk is dropped where block is null. Blocks are granted "
    "in the order listed; a block's attempt is 0 unless `granted` has it as a second number."
)


@dataclass
class Chunk:
    """A chunk as it comes: the 16-bit position, the length of its payload, the attempt's low bit."""

    position: int
    length: int
    attempt: int = 0


@dataclass
class Case:
    name: str
    block_size: int
    image_size: int
    granted: list[tuple[int, int]]
    chunks: list[Chunk]


def _at(block: int, block_size: int, offset: int, length: int, attempt: int = 0) -> Chunk:
    return Chunk(position_of(block, block_size, offset), length, attempt)


def _sizes() -> list[Case]:
    """For each block size: first, middle, last and whole chunks of neighbouring blocks, and what lies beside them."""
    cases = []
    for shift in range(10, 17):
        size = 1 << shift
        granted = [(5, 0), (6, 0), (9, 0)]
        whole = min(size, 2048)
        chunks = [
            _at(5, size, 0, 32),
            _at(5, size, size - 32, 32),
            _at(6, size, 0, whole),
            _at(6, size, size // 2, 64),
        ]
        chunks += [_at(9, size, size - whole, whole)]
        # Before the first block, between two, behind the last, and past a block's end.
        chunks += [_at(4, size, size - 32, 32), _at(7, size, 0, 32), _at(10, size, 0, 32)]
        chunks += [_at(5, size, size - 32, 64), _at(9, size, size - 32, 33)]
        cases.append(Case(f"blocks of {size} bytes", size, 16 * size, granted, chunks))
    return cases


def _ends() -> list[Case]:
    """Images whose last block is short."""
    cases = []
    for size, last in [(1024, 1), (1024, 31), (4096, 32), (4096, 33), (4096, 4095), (65536, 1000)]:
        image = 3 * size + last
        final = (last - 1) // CHUNK_UNIT * CHUNK_UNIT
        rest = last - final
        chunks = [_at(3, size, 0, min(last, 32)), _at(3, size, final, rest), _at(3, size, final, rest + 1)]
        chunks += [
            _at(3, size, final + CHUNK_UNIT, 1),
            _at(2, size, size - 32, 32),
            _at(2, size, size - 32, 33),
        ]
        cases.append(Case(f"a last block of {last} of {size} bytes", size, image, [(2, 0), (3, 0)], chunks))
    return cases


def _far() -> list[Case]:
    """Beyond 2 MiB, where positions repeat, and across a repetition."""
    mib2 = CHUNK_UNIT * POSITIONS
    blocks = mib2 // 4096
    image = 5 * mib2
    beside = [
        _at(blocks, 4096, 0, 32),
        _at(blocks, 4096, 4064, 32),
        _at(0, 4096, 0, 32),
        _at(blocks - 1, 4096, 0, 32),
    ]
    across = [_at(blocks - 1, 4096, 4064, 32), _at(blocks, 4096, 0, 32), _at(2 * blocks - 1, 4096, 4064, 32)]
    two = [_at(3, 4096, 64, 96), _at(blocks + 4, 4096, 64, 96), _at(2 * blocks + 5, 4096, 0, 32)]
    big = 65536
    return [
        Case(
            "a block just beyond 2 MiB: a late chunk of block 0 cannot be told apart",
            4096,
            image,
            [(blocks, 0)],
            beside,
        ),
        Case("the blocks on both sides of 2 MiB", 4096, image, [(blocks - 1, 0), (blocks, 0)], across),
        Case("blocks 2 MiB and a block apart", 4096, image, [(3, 0), (blocks + 4, 0), (2 * blocks + 5, 0)], two),
        Case(
            "blocks of 64 KiB around 2 MiB",
            big,
            40 * big,
            [(31, 0), (32, 0), (33, 0)],
            [_at(31, big, big - 32, 32), _at(32, big, 0, 2048), _at(33, big, 32000, 64), _at(34, big, 0, 64)],
        ),
        Case(
            "the last block of 2^20 of 1 KiB, short",
            1024,
            (1 << 30) - 24,
            [((1 << 20) - 1, 0)],
            [Chunk(65504, 1000), Chunk(65535, 8), Chunk(65535, 9), Chunk(0, 32), Chunk(65503, 32)],
        ),
    ]


def _attempts() -> list[Case]:
    chunks = [_at(1, 1024, 0, 64, bit) for bit in (0, 1)] + [_at(2, 1024, 0, 64, bit) for bit in (0, 1)]
    chunks += [_at(3, 1024, 96, 64, bit) for bit in (0, 1)]
    return [
        Case("the low bit of a block's attempt", 1024, 8192, [(1, 0), (2, 1), (3, 6)], chunks),
        Case("nothing granted", 1024, 8192, [], [_at(0, 1024, 0, 32), Chunk(65535, 32)]),
    ]


def position_vectors() -> list[dict[str, Any]]:
    vectors: list[dict[str, Any]] = []
    for case in [*_sizes(), *_ends(), *_far(), *_attempts()]:
        chunks: list[dict[str, Any]] = []
        for chunk in case.chunks:
            place = chunk_place(
                chunk.position, chunk.length, chunk.attempt, case.granted, case.block_size, case.image_size
            )
            block, offset = place if place is not None else (None, None)
            chunks.append(
                {
                    "position": chunk.position,
                    "length": chunk.length,
                    "attempt": chunk.attempt,
                    "block": block,
                    "offset": offset,
                }
            )
        granted = [[block, attempt] if attempt else [block] for block, attempt in case.granted]
        vectors.append(
            {
                "name": case.name,
                "blockSize": case.block_size,
                "imageSize": case.image_size,
                "granted": granted,
                "chunks": chunks,
            }
        )
    return vectors
