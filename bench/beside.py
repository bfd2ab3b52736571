"""Starts what trayd is put beside; what cannot be started is left out, and the result says why."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from bench.display import IconDisplay
from bench.loop import WAYS, PollingLoop
from bench.model import Side
from bench.peers.programs import ABOUT, Running, peer
from bench.rig import Rig

TRAYD, FLOOR = "trayd", "bare pystray icon"
PEERS = tuple(ABOUT)


class Beside:
    """The programs that run beside each other on one engine, in the order of the table."""

    def __init__(self, rig: Rig, url: str) -> None:
        self._rig = rig
        self._url = url
        self._stack = contextlib.ExitStack()
        self.running: dict[str, Running] = {}
        self.left_out: dict[str, str] = {}

    def __enter__(self) -> Beside:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def trayd(self) -> None:
        """Start trayd with this engine as its only profile."""
        seat = self._stack.enter_context(self._rig.seat())
        seat.profiles({"office": f"host: {self._url}\n"})
        program = self._stack.enter_context(seat.trayd())
        program.shows("reachable")
        self.running[TRAYD] = Running(program.pid, program.begun, IconDisplay(seat.panel))

    def floor(self) -> None:
        """Start the bare icon."""
        if not self._rig.pythons.reference:
            self.left_out[FLOOR] = self._rig.pythons.why
            return
        seat = self._stack.enter_context(self._rig.seat())
        program = self._stack.enter_context(seat.reference())
        program.registered()
        self.running[FLOOR] = Running(program.pid, program.begun, IconDisplay(seat.panel))

    def peers(self, names: Iterable[str] = PEERS) -> None:
        """Start the peers and wait until each is seen."""
        for name in names:
            if why := self._rig.store.missing.get(name):
                self.left_out[name] = why
                continue
            with contextlib.ExitStack() as one:
                try:
                    running = one.enter_context(peer(name, self._rig, self._rig.store, self._url))
                    running.appeared()
                except Exception as failure:
                    self.left_out[name] = f"does not start here: {failure}"
                    self._rig.say(f"left out: {name}: {failure}")
                    continue
                self.running[name] = running
                self._stack.push(one.pop_all())

    def loops(self) -> None:
        """Start the three ways of polling."""
        for way in WAYS:
            loop = self._stack.enter_context(PollingLoop(self._url, way))
            loop.wait_for("up")
            self.running[way.name] = Running(loop.pid, 0.0, loop)

    def gaps(self, measure: str) -> list[Side]:
        """A line for everything that was left out."""
        return [Side(measure, name, note=why) for name, why in self.left_out.items()]
