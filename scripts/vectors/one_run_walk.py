"""The walk down the tree of a target that keeps one run and one block (PROTOCOL.md 6.3)."""

from __future__ import annotations

from dataclasses import dataclass, field

from tree import Node, all_levels, leaf_count, root_level, run_is_right, run_nodes


@dataclass
class Level:
    """A node on the way down: its hash, and its children that differ and are not done; None before its run came."""

    node: Node
    known: bytes
    todo: list[Node] | None = None


@dataclass
class OneRunWalk:
    """What to ask for next: a run (`asked`), or a block (`wanted`); neither when nothing is missing."""

    size: int
    block_size: int
    root: bytes
    slot: list[bytes]
    asked: Node | None = None
    hashes: list[bytes] = field(default_factory=list)
    _levels: list[Level] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.leaves = leaf_count(self.size, self.block_size)
        self._go_down((root_level(self.leaves), 0), self.root)

    def _go_down(self, node: Node, known: bytes) -> None:
        self._levels.append(Level(node, known))
        self.asked = node

    @property
    def wanted(self) -> int | None:
        """The block to grant."""
        if self.asked is not None or not self._levels:
            return None
        todo = self._levels[-1].todo
        return todo[0][1] if todo else None

    @property
    def wanted_hash(self) -> bytes:
        """Its hash, in the run that is kept."""
        block = self.wanted
        listed = [index for _, index in run_nodes(self._levels[-1].node, self.leaves)]
        return self.hashes[listed.index(-1 if block is None else block)]

    def take_run(self, hashes: list[bytes]) -> bool:
        """The run that was asked for; False: it does not fold to its node's hash, and is asked for again."""
        top = self._levels[-1]
        if not run_is_right(hashes, top.node, self.leaves, top.known):
            return False
        self.asked = None
        self.hashes = hashes
        if top.todo is None:
            flash = all_levels(lambda index: self.slot[index], self.leaves)
            children = run_nodes(top.node, self.leaves)
            compared = zip(children, hashes, strict=True)
            top.todo = [child for child, known in compared if flash[child[0]][child[1]] != known]
        self._continue(is_run_here=True)
        return True

    def finish_block(self) -> None:
        """The block that was wanted is in flash."""
        todo = self._levels[-1].todo
        assert todo is not None
        todo.pop(0)
        self._continue(is_run_here=True)

    def _continue(self, is_run_here: bool) -> None:
        """`is_run_here`: the run that is kept is that of the lowest node. A node that is done is left, and so on up."""
        while self._levels:
            top = self._levels[-1]
            if not top.todo:
                self._levels.pop()
                is_run_here = False
            elif not is_run_here:
                # The run of an upper node was replaced by one below it: it is asked for again.
                self.asked = top.node
                return
            elif top.todo[0][0] == 0:
                return
            else:
                child = top.todo.pop(0)
                listed = run_nodes(top.node, self.leaves)
                self._go_down(child, self.hashes[listed.index(child)])
                return
