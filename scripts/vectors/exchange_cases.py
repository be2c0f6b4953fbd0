"""Whole exchanges over an I2C mailbox (PROTOCOL.md 10.2 to 10.6)."""

from __future__ import annotations

from typing import Any

import i2c_codec as c
from exchange import LOST, RESTART, UNSURE, Exchange
from fields import pattern

_SHORT, _OTHER = b"\x01\x02", b"\x09"


def _document(exchange: Exchange) -> dict[str, Any]:
    return {
        "name": exchange.name,
        "controllerLimit": exchange.controller_limit,
        "peripheralLimit": exchange.peripheral_limit,
        "steps": exchange.steps,
    }


def _opened(name: str, limit: int = 32) -> Exchange:
    return Exchange(name, limit, limit).run()


def _both() -> list[Exchange]:
    """Each side's every byte follows from the text."""
    example = _opened("the worked examples of 10.6").controller_sends(pattern(40, 0)).run()
    example.peripheral_sends(pattern(30, 0x80)).look().look()
    two = _opened("two frames in one write").controller_sends(_SHORT, _OTHER).run()
    fits = _opened("a frame that does not fit behind another one waits for the next write")
    fits.controller_sends(pattern(20, 1), pattern(10, 50)).run()
    many = _opened("six writes in order: their numbers wrap").controller_sends(pattern(170, 3)).run()
    reads = _opened("several small frames in one read, the last one split")
    reads.peripheral_sends(pattern(4, 1), pattern(4, 11), pattern(20, 21)).look()
    filled = _opened("a head that would be split is left for the next read: three bytes are FF")
    filled.peripheral_sends(pattern(22, 1), pattern(6, 101)).look()
    exact = (
        _opened("a head and one byte of its frame still fit").peripheral_sends(pattern(21, 1), pattern(6, 101)).look()
    )
    across = _opened("frames both ways: a write acknowledges and carries").peripheral_sends(pattern(60, 0)).look()
    both = _opened("frames wait on both sides").peripheral_sends(pattern(30, 0)).controller_sends(pattern(8, 200)).run()
    both.look()
    ack = Exchange("a frame that waits in the peripheral before the mailbox opens", 64, 64)
    ack.peripheral_sends(pattern(6, 7)).run().look()
    smaller = Exchange("a controller with shorter transactions than the peripheral takes", 32, 64).run()
    smaller.controller_sends(pattern(40, 0)).run().peripheral_sends(pattern(50, 0)).look()
    waits = _opened("while the peripheral is busy no frame is written").busy(True).look()
    waits.controller_sends(_SHORT).run().look().busy(False).look()
    busy = _opened("while the peripheral is busy its frames are fetched and acknowledged").busy(True).look()
    busy.controller_sends(_SHORT).peripheral_sends(pattern(40, 0)).look().busy(False).look()
    written = _opened("behind more than 4096 written bytes the controller reads", 1000)
    written.controller_sends(*[pattern(2000, i) for i in range(3)]).run()
    largest = Exchange("the longest frame both ways", 8192, 8192).run()
    largest.controller_sends(pattern(4111, 0)).run().peripheral_sends(pattern(4111, 9)).look()
    return [example, two, fits, many, reads, filled, exact, across, both, ack, smaller, waits, busy, written, largest]


def _faults() -> list[Exchange]:
    """Transactions that fail, and what both sides do then."""
    lost = _opened("a write that never arrives is written again").controller_sends(pattern(40, 0)).run(LOST)
    unsure = _opened("a write that arrived and failed all the same is written again, and its frame comes once")
    unsure.controller_sends(_SHORT).run(UNSURE)
    cut = _opened("a write of which only a part arrives is written again").controller_sends(pattern(40, 0)).run(9)
    second = _opened("the second write of a frame fails after all of it arrived").controller_sends(pattern(40, 0))
    second.run(None, UNSURE)
    read = _opened("a read that fails is repeated").peripheral_sends(pattern(20, 0)).look(None, UNSURE)
    never = _opened("a read that never begins is repeated").peripheral_sends(pattern(20, 0)).look(None, LOST)
    twice = _opened("a read that fails twice is repeated twice").peripheral_sends(pattern(40, 0))
    twice.look(None, UNSURE, UNSURE)
    heard = _opened("an acknowledgement that arrives and fails all the same").peripheral_sends(pattern(20, 0))
    heard.look(None, None, UNSURE)
    took = _opened("a look that fails").peripheral_sends(pattern(20, 0)).look(UNSURE)
    fresh = _opened("a peripheral that has started again is greeted again").controller_sends(pattern(4, 1)).run()
    fresh.restart().peripheral_sends(pattern(4, 50)).look().look()
    half = _opened("a peripheral that starts again within a frame: the frame starts over")
    half.controller_sends(pattern(40, 0)).run(None, RESTART)
    return [lost, unsure, cut, second, read, never, twice, heard, took, fresh, half]


