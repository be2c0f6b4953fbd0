"""The command line: python3 -m second --port PATH --out FILE --key PUBKEY --hardware VENDOR/CLASS."""

import argparse
import base64
import json
import os
import random
import select
import sys
import termios
import time
import tty
from pathlib import Path
from typing import List

from .manifest import Board
from .stream import RunCutter
from .target import Target


def _key(text: str) -> bytes:
    """A raw key in hexadecimal, or a file as `openssl pkey -pubout` writes it (8.7)."""
    if len(text) == 64 and not Path(text).exists():
        return bytes.fromhex(text)
    lines = Path(text).read_text().split("-----")
    der = base64.b64decode(lines[2])
    if lines[1] != "BEGIN PUBLIC KEY" or der[:12] != bytes.fromhex("302a300506032b6570032100") or len(der) != 44:
        raise SystemExit(f"{text}: no public key of Ed25519")
    return der[12:]


class Noise:
    """Flips each bit with a probability, by a seed."""

    def __init__(self, rate: float, seed: int) -> None:
        self._rate, self._random = rate, random.Random(seed)
        self._left = self._gap()
        self.flipped = 0

    def _gap(self) -> int:
        return int(self._random.expovariate(self._rate)) if self._rate else 1 << 60

    def through(self, data: bytes) -> bytes:
        out = bytearray(data)
        bits = 8 * len(out)
        while self._left < bits:
            out[self._left // 8] ^= 1 << self._left % 8
            self.flipped += 1
            self._left += 1 + self._gap()
        self._left -= bits
        return bytes(out)


def _open(path: str, rate: int) -> int:
    port = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    tty.setraw(port)
    modes = termios.tcgetattr(port)
    modes[4] = modes[5] = getattr(termios, f"B{rate}")
    termios.tcsetattr(port, termios.TCSANOW, modes)
    return port


def _tell(event: str, **more: object) -> None:
    print(json.dumps({"event": event, **more}), flush=True)


def main(arguments: List[str]) -> int:
    parser = argparse.ArgumentParser(prog="second")
    parser.add_argument("--port", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--hardware", required=True)
    parser.add_argument("--baud", type=int, default=921600)
    parser.add_argument("--payload", type=int, default=256)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bit-errors", type=float, default=0.0)
    parser.add_argument("--slot", help="content of flash before")
    parser.add_argument("--slot-size", type=int, default=1 << 20)
    parser.add_argument("--timeout", type=float, default=60.0)
    options = parser.parse_args(arguments)

    flash = bytearray(b"\xff" * options.slot_size)
    if options.slot:
        before = Path(options.slot).read_bytes()
        flash[: len(before)] = before
    vendor, _, hardware_class = options.hardware.partition("/")
    board = Board(_key(options.key), vendor, hardware_class, 0, options.slot_size, 65536)
    port = _open(options.port, options.baud)
    noise_in, noise_out = (Noise(options.bit_errors, options.seed * 2 + side) for side in (0, 1))
    waiting, sent, read = bytearray(), 0, 0

    def put(data: bytes) -> None:
        nonlocal sent
        sent += len(data)
        waiting.extend(noise_out.through(data))

    began = time.monotonic()
    clock = lambda: (time.monotonic() - began) * 1000
    target = Target(board, flash, options.seed, options.payload, options.baud, put, _tell)
    cutter = RunCutter(options.payload, options.baud, lambda run: target.take_run(run, clock()))
    while target.ended is None and clock() < options.timeout * 1000:
        target.tick(clock())
        left = max(0.0, min(target.due(), cutter.due()) - clock()) / 1000
        readable, writable, _ = select.select([port], [port] if waiting else [], [], min(left, 1.0))
        if readable:
            data = os.read(port, 4096)
            read += len(data)
            cutter.feed(noise_in.through(data), clock())
        if writable:
            del waiting[: os.write(port, waiting)]
        cutter.tick(clock())
    if waiting:
        os.write(port, waiting)
    size = target.image_size
    if target.ended:
        Path(options.out).write_bytes(flash[:size])
    _tell("end", how=target.ended or "timeout", seconds=round(clock() / 1000, 3), bytesIn=read, bytesOut=sent,
          bitsFlipped=noise_in.flipped + noise_out.flipped, counts=target.counts)
    return {"healed": 0, "not heard": 2}.get(target.ended or "", 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
