"""Checks the modules beside it against vectors/: python3 -m second.check_vectors VECTORS."""

import json
import sys
from pathlib import Path
from typing import Any, Iterator, List, Optional

from . import ed25519, frames, manifest, stream, tree
from .link import Acks, whole_number

FAULTS = {"malformed", "unknown", "foreignVersion"}


def _bytes(spaced: str) -> bytes:
    return bytes.fromhex(spaced.replace(" ", ""))


def _fault_of(frame: bytes, tag: int) -> Optional[str]:
    if len(frame) < 5:
        return "tooShort"
    if not stream.has_right_crc(frame, tag if frame[0] & 15 else 0):
        return "badCrc"
    try:
        frames.parse(frame)
    except frames.Fault as fault:
        return str(fault)
    return None


def _wire(all_: Any) -> Iterator[object]:
    for each in all_["sessionTags"]:
        parts = [bytes.fromhex(each["identity"][name])
                 for name in ("targetNonce", "rescuerNonce", "targetId", "rescuerId", "digest")]
        yield stream.session_tag(*parts) == each["tag"] or each
    for each in all_["frames"] + all_["decodeOnly"]:
        frame, wire = _bytes(each["frameHex"]), _bytes(each["wireHex"])
        is_right = stream.on_the_line(frame) == wire and stream.cobs_decode(wire[1:-1]) == frame
        is_right &= stream.sealed(frame[:-4], each["tag"] or 0) == frame and _fault_of(frame, each["tag"] or 0) is None
        yield is_right and _is_right(frames.parse(frame), each["frame"], frame) or each
    for each in all_["faults"]:
        yield _fault_of(_bytes(each["frameHex"]), each["tag"] or 0) == each["fault"] or each


def _is_right(parsed: frames.Frame, want: Any, frame: bytes) -> bool:
    """Fields of what a target takes in, and the bytes of what it sends."""
    if isinstance(parsed, frames.Data):
        return [parsed.low, parsed.attempt, parsed.codec, parsed.position, parsed.payload.hex()] == [
            want[name] for name in ("packetNumber", "attempt", "codec", "position", "payload")]
    if isinstance(parsed, frames.Object):
        node = want["name"]["node"]
        return list(parsed[:6]) + [parsed.payload.hex()] == [
            want["packetNumber"], want["name"]["kind"], node["level"], node["index"], want["offset"], want["total"], want["payload"]]
    tag = 2697347747
    if want["tag"] == "grant":
        entries = [tuple(entry[name] for name in ("first", "count", "attempt", "codecs")) for entry in want["entries"]]
        return frames.grant(tag, want["sequence"], entries) == frame
    if want["tag"] == "request" and "manifest" not in want["wanted"]:
        return frames.request(tag, want["sequence"], [(n["level"], n["index"]) for n in want["wanted"]]) == frame
    return True


def _link(all_: Any) -> Iterator[object]:
    for each in all_["packetNumbers"]:
        yield whole_number(each["highest"], each["low"]) == each["number"] or each
    for each in all_["acksBuilt"]:
        acks = Acks()
        for first, last in each["received"]:
            for number in range(first, last + 1):
                acks.take(number & 4095, 0.0)
        acks.ask(0.0)
        now = each["delayUnits"] * 0.256
        yield acks.highest == each["highest"] and acks.build(all_["tag"], now) == _bytes(each["frameHex"]) or each
    for each in all_["ackSchedules"]:
        yield list(_played(each["packets"])) == [[a[n] for n in ("atUs", "highest", "delayUnits", "bitmap")] for a in each["acks"]] or each


def _played(packets: List[Any]) -> Iterator[List[object]]:
    acks = Acks()
    for packet in packets + [{"atUs": 10**7, "number": None}]:
        now = packet["atUs"] / 1000
        while acks.due() < now:
            yield _built(acks, acks.due())
        if packet["number"] is not None:
            acks.take(packet["number"] & 4095, now, packet["kind"] != "data")
            if acks.due() <= now:
                yield _built(acks, now)


