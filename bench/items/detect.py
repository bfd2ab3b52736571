"""From the loss of dockerd to the icon that shows it, and from its first new answer to the reachable icon."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import signal
import threading
import time

from bench.beside import TRAYD, Beside
from bench.display import Display, IconDisplay
from bench.loop import DOCKER_PS
from bench.model import Result, Row, Side, spread
from bench.peers.programs import OF_DOCKER, peer
from bench.rig import Rig
from bench.watch import back, lost
from tests.harness.ask import ask
from tests.harness.dockerd import Dockerd

LOST_GOAL, BACK_GOAL = 20.0, 300.0
TCP = "trayd, tcp"
TERMINAL = "lazydocker"  # its message stays until a key is pressed: a new one for every round
FAULTS = {"kill -9": signal.SIGKILL, "SIGTERM": signal.SIGTERM}


class Times:
    """Milliseconds by event and program; an event that did not show is counted."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], list[float]] = {}
        self.never: dict[tuple[str, str], int] = {}

    def add(self, event: str, expected: dict[str, Display], seconds: dict[str, float]) -> None:
        """Keep what one round found."""
        for name in expected:
            if name in seconds:
                self.found.setdefault((event, name), []).append(1000 * seconds[name])
            else:
                self.never[event, name] = self.never.get((event, name), 0) + 1

    def of(self, event: str, name: str) -> list[float]:
        """The samples of one."""
        return self.found.get((event, name), [])

    def side(self, seconds: float) -> list[Side]:
        """All of them for the side-by-side table, but not trayd's second line."""
        keys = sorted({*self.found, *self.never})
        return [
            Side(event, name, self.of(event, name), self._note(event, name, seconds))
            for event, name in keys
            if name != TCP and " after " not in event
        ]

    def _note(self, event: str, name: str, seconds: float) -> str:
        missed = self.never.get((event, name), 0)
        tries = missed + len(self.of(event, name))
        return f"not within {seconds:g} s in {missed} of {tries}" if missed else ""


def measure(rig: Rig) -> Result:
    """End one engine again and again under everything that watches it, at random phases, and start it again."""
    rounds = ["kill -9"] * rig.pick(12, 1) + ["SIGTERM"] * rig.pick(5, 1)
    patience = rig.pick(60, 30)
    times = Times()
    with contextlib.ExitStack() as stack:
        engine = stack.enter_context(Dockerd(tcp=True))
        urls = {TRAYD: engine.unix_url, TCP: engine.tcp_url}
        programs = stack.enter_context(Beside(rig, engine.unix_url))
        programs.trayd()
        programs.peers(name for name in OF_DOCKER if name != TERMINAL)
        programs.loops()
        seat = stack.enter_context(rig.seat())
        seat.profiles({"office": f"host: {engine.tcp_url}\n"})
        stack.enter_context(seat.trayd()).shows("reachable")
        lasting: dict[str, Display] = {name: one.display for name, one in programs.running.items()}
        lasting[TCP] = IconDisplay(seat.panel)
        time.sleep(rig.pick(6, 4))  # until the slowest poller has asked
        for display in lasting.values():
            display.remember()
        for number, fault in enumerate(rounds):
            with contextlib.ExitStack() as round_stack:
                displays = dict(lasting)
                if TERMINAL not in rig.store.missing:
                    terminal = round_stack.enter_context(peer(TERMINAL, rig, rig.store, engine.unix_url))
                    terminal.appeared()
                    displays[TERMINAL] = terminal.display
                time.sleep(random.uniform(1, 6))
                ended = time.monotonic()
                os.kill(engine.pid, FAULTS[fault])
                seen = lost(displays, ended, 15)
                times.add(fault, displays, seen)
            engine.kill()  # clears away what the ended one left
            time.sleep(random.uniform(0, rig.pick(5, 1)))
            since = time.monotonic()
            answers = _restart(engine, urls)
            waiting = {name: display for name, display in lasting.items() if name in seen}
            tcp = {TCP: waiting.pop(TCP)} if TCP in waiting else {}
            returned = back(waiting | tcp, since, answers[TRAYD], patience)
            if TCP in returned:  # its socket may have answered at another moment
                returned[TCP] = max(0.0, returned[TCP] + answers[TRAYD] - answers[TCP])
            times.add("recovery", waiting | tcp, returned)
            times.add(f"recovery after {fault}", waiting | tcp, returned)
            assert {TRAYD, TCP} <= returned.keys(), f"trayd did not come back within {patience} s"
            rig.say(
                f"detect {number + 1}/{len(rounds)} {fault}: lost "
                + ", ".join(f"{name} {1000 * value:.0f}" for name, value in seen.items())
                + " ms; back "
                + ", ".join(f"{name} {1000 * value:.0f}" for name, value in returned.items())
                + " ms"
            )
        side = times.side(15) + [gap for event in (*FAULTS, "recovery") for gap in programs.gaps(event)]
        if TERMINAL not in rig.store.missing:
            side.append(Side("recovery", TERMINAL, note="its message waits for a key"))
    loop = DOCKER_PS.name

    def row(label: str, event: str, who: str, goal: float | None) -> Row:
        samples = times.of(event, who)
        return Row(label, "ms", samples, times.of(event, loop), loop, goal=goal, note=spread(samples, "ms"))

    rows = []
    for fault in FAULTS:
        for kind, who in (("unix", TRAYD), ("tcp", TCP)):
            rows.append(row(f"{fault} → NewIcon, {kind}", fault, who, LOST_GOAL if fault == "kill -9" else None))
    for fault in FAULTS:
        for kind, who in (("unix", TRAYD), ("tcp", TCP)):
            label, event = f"answers again after {fault} → reachable icon, {kind}", f"recovery after {fault}"
            rows.append(row(label, event, who, BACK_GOAL if kind == "unix" else None))
    return Result(rows, side=side)


def _restart(engine: Dockerd, urls: dict[str, str]) -> dict[str, float]:
    """Start the engine; when each of its sockets gave its first answer to us, who ask every 5 ms."""
    answers: dict[str, float] = {}

    def knock(kind: str, url: str) -> None:
        while kind not in answers:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if ask(url, timeout=10).body == b"OK":
                    answers[kind] = time.monotonic()
                    return
            time.sleep(0.005)

    threads = [threading.Thread(target=knock, args=item) for item in urls.items()]
    for thread in threads:
        thread.start()
    try:
        engine.start()
    finally:
        for kind in urls:
            answers.setdefault(kind, time.monotonic()) if not engine.running else None
        for thread in threads:
            thread.join(15)
    return answers
