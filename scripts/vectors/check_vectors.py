"""Checks the frames of wire-v1.json, rate-v1.json, have-v1.json, inline-v1.json, locator-v1.json, link-key-v1.json and session-v1.json against PROTOCOL.md; exits 1 at a fault."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from check_frames import Fault, check_hex
from check_session import SessionCheck
from cobs import delimited
from fields import number
from session_facts import Wrong, require

FOLDER = Path(__file__).resolve().parents[2] / "vectors"


def _each(vectors: list[dict[str, Any]], check: Callable[[dict[str, Any]], int]) -> int:
    """The frames that were checked; the name of a vector is in what is wrong with it."""
    require(len(vectors) > 0, "a list is empty")
    frames = 0
    for vector in vectors:
        try:
            frames += check(vector)
        except (Fault, Wrong) as error:
            raise Wrong(f"{vector['name']}: {error}") from error
    return frames


def _is_right(vector: dict[str, Any]) -> int:
    check_hex(vector["frameHex"], vector["tag"])
    if "wireHex" in vector:
        line = delimited(bytes.fromhex(vector["frameHex"].replace(" ", "")))
        require(vector["wireHex"].replace(" ", "") == line.hex(), "wireHex is not COBS between delimiters (2.1)")
    return 1


def _is_wrong(vector: dict[str, Any]) -> int:
    try:
        check_hex(vector["frameHex"], vector["tag"])
    except Fault as fault:
        require(fault.name == vector["fault"], f"the fault is {fault}")
        return 1
    raise Wrong("this frame has no fault")


def wire_frames(content: dict[str, Any]) -> int:
    """Section 12.3: frames to encode and decode, to decode only, and faults, each for the reason that is named."""
    right = _each(content["frames"], _is_right) + _each(content["decodeOnly"], _is_right)
    return right + _each(content["faults"], _is_wrong)


def link_key_frames(content: dict[str, Any]) -> int:
    """Section 14: calls, proven messages, sealed frames."""

    def call(vector: dict[str, Any]) -> int:
        check_hex(vector["frameHex"], None)
        return 1

    def proven(vector: dict[str, Any]) -> int:
        check_hex(vector["frameHex"], None, is_proven=True)
        return 1

    def sealed(vector: dict[str, Any]) -> int:
        check_hex(vector["frameHex"], content["sessionTag"], is_sealed=True)
        counter = bytes.fromhex(vector["frameHex"].replace(" ", ""))[-16:-12]
        require(number(counter) == vector["counter"], f"the counter is {number(counter)} (14.4)")
        return 1

    counted = _each(content["calls"], call) + _each(content["handshake"], proven)
    return counted + _each(content["sealed"], sealed)


def session_frames(content: dict[str, Any]) -> int:
    """Section 6: whole sessions."""
    return _each(content["sessions"], lambda vector: SessionCheck(vector).run())


CHECKS: dict[str, Callable[[dict[str, Any]], int]] = {
    "wire-v1.json": wire_frames,
    "rate-v1.json": wire_frames,
    "inline-v1.json": wire_frames,
    "have-v1.json": wire_frames,
    "locator-v1.json": wire_frames,
    "link-key-v1.json": link_key_frames,
    "session-v1.json": session_frames,
}


def check_files(names: Iterable[str]) -> int:
    """All frames of these files; how many they are. Wrong if one is not as the text says."""
    frames = 0
    for name in names:
        try:
            frames += CHECKS[name](json.loads((FOLDER / name).read_text(encoding="utf-8")))
        except (Wrong, ValueError, OSError) as error:
            raise Wrong(f"{name}: {error}") from error
    return frames


def main(names: list[str]) -> int:
    """`names`: the files to check; all that are checked here unless given."""
    if any(name not in CHECKS for name in names):
        print(f"usage: check_vectors.py [{' | '.join(CHECKS)} ...]", file=sys.stderr)
        return 2
    try:
        print(f"{check_files(names or CHECKS)} frames are as PROTOCOL.md says")
    except Wrong as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
