"""The hash tree, and the walk down it with one run in memory (6.3, 7)."""

import hashlib
from typing import Callable, List, NamedTuple, Optional, Tuple

Read = Callable[[int, int], bytes]


def leaf_hash(block: bytes) -> bytes:
    return hashlib.sha256(b"\0" + block).digest()


def node_hash(a: bytes, b: bytes) -> bytes:
    return hashlib.sha256(b"\1" + a + b).digest()


def fold(hashes: List[bytes]) -> bytes:
    """The root of these hashes (7.3): neighbours are paired, an odd last one is taken over."""
    while len(hashes) > 1:
        pairs = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes) - 1, 2)]
        hashes = pairs + hashes[len(pairs) * 2 :]
    return hashes[0]


class Shape(NamedTuple):
    """Size and block size of an image, and what follows from them (7.1, 7.3, 7.4)."""

    size: int
    block: int

    def nodes(self, level: int) -> int:
        return -(-(-(-self.size // self.block)) // 2**level)

    def root_level(self) -> int:
        return (self.nodes(0) - 1).bit_length()

    def length(self, block: int) -> int:
        return min(self.block, self.size - block * self.block)

    def leaves(self, level: int, index: int) -> range:
        return range(index << level, min(index + 1 << level, self.nodes(0)))

    def run(self, level: int, index: int) -> Tuple[int, range]:
        """Level and indexes of the hashes in a node's run."""
        down = 4 * ((level - 1) // 4)
        width = 2 ** (level - down)
        return down, range(index * width, min((index + 1) * width, self.nodes(down)))

    def hash_of(self, read: Read, level: int, index: int) -> bytes:
        """A node's hash of what flash holds, with one hash for each level in memory."""
        stack: List[Tuple[int, bytes]] = []
        for leaf in self.leaves(level, index):
            mine = 0, leaf_hash(read(leaf * self.block, self.length(leaf)))
            while stack and stack[-1][0] == mine[0]:
                mine = mine[0] + 1, node_hash(stack.pop()[1], mine[1])
            stack.append(mine)
        result = stack.pop()[1]
        while stack:
            result = node_hash(stack.pop()[1], result)
        return result

    def uniform_hash(self, level: int, index: int, value: int) -> bytes:
        """A node's hash if all its bytes have one value: two hashes for each level (7.5)."""
        last = self.nodes(0) - 1
        whole = leaf_hash(bytes([value]) * self.block)
        edge = leaf_hash(bytes([value]) * self.length(last))
        for below in range(level):
            if self.nodes(below) % 2 == 0:
                edge = node_hash(whole, edge)
            whole = node_hash(whole, whole)
        return edge if index == self.nodes(level) - 1 else whole


class _Step:
    """A node on the way down: its hash, and which children differ and are not done."""

    def __init__(self, level: int, index: int, hash_: bytes) -> None:
        self.level, self.index, self.hash = level, index, hash_
        self.open: Optional[int] = None


class Walk:
    """Finds what flash lacks, with one run and one block at a time (6.3)."""

    def __init__(self, shape: Shape, root: bytes, read: Read) -> None:
        self.shape = shape
        self.block: Optional[Tuple[int, bytes]] = None
        self.runs_taken = 0
        self._read = read
        self._way: List[_Step] = []
        self._hashes: List[bytes] = []
        if shape.hash_of(read, shape.root_level(), 0) != root:
            if shape.root_level() == 0:
                self.block = 0, root
            else:
                self._way = [_Step(shape.root_level(), 0, root)]

    def is_over(self) -> bool:
        return not self._way and self.block is None

    def wanted(self) -> Optional[Tuple[int, int]]:
        """Level and index of the node whose run is asked for now."""
        return (self._way[-1].level, self._way[-1].index) if self._way and self.block is None else None

    def run_length(self) -> int:
        return 32 * len(self.shape.run(*self.wanted() or (1, 0))[1])

    def take_run(self, data: bytes) -> bool:
        """A complete run of the node asked for. False: it does not fold to the node's hash (7.4)."""
        step = self._way[-1]
        level, indexes = self.shape.run(step.level, step.index)
        hashes = [data[i : i + 32] for i in range(0, len(data), 32)]
        if len(data) != 32 * len(indexes) or fold(hashes) != step.hash:
            return False
        self.runs_taken += 1
        self._hashes = hashes
        if step.open is None:
            step.open = 0
            for i, index in enumerate(indexes):
                if self.shape.hash_of(self._read, level, index) != hashes[i]:
                    step.open |= 1 << i
        self._next()
        return True

    def take_uniform(self, value: int) -> Optional[range]:
        """A claim about the node asked for: the blocks that are of this value, or None when it is not so (7.5)."""
        step = self._way[-1]
        if self.shape.uniform_hash(step.level, step.index, value) != step.hash:
            return None
        return self.shape.leaves(step.level, step.index)

    def node_is_done(self) -> None:
        """Flash holds all that is below the node asked for."""
        self._way.pop()
        self._child_is_done()

    def block_is_done(self) -> None:
        self.block = None
        self._child_is_done()

    def _child_is_done(self) -> None:
        """Children are done in ascending order: the lowest bit is the one."""
        if not self._way:
            return
        step = self._way[-1]
        assert step.open
        step.open &= step.open - 1
        if step.open == 0:
            self.node_is_done()
        elif self.shape.run(step.level, step.index)[0] == 0:
            self._next()
        # Else the run of this node is asked for again: the one in memory is that of a child.

    def _next(self) -> None:
        """Goes to the first child that differs; its hash is in the run that is in memory."""
        step = self._way[-1]
        if not step.open:
            self.node_is_done()
            return
        i = (step.open & -step.open).bit_length() - 1
        level, indexes = self.shape.run(step.level, step.index)
        if level == 0:
            self.block = indexes[i], self._hashes[i]
        else:
            self._way.append(_Step(level, indexes[i], self._hashes[i]))
