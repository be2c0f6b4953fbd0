"""
Writes the files of vectors/ that are computed here; with --check compares them, checks frames as check_vectors.py does,
and exits 1 at the first difference.

Everything follows from docs/PROTOCOL.md alone, with Python's standard library: a second implementation, which shares
nothing with the code that the vectors test.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import advice_vectors
import call_vectors
import check_vectors
import codec_vectors
import fec_vectors
import inline_vectors
import have_vectors
import link_vectors
import locator_vectors
import mailbox_vectors
import manifest_check
import rate_vectors
import record_vectors
import ring_vectors
import session_vectors
import tree_vectors
from json_layout import render
from session_facts import Wrong

FOLDER = Path(__file__).resolve().parents[2] / "vectors"
DOCUMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "fec-v1.json": fec_vectors.document,
    "link-v1.json": link_vectors.document,
    "codecs-v1.json": codec_vectors.document,
    "tree-v1.json": tree_vectors.document,
    "record-v1.json": record_vectors.document,
    "mailbox-v1.json": mailbox_vectors.document,
    "session-v1.json": session_vectors.document,
    "rate-v1.json": rate_vectors.document,
    "locator-v1.json": locator_vectors.document,
    "inline-v1.json": inline_vectors.document,
    "have-v1.json": have_vectors.document,
    "call-v1.json": call_vectors.document,
    "advice-v1.json": advice_vectors.document,
    "ring-v1.json": ring_vectors.document,
}


def first_difference(path: Path, wanted: str) -> str | None:
    """Where the file is not what it has to be: None if nowhere."""
    if not path.exists():
        return f"{path.name} is missing"
    found = path.read_text(encoding="utf-8")
    if found == wanted:
        return None
    pairs = zip(found.splitlines(), wanted.splitlines(), strict=False)
    for line, (is_line, should_line) in enumerate(pairs, start=1):
        if is_line != should_line:
            return f"{path.name}:{line}\n  is:        {is_line.strip()}\n  should be: {should_line.strip()}"
    return f"{path.name} has {len(found.splitlines())} lines, and should have {len(wanted.splitlines())}"


def checked_beside() -> int:
    """What is not computed here is checked: one manifest, and all frames."""
    try:
        manifest_check.check_manifest()
    except Wrong as error:
        print(error, file=sys.stderr)
        return 1
    return check_vectors.main([])


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print("usage: make.py [--check]", file=sys.stderr)
        return 2
    for name, document in DOCUMENTS.items():
        wanted = render(document())
        path = FOLDER / name
        if not arguments:
            path.write_text(wanted, encoding="utf-8")
            continue
        difference = first_difference(path, wanted)
        if difference is not None:
            print(difference, file=sys.stderr)
            return 1
    if arguments:
        print(f"{len(DOCUMENTS)} files are as computed")
        return checked_beside()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