def exchanges() -> list[dict[str, Any]]:
    return [_document(exchange) for exchange in [*_both(), *_faults()]]


def _write(kind: int, count: int, turn: int, *parts: bytes) -> bytes:
    return bytes([c.first_byte(kind, count, turn)]) + b"".join(parts)


def _framed(frame: bytes) -> bytes:
    return c.frame_head(len(frame)) + frame


def _raw(name: str, limit: int = 64) -> Exchange:
    return Exchange(name, limit, limit)


def _greeted(name: str, limit: int = 64) -> Exchange:
    made = _raw(name, limit).raw_write(c.hello(limit))
    return made.raw_write(_write(c.NOTHING, 0, 0))


def _reads() -> list[Exchange]:
    """A controller that reads as it likes."""
    repeated = _greeted("the same bytes come until they are acknowledged").peripheral_sends(pattern(20, 0), _SHORT)
    repeated.raw_read(27).raw_read(27).raw_write(_write(c.NOTHING, 0, 0)).raw_read(27)
    repeated.raw_write(_write(c.NOTHING, 0, 1)).raw_read(9).raw_write(_write(c.NOTHING, 0, 0)).raw_read(8)
    shorter = _greeted("a shorter read is the newest: the rest stays").peripheral_sends(pattern(20, 0))
    shorter.raw_read(27).raw_read(14).raw_write(_write(c.NOTHING, 0, 1)).raw_read(17)
    longer = _greeted("a longer read is the newest: all of it goes").peripheral_sends(pattern(20, 0), pattern(5, 90))
    longer.raw_read(12).raw_read(40).raw_write(_write(c.NOTHING, 0, 1)).raw_read(6)
    status = _greeted("a read of four bytes leaves nothing to acknowledge").peripheral_sends(pattern(20, 0))
    status.raw_read(27).raw_read(4).raw_write(_write(c.NOTHING, 0, 1)).raw_read(27)
    grown = _greeted("a repeated read brings what came meanwhile, too").peripheral_sends(pattern(3, 0))
    grown.raw_read(10).peripheral_sends(pattern(3, 60)).raw_read(16).raw_write(_write(c.NOTHING, 0, 1)).raw_read(4)
    behind = _greeted("beyond what waits a read gives FF").peripheral_sends(_OTHER)
    behind.raw_read(16).raw_write(_write(c.NOTHING, 0, 1)).raw_read(12)
    small = _greeted("less room than a head and a byte").peripheral_sends(pattern(9, 0))
    small.raw_read(5).raw_read(7).raw_write(_write(c.NOTHING, 0, 1)).raw_read(8)
    small.raw_write(_write(c.NOTHING, 0, 1)).raw_read(16)
    full = _greeted("two of the longest frames wait", 8192)
    full.peripheral_sends(*[pattern(2063, i) for i in range(2)]).raw_read(4)
    late = _greeted("an acknowledgement that comes twice drops nothing more").peripheral_sends(pattern(20, 0))
    late.raw_read(14).raw_write(_write(c.NOTHING, 0, 1)).raw_write(_write(c.NOTHING, 0, 1)).raw_read(17)
    # Here a controller may also acknowledge before it reads again: that drops nothing (10.2, 10.5).
    unheard = _opened("an acknowledgement that never arrives").peripheral_sends(pattern(20, 0)).look(None, None, LOST)
    return [unheard, repeated, shorter, longer, status, grown, behind, small, full, late]


