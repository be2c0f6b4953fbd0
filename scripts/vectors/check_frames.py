"""Checks frames of vectors against the tables of PROTOCOL.md: lengths, numbers, CRC, limits (3, 4, 5, 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from cobs import delimited
from crc import crc32
from fields import number
from protocol_text import PACKETS, Kind, Layout, at, class_names, constants, layout, message_kinds

SEAL_LENGTH = 12
_ANNOUNCEMENT = 0
_CRITICAL = 0x80
_PROOF = 0x01
_OFFER_AND_ACCEPT = ("offer", "accept")
_PROOF_LENGTHS = {True: 0x10, False: 0x08}


class Fault(Exception):
    """What a frame is not; `name` is that of wire-v1.json."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name}: {what}")
        self.name = name


@dataclass
class Checked:
    """A frame that is as the text says: its fields in the order of the table, the CRC last."""

    name: str
    layout: Layout
    fields: list[bytes]
    starts: list[int] = field(default_factory=list)

    def of(self, words: str) -> bytes:
        """The field whose text in the table has these words."""
        return self.fields[self.layout.row(words)]

    def number_of(self, words: str) -> int:
        return number(self.of(words))


def check_crc(frame: bytes, tag: int | None) -> None:
    """Sections 3.1 and 3.3: announcements use no tag, session frames that of their session."""
    if len(frame) < constants()["FRAME_MIN"]:
        raise Fault("tooShort", f"{len(frame)} bytes")
    is_announcement = frame[0] & 0x0F == _ANNOUNCEMENT
    if not is_announcement and tag is None:
        raise Fault("badCrc", "a session frame without a session")
    if number(frame[-4:]) != crc32(frame[:-4], None if is_announcement else tag):
        raise Fault("badCrc", frame[-4:].hex())


def _kind_of(frame: bytes) -> Kind:
    """Section 3.2; in announcements the version first."""
    frame_class = frame[0] & 0x0F
    if frame_class == _ANNOUNCEMENT:
        if frame[0] >> 4 != constants()["PROTOCOL_VERSION"]:
            raise Fault("foreignVersion", str(frame[0] >> 4))
        if len(frame) < 6:
            raise Fault("malformed", "no type")
    known = message_kinds()
    if frame_class in (0, 1, 2):
        type_number = frame[1] if frame_class == _ANNOUNCEMENT else frame[0] >> 4
        if (frame_class, type_number) not in known:
            raise Fault("unknown", f"type {type_number} of class {frame_class}")
        return known[(frame_class, type_number)]
    kind = PACKETS.get(8 if frame_class >= 8 else frame_class)
    if kind is None:
        raise Fault("unknown", f"class {frame_class}")
    listed = "8 to 15" if frame_class >= 8 else str(frame_class)
    if not class_names()[listed].startswith(kind.name):
        raise AssertionError(f"PROTOCOL.md 3.2 calls class {listed} {class_names()[listed]!r}, not {kind.name!r}")
    return kind


def _count(frame: bytes, table: Layout, end: int) -> int:
    """The n of a table: that of the field `entries`, or what the frame's length leaves."""
    if not table.is_variable:
        return 0
    entries = next((row for row in table.rows if row.text.startswith("u8 entries")), None)
    if entries is None:
        constant, factor = table.end
        left = end - constant
        return left // factor if left >= 0 else 0
    place = entries.offset[0]
    if place >= end - 4:
        raise Fault("malformed", "cut before its entries")
    return frame[place]


def _check_range(text: str, field_bytes: bytes) -> None:
    """`entries, 0 to 10` and `payload, 1 to 4096 bytes`; `at most 10000`."""
    span = re.search(r"(entries|payload), (\d+) to (\d+)", text)
    if span is not None:
        value = len(field_bytes) if span.group(1) == "payload" else number(field_bytes)
        if not int(span.group(2)) <= value <= int(span.group(3)):
            raise Fault("malformed", f"{text}: {value}")
    most = re.search(r"at most (\d+)", text)
    if most is not None and number(field_bytes) > int(most.group(1)):
        raise Fault("malformed", f"{text}: {number(field_bytes)}")


def _check_head(text: str, head: bytes) -> None:
    """The first field of a message is printed in hexadecimal, where it is always the same."""
    groups = re.findall(r"[0-9A-F]{2}(?: [0-9A-F]{2})*", text)
    printed = [bytes.fromhex(group) for group in groups if len(bytes.fromhex(group)) == len(head)]
    if printed and head not in printed:
        raise Fault("malformed", f"begins with {head.hex()}, and the table says {text!r}")


