"""Comparison of sequence numbers that wrap (RFC 1982 section 3.2; PROTOCOL.md 5.9, 5.10, 13.2.1)."""

from __future__ import annotations


def is_after(a: int, b: int, bits: int) -> bool:
    """Whether `a` is greater than `b`; two numbers half the circle apart are not greater, either way."""
    half = 1 << (bits - 1)
    return (a < b and b - a > half) or (a > b and a - b < half)
