"""The two buffers: one object, one block (4.5, 4.6)."""

from typing import Optional, Tuple

from .frames import RAW_CODEC, UNIFORM_CODEC, Data, Object
from .tree import Shape


class ObjectBuffer:
    """Puts an object together; another object, or one of another length, starts it over (4.6)."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.clear()

    def clear(self) -> None:
        self.kind = 0
        self.node: Optional[Tuple[int, int]] = None
        self._data = bytearray()
        self._here = bytearray()

    def take(self, chunk: Object) -> bool:
        """Whether the object is complete now."""
        if chunk.total > self._most:
            return False
        if (self.kind, self.node, len(self._data)) != (chunk.kind, (chunk.level, chunk.index), chunk.total):
            self.kind, self.node = chunk.kind, (chunk.level, chunk.index)
            self._data, self._here = bytearray(chunk.total), bytearray(chunk.total)
        end = chunk.offset + len(chunk.payload)
        self._data[chunk.offset : end] = chunk.payload
        self._here[chunk.offset : end] = b"\1" * len(chunk.payload)
        return self.is_complete()

    def is_complete(self) -> bool:
        return bool(self._here) and all(self._here)

    def data(self) -> bytes:
        return bytes(self._data)


class BlockBuffer:
    """Puts the granted block together (4.5)."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._data = bytearray()
        self._missing = 0

    def open(self, number: int, shape: Shape, low_bit: int) -> None:
        self._first = number * shape.block // 32
        self._data = bytearray(shape.length(number))
        self._missing = (1 << -(-len(self._data) // 32)) - 1
        self._low_bit, self._codec = low_bit, -1

    def take(self, chunk: Data) -> bool:
        """Whether the block is complete now; what does not fit is dropped."""
        if not self._missing or chunk.attempt != self._low_bit or self._codec not in (-1, chunk.codec):
            return False
        offset, length = 32 * ((chunk.position - self._first) % 65536), len(chunk.payload)
        if chunk.codec == UNIFORM_CODEC:
            if offset or length != 1:
                return False
            self._data[:] = chunk.payload * len(self._data)
            self._missing = 0
        elif chunk.codec == RAW_CODEC:
            end = offset + length
            if end > len(self._data) or (length % 32 and end != len(self._data)):
                return False
            self._data[offset:end] = chunk.payload
            self._missing &= ~(((1 << -(-length // 32)) - 1) << offset // 32)
        else:
            return False
        self._codec = chunk.codec
        return not self._missing

    def data(self) -> bytes:
        return bytes(self._data)
