"""vectors/session-v1.json: whole sessions of a target with one block buffer and one run (PROTOCOL.md 6)."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import ed25519
import messages
from block_content import Content, lengths_of
from manifest import Manifest, envelope, key_id_of, payload
from session_line import Line, Loss
from session_rescuer import Image, Rescuer
from session_target import REFUSED_SIGNATURE, Plan, Target
from tree import all_levels

BLOCK_SIZE = 1024
LAST_BLOCK = 300
# The key of image-manifest.json, and one that no board trusts.
TRUSTED_SEED = bytes(range(32))
OTHER_SEED = bytes(range(32, 64))
MANIFEST = Manifest("acme", "pump-7", (1, 3), (1, 4, 2), 5, BLOCK_SIZE)
EMPTY_BOARD = 1
WRONG_HASH = 3

ABOUT = (
    "Whole sessions (PROTOCOL.md 4 to 6) of a target with one block buffer and one run, computed by scripts/vectors "
    "from the text alone. What the text leaves free is stated here, and is input of a replay. vectors/README.md says "
    "what each member means, and how to replay a session as the target and as the rescuer."
)
FREE = [
    "when acks go out, and their delay (4.3): an ack of the steps is asked for at its place, others may go out as well",
    "when a timer fires (4.4, 5.2, 5.3, 6.4), and which first: steps with `by`",
    "how many bytes go into a frame (4.7): `payload`, one size; bytes that are missing and adjoin are one stretch",
    "the codec of a block, of those that its grant allows (4.5): uniform where that is possible",
    "what the accept states and asks for (5.4): `payloadMax`, `openBlocks`, `codecs`, `asks`",
    "the number of the first request and of the first grant (5.9, 5.10): 1",
    "the first attempt at a block (4.5): 0; the codecs that its grant allows: those of the accept",
    "whether a target keeps more runs than one (6.3): with `asksAgain` it does not, and asks for upper ones again",
    "what a repeat names (6.1): a request where a run is missing, and a grant, of nothing when no block is open",
    "busy (5.11), and queries into silence (5.1): they may go out, and are not among the steps",
]


IMAGE = [Content(10), Content(fill=0xA5), Content(30), Content(40), Content(50)]
# 20 leaves: the root's run lists the two nodes of level 4, of 16 leaves and of 4.
LARGE_IMAGE = [Content(13 * index % 256) for index in range(20)]
ERASED = Content(fill=0xFF)


@dataclass(frozen=True)
class Case:
    """One session: both sides, the line, and the choices."""

    name: str
    slot: list[Content]
    failure: int
    payload: int
    payload_max: int
    asks: int
    packets_late: int
    image: list[Content] = field(default_factory=lambda: IMAGE)
    signing_seed: bytes = TRUSTED_SEED
    lost: set[Loss] = field(default_factory=set)


CASES = [
    Case(
        name="a repair: two blocks of an installed image are damaged, and one is erased; nothing is lost",
        slot=[IMAGE[0], ERASED, IMAGE[2], Content(99), Content(7)],
        failure=WRONG_HASH,
        payload=32,
        payload_max=32,
        asks=messages.ASK_RUN,
        packets_late=3,
    ),
    Case(
        name="an installation on an empty board, with losses",
        slot=[ERASED] * len(IMAGE),
        failure=EMPTY_BOARD,
        payload=128,
        payload_max=512,
        asks=0,
        packets_late=3,
        lost={
            ("distress", 0),
            ("offer", 0),
            ("accept", 0),
            ("object", 1),
            ("request", 0),
            ("object", 5),
            ("grant", 1),
            ("data", 2),
            ("data", 6),
            ("data", 7),
            ("data", 18),
            ("data", 19),
            ("ack", 5),
            ("ack", 8),
            ("probe", 3),
            ("done", 0),
            ("doneAck", 0),
        },
    ),
    Case(
        name="a refusal: the signature is of a key that the board does not trust, under the id of one that it does",
        slot=[ERASED] * len(IMAGE),
        failure=EMPTY_BOARD,
        payload=256,
        payload_max=512,
        asks=0,
        packets_late=0,
        signing_seed=OTHER_SEED,
    ),
    Case(
        name="a repair in two runs of leaves: the run above them is asked for again",
        slot=[Content(200) if index in (3, 17, 18) else content for index, content in enumerate(LARGE_IMAGE)],
        failure=WRONG_HASH,
        payload=256,
        payload_max=512,
        asks=messages.ASK_RUN,
        packets_late=3,
        image=LARGE_IMAGE,
    ),
]


def _bytes_of(contents: list[Content]) -> list[bytes]:
    lengths = lengths_of((len(contents) - 1) * BLOCK_SIZE + LAST_BLOCK, BLOCK_SIZE)
    return [content.block(length) for content, length in zip(contents, lengths, strict=True)]


def _status(case: Case, digest: bytes) -> messages.Status:
    is_installed = case.failure != EMPTY_BOARD
    return messages.Status(
        node_id=b"target01",
        boot_nonce=bytes(range(0x10, 0x18)),
        hardware_id=MANIFEST.hardware_id,
        revision=2,
        flags=messages.FLAG_INSTALLED if is_installed else 0,
        failure=case.failure,
        version=MANIFEST.version if is_installed else (0, 0, 0),
        sequence=MANIFEST.sequence if is_installed else 0,
        floor=MANIFEST.counter if is_installed else 0,
        installed=digest if is_installed else None,
        receiving=None,
    )


def session(case: Case) -> dict[str, Any]:
    """The vector of one session: its steps, and all that they follow from."""
    blocks = _bytes_of(case.image)
    size = sum(len(block) for block in blocks)
    levels = all_levels(lambda index: blocks[index], len(blocks))
    body = payload(MANIFEST, b"".join(blocks), levels[-1][0])
    digest = sha256(body).digest()
    public_key = ed25519.public_key(TRUSTED_SEED)
    sealed = envelope(body, key_id_of(public_key), case.signing_seed)
    plan = Plan(size, BLOCK_SIZE, levels[-1][0], MANIFEST.version, MANIFEST.sequence)
    status = _status(case, digest[:8])
    names = messages.Session(
        status.node_id, status.boot_nonce, b"rescuer1", bytes(range(0x20, 0x28)), digest[:8]
    )

    def judge(received: bytes) -> Plan | int:
        if received != sealed:
            raise AssertionError("the manifest did not arrive as it was sent")
        return plan if case.signing_seed == TRUSTED_SEED else REFUSED_SIGNATURE

    line = Line(set(case.lost), case.packets_late)
    slot = _bytes_of(case.slot)
    line.target = Target(status, case.payload_max, case.asks, slot, judge, line.from_target)
    image = Image(blocks, BLOCK_SIZE, sealed, levels, MANIFEST.version, MANIFEST.counter)
    line.rescuer = Rescuer(names, image, case.payload, line.from_rescuer)
    steps = line.run()
    is_healed = slot == blocks
    return {
        "name": case.name,
        "target": {
            "nodeId": status.node_id.hex(),
            "bootNonce": status.boot_nonce.hex(),
            "vendor": MANIFEST.vendor,
            "hardwareClass": MANIFEST.hardware_class,
            "revision": status.revision,
            "failure": status.failure,
            "isImageInstalled": status.installed is not None,
            "counterFloor": status.floor,
            "trustedKey": public_key.hex(),
            "payloadMax": case.payload_max,
            "openBlocks": 1,
            "codecs": 3,
            "asks": "run" if case.asks else "nothing",
            "slotBefore": [content.stated() for content in case.slot],
            "isSlotImageAfter": is_healed,
            "asksAgain": len(case.image) > 16,
        },
        "rescuer": {"nodeId": names.rescuer_id.hex(), "nonce": names.rescuer_nonce.hex(), "payload": case.payload},
        "image": {
            "size": size,
            "blockSize": BLOCK_SIZE,
            "version": list(MANIFEST.version),
            "counter": MANIFEST.counter,
            "blocks": [content.stated() for content in case.image],
            "root": levels[-1][0].hex(),
            "digest": digest.hex(),
            "envelope": sealed.hex(),
        },
        "tag": line.target.tag,
        "steps": steps,
    }


def document() -> dict[str, Any]:
    return {"about": ABOUT, "protocolVersion": 1, "free": FREE, "sessions": [session(case) for case in CASES]}
