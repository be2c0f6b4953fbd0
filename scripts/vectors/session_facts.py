"""What a session of session-v1.json states of its sides and its image, and its announcements against that."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from block_content import Content, lengths_of
from check_frames import Checked
from frames import session_tag
from tree import all_levels

_ENVELOPE_BEFORE = 45
_PAYLOAD_LENGTH = 256


class Wrong(Exception):
    """A session breaks a rule of the text."""


def require(holds: bool, what: str) -> None:
    if not holds:
        raise Wrong(what)


class SessionFacts:
    """The stated members, as bytes. Wrong if they do not fit together."""

    def __init__(self, vector: dict[str, Any]) -> None:
        self.vector = vector
        image = self.vector["image"]
        self.size, self.block_size = image["size"], image["blockSize"]
        self.blocks = self._blocks(image["blocks"])
        self.envelope = bytes.fromhex(image["envelope"])
        self.digest = bytes.fromhex(image["digest"])[:8]
        target, rescuer = self.vector["target"], self.vector["rescuer"]
        self.names = [bytes.fromhex(target["bootNonce"]), bytes.fromhex(rescuer["nonce"])]
        ids = [bytes.fromhex(target["nodeId"]), bytes.fromhex(rescuer["nodeId"])]
        tag = session_tag(self.names[0], self.names[1], ids[0], ids[1], self.digest)
        require(tag == self.vector["tag"], f"the tag is {tag} (3.4)")
        body = self.envelope[_ENVELOPE_BEFORE : _ENVELOPE_BEFORE + _PAYLOAD_LENGTH]
        require(sha256(body).hexdigest() == image["digest"], "the digest is not that of the payload (8.1)")
        self.levels = all_levels(lambda index: self.blocks[index], len(self.blocks))
        root = self.levels[-1][0]
        require(root.hex() == image["root"] and root in body, "the root is not that of the blocks (7)")
        self.slot_before = self._blocks(self.vector["target"]["slotBefore"])

    def _blocks(self, stated: list[dict[str, int]]) -> list[bytes]:
        lengths = lengths_of(self.size, self.block_size)
        require(len(stated) == len(lengths), f"{len(stated)} blocks of {len(lengths)} (7.1)")
        return [Content(**rule).block(length) for rule, length in zip(stated, lengths, strict=True)]

    def check_distress(self, checked: Checked) -> None:
        target = self.vector["target"]
        flags = 0x08 if target["isImageInstalled"] else 0
        require(checked.of("node id").hex() == target["nodeId"], "another node id (5.2)")
        require(checked.of("boot nonce") == self.names[0], "another boot nonce (5.2)")
        require(checked.number_of("flags") == flags, "the flags (5.2)")
        require(checked.number_of("why it does not boot") == target["failure"], "the failure (5.2)")
        self._check_installed(checked, target["isImageInstalled"], target["counterFloor"])

    def check_beacon(self, checked: Checked) -> None:
        require(checked.number_of("flags") == 0x09 and checked.number_of("why it does not boot") == 0, "healed (5.2)")
        self._check_installed(checked, True, self.vector["target"]["counterFloor"])

    def _check_installed(self, checked: Checked, is_installed: bool, floor: int) -> None:
        digest = self.digest if is_installed else bytes(8)
        require(checked.of("short digest of the installed image") == digest, "the digest installed (5.2)")
        require(checked.of("short digest of the image being received") == bytes(8), "the digest received (5.2)")
        major, minor, patch = self.vector["image"]["version"] if is_installed else (0, 0, 0)
        version = b"".join(part.to_bytes(2, "little") for part in (major, minor, patch))
        require(checked.of("version") == version, "the version (5.2)")
        require(checked.number_of("u48 sequence") == major << 32 | minor << 16 | patch, "the order (8.3)")
        require(checked.number_of("counter floor") == floor, "the floor (5.2)")

    def check_offer(self, checked: Checked) -> None:
        require([checked.of("target nonce"), checked.of("rescuer nonce")] == self.names, "the nonces (5.3)")
        require(checked.of("short digest") == self.digest, "the digest (5.3)")
        stated = (checked.number_of("u32 size"), 1 << checked.number_of("u8 block size"))
        require(stated == (self.size, self.block_size), "size and block size (5.3)")

    def check_accept(self, checked: Checked) -> None:
        target = self.vector["target"]
        self.check_names(checked)
        asks = checked.number_of("bits 0 to 3 codecs") >> 4
        require(asks == {"nothing": 0, "run": 1}[target["asks"]], "what it asks for (5.4)")
        require(checked.number_of("u8 blocks") == target["openBlocks"], "the open blocks (5.4)")
        largest = checked.number_of("largest payload")
        require(largest == target["payloadMax"] and largest >= 32 and largest % 32 == 0, "the largest payload (4.7)")
        require(checked.number_of("bits 0 to 3 codecs") & 0xF == target["codecs"], "the codecs (5.4)")

    def check_names(self, checked: Checked) -> None:
        require([checked.of("target nonce"), checked.of("rescuer nonce")] == self.names, "the nonces")
        require(checked.of("short digest") == self.digest, "the digest")