def _check_extensions(name: str, data: bytes, is_proven: bool) -> None:
    """Sections 3.5 and 14.3: each ends within the frame, none is critical, a proof is the last."""
    at_byte, types = 0, []
    while at_byte < len(data):
        if at_byte + 2 > len(data) or at_byte + 2 + data[at_byte + 1] > len(data):
            raise Fault("malformed", "an extension that does not end within the frame")
        if data[at_byte] & _CRITICAL:
            raise Fault("malformed", "a critical extension")
        types.append((data[at_byte], data[at_byte + 1]))
        at_byte += 2 + data[at_byte + 1]
    if is_proven and types[-1:] != [(_PROOF, _PROOF_LENGTHS[name in _OFFER_AND_ACCEPT])]:
        raise Fault("malformed", "no proof of the right length at its end")


def _check_rules(checked: Checked) -> None:
    """Numbers that depend on each other (4.6, 5.2)."""
    if checked.name == "beacon" and not checked.number_of("flags") & constants()["BeaconFlag.bootable"]:
        raise Fault("malformed", "a beacon without flag 01")
    if checked.name == "object":
        end = checked.number_of("offset of the payload") + len(checked.of("payload, "))
        if end > checked.number_of("length of the whole object"):
            raise Fault("malformed", "a chunk beyond its object")


def check_frame(frame: bytes, tag: int | None, is_sealed: bool = False, is_proven: bool = False) -> Checked:
    """Takes a frame apart as its table says; a Fault if it is not so. Sealed, proven: with a link key (14.3, 14.4)."""
    check_crc(frame, tag)
    kind = _kind_of(frame)
    table = layout(kind.section)
    last = table.rows[-1]
    if not last.text.startswith("CRC") or last.length != (constants()["CRC_LENGTH"], 0):
        raise ValueError(f"PROTOCOL.md {kind.section} does not end with a CRC of 4 bytes")
    end = len(frame) - (SEAL_LENGTH if is_sealed else 0)
    n = _count(frame, table, end)
    bounds = table.bounds(n)
    crc_at = bounds[-1][0]
    is_packet = kind in PACKETS.values()
    if crc_at > end - 4 or (is_packet and crc_at != end - 4):
        raise Fault("malformed", f"{kind.name} has {len(frame)} bytes, and its table {at(table.end, n)}")
    fields = [frame[start:stop] for start, stop in bounds[:-1]] + [frame[-4:]]
    for row, data in zip(table.rows, fields, strict=True):
        _check_range(row.text, data)
    _check_head(table.rows[0].text, fields[0])
    if not is_packet:
        _check_extensions(kind.name, frame[crc_at : end - 4], is_proven)
    checked = Checked(kind.name, table, fields, [start for start, _ in bounds[:-1]] + [len(frame) - 4])
    _check_rules(checked)
    _check_size(frame, kind.name, is_packet, is_sealed, is_proven)
    return checked


def _check_size(frame: bytes, name: str, is_packet: bool, is_sealed: bool, is_proven: bool) -> None:
    """The limits of sections 3.1 and 5, on the line."""
    known = constants()
    if is_packet:
        if len(frame) > known["FRAME_MAX"]:
            raise Fault("malformed", f"{len(frame)} bytes")
        return
    which = "ack" if name == "ack" else "announcement" if frame[0] & 0x0F == _ANNOUNCEMENT else "control"
    more = (SEAL_LENGTH if is_sealed else 0) + (18 if is_proven else 0)
    limit = known[f"WireLimit.{which}"] + more
    if len(delimited(frame)) > limit:
        raise Fault("malformed", f"{name} takes {len(delimited(frame))} bytes on the line, {limit} at most")


def check_hex(frame_hex: str, tag: int | None, is_sealed: bool = False, is_proven: bool = False) -> Checked:
    """The same for hexadecimal text with a space between fields: each field of the table begins behind a space."""
    checked = check_frame(bytes.fromhex(frame_hex.replace(" ", "")), tag, is_sealed, is_proven)
    spaces, place = {0}, 0
    for group in frame_hex.split():
        place += len(group) // 2
        spaces.add(place)
    for row, start in zip(checked.layout.rows, checked.starts, strict=True):
        if start not in spaces:
            raise Fault("malformed", f"{checked.name}: {row.text!r} at {start} does not begin behind a space")
    return checked
