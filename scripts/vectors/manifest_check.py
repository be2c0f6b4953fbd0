"""Compares manifest.py and ed25519.py with image-manifest.json: payload and signed envelope of its first manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ed25519
from manifest import Manifest, envelope, key_id_of, payload
from session_facts import require
from tree import all_levels

PATH = Path(__file__).resolve().parents[2] / "vectors" / "image-manifest.json"
_SEED = bytes(range(32))


def _image(size: int) -> bytes:
    """The image of image-tree.json."""
    return bytes((7 * i + 3) % 256 ^ i // 256 % 256 for i in range(size))


def _joined(fields: list[str]) -> bytes:
    """Fields as `name: hexadecimal`."""
    return b"".join(bytes.fromhex(field.split(": ")[1]) for field in fields)


def check_manifest() -> None:
    """Wrong if one byte differs."""
    content: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
    stated = content["manifests"][0]
    fields = stated["fields"]
    manifest = Manifest(
        fields["vendor"],
        fields["hardwareClass"],
        (fields["revisionMin"], fields["revisionMax"]),
        tuple(fields["version"]),
        fields["counter"],
        fields["blockSize"],
    )
    image = _image(fields["size"])
    size = manifest.block_size
    levels = all_levels(lambda index: image[index * size : (index + 1) * size], -(-len(image) // size))
    body = payload(manifest, image, levels[-1][0])
    require(body == _joined(stated["payload"]), "image-manifest.json: the payload differs (8.3)")
    require(manifest.hardware_id.hex() == stated["hardwareId"], "image-manifest.json: the hardware id differs (5.2)")
    public_key = ed25519.public_key(_SEED)
    require(public_key.hex() == content["publicKey"], "image-manifest.json: the public key differs")
    whole = _joined(stated["signedBefore"]) + body + _joined(stated["signedAfter"])
    made = envelope(body, key_id_of(public_key), _SEED)
    require(made == whole, "image-manifest.json: the envelope differs (8.2)")