def _writes() -> list[Exchange]:
    """A controller that writes as it likes."""
    body = _framed(pattern(10, 0))
    end = _framed(b"\x55\x66")
    lost = _greeted("a write is missing: its frame is lost, the next one is not")
    lost.raw_write(_write(c.FIRST, 1, 0, body[:5])).raw_write(_write(c.NEXT, 3, 0, body[9:]))
    lost.raw_write(_write(c.FIRST, 0, 0, end))
    again = _greeted("a repeated write takes the place of the first coming")
    again.raw_write(_write(c.FIRST, 1, 0, body[:6])).raw_write(_write(c.FIRST, 1, 0, body[:9]))
    again.raw_write(_write(c.NEXT, 2, 0, body[9:]))
    shorter = _greeted("a repeated write that is shorter takes the place of the first coming")
    shorter.raw_write(_write(c.FIRST, 1, 0, body[:9])).raw_write(_write(c.FIRST, 1, 0, body[:6]))
    shorter.raw_write(_write(c.NEXT, 2, 0, body[6:]))
    middle = _greeted("a repeated write in the middle of a frame")
    middle.raw_write(_write(c.FIRST, 1, 0, body[:6])).raw_write(_write(c.NEXT, 2, 0, body[6:8]))
    middle.raw_write(_write(c.NEXT, 2, 0, body[6:10])).raw_write(_write(c.NEXT, 3, 0, body[10:]))
    fresh = _raw("a fresh peripheral ignores every write but a hello").peripheral_sends(_SHORT)
    fresh.raw_write(_write(c.FIRST, 1, 0, end)).raw_read(12).raw_write(_write(c.NOTHING, 0, 1)).raw_read(4)
    for wrong in (c.hello(64)[:4], c.hello(64)[:4] + b"\0", b"\xc3\x02\x40\0"):
        fresh.raw_write(wrong).raw_read(4)
    fresh.raw_write(c.hello(64)).raw_read(12).raw_write(_write(c.FIRST, 1, 0, end)).raw_read(12)
    damaged = _greeted("a damaged length: the rest of the write is unreadable, until a write of kind 1")
    bad = bytes([body[0] ^ 1]) + body[1:]
    damaged.raw_write(_write(c.FIRST, 1, 0, end, bad, end)).raw_write(_write(c.NEXT, 2, 0, body[5:]))
    damaged.raw_write(_write(c.FIRST, 3, 0, _framed(b"\x77")))
    repaired = _greeted("a damaged length, and the same write again undamaged")
    repaired.raw_write(_write(c.FIRST, 1, 0, bad)).raw_write(_write(c.FIRST, 1, 0, body))
    noise = _greeted("writes whose first byte is wrong are ignored")
    noise.raw_write(b"\0" + end).raw_write(bytes([c.first_byte(c.FIRST, 1, 0) ^ 0x10]) + end)
    noise.raw_write(_write(c.FIRST, 1, 0, end))
    begins = _greeted("a frame that begins gives up the one that was not complete")
    begins.raw_write(_write(c.FIRST, 1, 0, body[:9])).raw_write(_write(c.FIRST, 2, 0, end))
    stray = _greeted("bytes that continue no frame are ignored").raw_write(_write(c.NEXT, 1, 0, body))
    stray.raw_write(_write(c.FIRST, 2, 0, end))
    hello = _greeted("a hello in the middle of frames: both start over").peripheral_sends(pattern(12, 0))
    hello.raw_write(_write(c.FIRST, 1, 0, body[:6])).raw_read(12).raw_write(_write(c.NOTHING, 1, 1)).raw_read(4)
    hello.raw_write(c.hello(64)).raw_read(12).raw_write(_write(c.NEXT, 1, 0, body[6:]))
    hello.raw_write(_write(c.FIRST, 2, 0, end)).raw_read(24)
    busy = _greeted("busy: reads and acknowledgements work").peripheral_sends(pattern(5, 0)).busy(True)
    busy.raw_read(12).raw_write(_write(c.NOTHING, 0, 1)).raw_read(4).busy(False).raw_read(4)
    head = _greeted("a frame's head and bytes in a write, the next frame behind it")
    head.raw_write(_write(c.FIRST, 1, 0, body[:8])).raw_write(_write(c.NEXT, 2, 0, body[8:], end, _framed(b"\x01")))
    return [lost, again, shorter, middle, fresh, damaged, repaired, noise, begins, stray, hello, busy, head]


def peripheral_exchanges() -> list[dict[str, Any]]:
    return [_document(exchange) for exchange in [*_reads(), *_writes()]]


def controller_exchanges() -> list[dict[str, Any]]:
    """Where the controller reads something else than the peripheral sent."""
    body = _framed(pattern(8, 1))
    read = c.status(c.OPEN, 1, len(body)) + body
    bad = read[:4] + bytes([read[4] ^ 1]) + read[5:]
    once = _opened("a read with a damaged length is not acknowledged, and repeated").peripheral_sends(pattern(8, 1))
    once.look(None, bad)
    four = _opened("four such reads in a row: the controller says hello again").peripheral_sends(pattern(8, 1))
    four.look(None, bad, bad, bad, bad)
    zero = read[:4] + c.frame_head(0) + read[7:]
    long = read[:4] + c.frame_head(4112) + read[7:]
    lengths = _opened("lengths that no frame has").peripheral_sends(pattern(8, 1)).look(None, zero, long)
    return [_document(exchange) for exchange in (once, four, lengths)]
