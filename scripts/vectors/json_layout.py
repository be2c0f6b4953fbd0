"""How vector files are written: one line for what fits in 110 columns, two spaces a level otherwise."""

from __future__ import annotations

import json
from typing import Any

_WIDTH = 110


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        if not value:
            return "{}"
        return "{ " + ", ".join(f"{json.dumps(key)}: {_flat(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_flat(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _filled(numbers: list[int], indent: str) -> str:
    """A long list of numbers, as many on a line as fit."""
    lines: list[str] = []
    line = ""
    for index, value in enumerate(numbers):
        text = str(value) + ("," if index < len(numbers) - 1 else "")
        if line and len(indent) + len(line) + 1 + len(text) > _WIDTH:
            lines.append(line)
            line = text
        else:
            line = f"{line} {text}" if line else text
    return f"\n{indent}".join([*lines, line])


def _laid_out(value: Any, indent: str, used: int) -> str:
    flat = _flat(value)
    if not isinstance(value, (dict, list)) or len(indent) + used + len(flat) <= _WIDTH:
        return flat
    inner = indent + "  "
    if isinstance(value, dict):
        lines = []
        for key, item in value.items():
            head = f"{json.dumps(key)}: "
            lines.append(f"{inner}{head}{_laid_out(item, inner, len(head) + 1)}")
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if all(isinstance(item, int) and not isinstance(item, bool) for item in value):
        return f"[\n{inner}{_filled(value, inner)}\n{indent}]"
    return "[\n" + ",\n".join(inner + _laid_out(item, inner, 1) for item in value) + f"\n{indent}]"


def render(document: dict[str, Any]) -> str:
    """The text of a vector file. The document itself always has a line for each member."""
    lines = []
    for key, item in document.items():
        head = f"{json.dumps(key)}: "
        lines.append(f"  {head}{_laid_out(item, '  ', len(head) + 1)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"
