"""What the tables of PROTOCOL.md say: layouts of messages, numbers of classes and types, constants of the wire."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PATH = Path(__file__).resolve().parents[2] / "docs" / "PROTOCOL.md"

Linear = tuple[int, int]
"""A length or offset a + b n, as (a, b)."""


@dataclass(frozen=True)
class Row:
    """One field of a layout table."""

    offset: Linear
    length: Linear
    text: str


@dataclass(frozen=True)
class Layout:
    """A layout table: its rows follow one another without a gap."""

    section: str
    rows: tuple[Row, ...]

    @property
    def end(self) -> Linear:
        last = self.rows[-1]
        return (last.offset[0] + last.length[0], last.offset[1] + last.length[1])

    @property
    def is_variable(self) -> bool:
        return self.end[1] != 0

    def bounds(self, n: int) -> list[tuple[int, int]]:
        """First byte and the one behind the last, of each field."""
        return [(at(row.offset, n), at(row.offset, n) + at(row.length, n)) for row in self.rows]

    def row(self, words: str) -> int:
        """The number of the row whose text has these words."""
        found = [index for index, row in enumerate(self.rows) if words in row.text]
        if len(found) != 1:
            raise ValueError(f"PROTOCOL.md {self.section} has {len(found)} fields with the words {words!r}")
        return found[0]


def at(value: Linear, n: int) -> int:
    return value[0] + value[1] * n


def _linear(text: str) -> Linear:
    """`4 + 5 n`, `n`, `8`."""
    constant, factor = 0, 0
    for term in text.split("+"):
        match = re.fullmatch(r"\s*(\d+)?\s*(n)?\s*", term)
        if match is None or match.group(0).strip() == "":
            raise ValueError(f"no length: {text!r}")
        number, has_n = match.group(1), match.group(2) is not None
        if has_n:
            factor += int(number or 1)
        else:
            constant += int(number)
    return (constant, factor)


@cache
def _lines() -> list[str]:
    return PATH.read_text(encoding="utf-8").splitlines()


def section(number: str) -> list[str]:
    """The lines of a section, without those of its subsections."""
    lines = _lines()
    start = next(i for i, line in enumerate(lines) if re.match(rf"#+ {re.escape(number)} ", line))
    end = next((i for i in range(start + 1, len(lines)) if lines[i].startswith("#")), len(lines))
    return lines[start:end]


def tables(number: str) -> Iterator[list[list[str]]]:
    """The tables of a section, each as rows of cells, its head first."""
    table: list[list[str]] = []
    for line in [*section(number), ""]:
        if line.startswith("|"):
            table.append([cell.strip() for cell in line.strip("|").split("|")])
        elif table:
            yield [table[0], *table[2:]]
            table = []


@cache
def layout(number: str, head: str = "offset") -> Layout:
    """The first layout table of a section; `head` is the title of its first column."""
    for table in tables(number):
        if table[0] != [head, "length", "field"]:
            continue
        rows = tuple(Row(_linear(row[0]), _linear(row[1]), row[2]) for row in table[1:])
        expected: Linear = (0, 0)
        for row in rows:
            if row.offset != expected:
                raise ValueError(f"PROTOCOL.md {number}: {row.text!r} stands at {row.offset}, not at {expected}")
            expected = (row.offset[0] + row.length[0], row.offset[1] + row.length[1])
        return Layout(number, rows)
    raise ValueError(f"PROTOCOL.md {number} has no table of {head!r}, length, field")


@dataclass(frozen=True)
class Kind:
    """A message or packet: its name, and the section with its layout."""

    name: str
    section: str


@cache
def message_kinds() -> dict[tuple[int, int], Kind]:
    """Section 3.2: messages by class and type."""
    for table in tables("3.2"):
        if table[0] == ["class", "type", "message", "section"]:
            return {(int(row[0]), int(row[1], 16)): Kind(row[2], row[3]) for row in table[1:]}
    raise ValueError("PROTOCOL.md 3.2 has no table of messages")


PACKETS = {3: Kind("object", "4.6"), 4: Kind("probe", "4.4"), 8: Kind("data", "4.5")}
"""Packets by class; data has all classes from 8 on."""


@cache
def class_names() -> dict[str, str]:
    """Section 3.2: what each class, or list of classes, is called."""
    table = next(table for table in tables("3.2") if table[0][:2] == ["class", "frames"])
    return {row[0]: row[1] for row in table[1:]}


@cache
def constants() -> dict[str, int]:
    """Section 11, by name: the whole numbers."""
    rows = [row for table in tables("11") for row in table[1:] if "." not in row[1]]
    return {row[0].strip("`"): int(row[1], 0) for row in rows}