def _built(acks: Acks, now: float) -> List[object]:
    frame = acks.build(0, now) or b""
    return [round(now * 1000), int.from_bytes(frame[1:3], "little"), frame[3], frame[4:18].hex()]


def _image(size: int, block: int) -> bytes:
    return b"".join(bytes(((b >> 8 * (i % 4)) + 5 * i) % 256 for i in range(min(block, size - b * block)))
                    for b in range(-(-size // block)))


def _tree(all_: Any) -> Iterator[object]:
    for each in all_["trees"]:
        shape = tree.Shape(each["size"], each["blockSize"])
        if shape.size > 4_000_000:
            continue
        image = _image(*shape)
        read = lambda at, length: image[at : at + length]
        yield [shape.nodes(level) for level in range(shape.root_level() + 1)] == each["nodesByLevel"] or each
        yield shape.hash_of(read, shape.root_level(), 0).hex() == each["root"] or each
        for node in each["nodes"]:
            level, indexes = shape.run(node["level"], node["index"])
            run = [shape.hash_of(read, level, index) for index in indexes]
            yield [h.hex() for h in run] == node["run"] and tree.fold(run).hex() == node["hash"] or node
    for each in all_["runs"]:
        shape = tree.Shape(each["leafCount"] * 1024, 1024)
        walk = tree.Walk(shape, b"", lambda at, length: bytes(length))
        walk._way = [tree._Step(each["level"], each["index"], bytes.fromhex(each["hash"]))]
        yield walk.take_run(bytes.fromhex("".join(each["run"]))) == each["isRight"] or each
    for each in all_["uniformNodes"]:
        shape = tree.Shape(each["size"], each["blockSize"])
        for node in each["nodes"]:
            yield shape.uniform_hash(node["level"], node["index"], each["value"]).hex() == node["hash"] or node
    for each in all_["uniformClaims"]:
        shape = tree.Shape(each["size"], each["blockSize"])
        is_so = shape.uniform_hash(each["level"], each["index"], each["value"]).hex() == each["hash"]
        yield is_so == each["holds"] or each


def _manifests(all_: Any) -> Iterator[object]:
    for each in all_["manifests"]:
        fields, parts = each["fields"], {k: _bytes("".join(p.split(": ")[1] for p in each[k])) for k in
                                         ("payload", "signedBefore", "signedAfter", "unsignedBefore")}
        board = manifest.Board(bytes.fromhex(all_["publicKey"]), fields["vendor"], fields["hardwareClass"],
                               fields["revisionMin"], 2**32, 65536)
        signed = parts["signedBefore"] + parts["payload"] + parts["signedAfter"]
        try:
            read = manifest.accept(signed, board)
            yield read.digest.hex() == each["digest"] and list(read.version) == fields["version"] or each
        except manifest.Refused as why:
            yield str(why) == "role" and fields["role"] != "app" or [str(why), each]
        for i in range(len(signed)):
            yield _reason(signed[:i] + bytes([signed[i] ^ 1]) + signed[i + 1 :], board) in ("manifest", "signature") or i
        yield _reason(parts["unsignedBefore"] + parts["payload"], board) == "unsigned" or each


def _reason(envelope: bytes, board: manifest.Board) -> str:
    try:
        manifest.accept(envelope, board)
    except manifest.Refused as why:
        return str(why)
    return "accepted"


def _signatures(all_: Any) -> Iterator[object]:
    for each in all_["signatures"]:
        values = [bytes.fromhex(each[name]) for name in ("key", "message", "signature")]
        yield ed25519.is_signed(*values) == each["valid"] or each


def main() -> int:
    folder, wrong = Path(sys.argv[1]), 0
    for name, check in (("wire-v1", _wire), ("link-v1", _link), ("tree-v1", _tree), ("image-manifest", _manifests),
                        ("ed25519-strict", _signatures)):
        results = list(check(json.loads((folder / f"{name}.json").read_text())))
        failed = [result for result in results if result is not True]
        wrong += len(failed)
        print(f"{name}: {len(results) - len(failed)} right, {len(failed)} wrong")
        for each in failed[:5]:
            print("  ", str(each)[:600])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
