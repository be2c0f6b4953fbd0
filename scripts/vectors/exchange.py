"""Records what goes over the bus between a controller and a peripheral (PROTOCOL.md 10), step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from i2c_mailbox import Controller, Peripheral

LOST = "lost"
"""The peripheral sees nothing of the transaction, and the controller sees it fail."""
UNSURE = "unsure"
"""The peripheral sees all of it, and the controller sees it fail."""
RESTART = "restart"
"""As LOST, because the peripheral starts again."""
Fault = str | int | bytes
"""One of these, the bytes of a write that arrive before it fails, or what the controller reads instead."""


@dataclass
class Exchange:
    """Both sides by the text; each step says what has to go over the bus and which frames come out."""

    name: str
    controller_limit: int = 32
    peripheral_limit: int = 32
    controller: Controller = field(init=False)
    peripheral: Peripheral = field(init=False)
    steps: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.controller = Controller(self.controller_limit)
        self.peripheral = Peripheral(self.peripheral_limit)

    def controller_sends(self, *frames: bytes) -> Exchange:
        for frame in frames:
            self.controller.queue.append(frame)
            self.steps.append({"do": "controllerSends", "frame": frame.hex()})
        return self

    def peripheral_sends(self, *frames: bytes) -> Exchange:
        for frame in frames:
            self.peripheral.queue.append(frame)
            self.steps.append({"do": "peripheralSends", "frame": frame.hex()})
        return self

    def busy(self, is_busy: bool) -> Exchange:
        self.peripheral.is_busy = is_busy
        self.steps.append({"do": "busy", "isBusy": is_busy})
        return self

    def restart(self) -> Exchange:
        """The peripheral starts again, and has forgotten everything."""
        self.peripheral = Peripheral(self.peripheral_limit)
        self.steps.append({"do": "restart"})
        return self

    def run(self, *faults: Fault | None, look: bool = False) -> Exchange:
        """What the controller wants, until it wants nothing; the first transactions with these faults."""
        waiting = list(faults)
        is_look_due = look
        while (wanted := self.controller.next(is_look_due)) is not None:
            is_look_due = False
            self._transact(wanted, waiting.pop(0) if waiting else None)
            if len(self.steps) > 500:
                raise AssertionError(f"{self.name} does not end")
        if waiting:
            raise AssertionError(f"{self.name}: {len(waiting)} faults are left")
        return self

    def look(self, *faults: Fault | None) -> Exchange:
        """A look is due, and what follows from it."""
        return self.run(*faults, look=True)

    def raw_write(self, data: bytes) -> Exchange:
        """A write that no controller of this text makes, or not at this moment."""
        self._transact(data, None, is_raw=True)
        return self

    def raw_read(self, length: int) -> Exchange:
        self._transact(length, None, is_raw=True)
        return self

    def _transact(self, wanted: bytes | int, fault: Fault | None, is_raw: bool = False) -> None:
        step: dict[str, Any]
        if fault == RESTART:
            self.restart()
            fault = LOST
        if isinstance(wanted, bytes):
            step = {"do": "write", "hex": wanted.hex()}
            arrived = 0 if fault == LOST else fault if isinstance(fault, int) else len(wanted)
            if arrived:
                self.peripheral.write(wanted[:arrived])
            if arrived < len(wanted):
                step["arrived"] = arrived
            has_failed = fault is not None
            if not is_raw and not has_failed:
                self.controller.written(wanted)
        else:
            step = {"do": "read"}
            data = bytes(wanted) if fault == LOST else self.peripheral.read(wanted)
            step["hex"] = data.hex()
            if fault == LOST:
                step = {"do": "read", "length": wanted}
            has_failed = fault in (LOST, UNSURE)
            if isinstance(fault, bytes):
                step["damaged"] = fault.hex()
                data = fault
            if not is_raw and not has_failed:
                self.controller.was_read(data)
        if has_failed:
            step["failed"] = True
            self.controller.failed()
        self.steps.append(step)
        self._note("peripheralDelivers", self.peripheral.delivered)
        self._note("controllerDelivers", self.controller.delivered)

    def _note(self, what: str, frames: list[bytes]) -> None:
        for frame in frames:
            self.steps.append({"do": what, "frame": frame.hex()})
        frames.clear()
