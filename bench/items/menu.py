"""How fast the menu opens while engines hang, compared with engines that answer."""

from __future__ import annotations

import contextlib
import statistics
import time

from bench.model import Result, Row
from bench.rig import Panel, Program, Rig
from tests.harness.dockerd import Dockerd
from tests.harness.host import MENU
from tests.harness.standin import silent

ENGINES = 5
GOAL = 10.0


def measure(rig: Rig) -> Result:
    """Read the whole menu of two trayds in turn: one with five hanging engines, one with five reachable ones."""
    calls = rig.pick(200, 20)
    with contextlib.ExitStack() as stack:
        engine = stack.enter_context(Dockerd())
        hanging = [stack.enter_context(silent(unix=True)).url for _ in range(ENGINES)]
        programs = []
        for urls, words in ((hanging, "does not answer"), ([engine.unix_url] * ENGINES, "reachable")):
            seat = stack.enter_context(rig.seat())
            seat.profiles({f"engine{number}": f"host: {url}\n" for number, url in enumerate(urls)})
            program = stack.enter_context(seat.trayd())
            program.shows(words)
            programs.append(program)
        asks = [Asking(program) for program in programs]
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(calls):
            for kept, ask in zip(times, asks, strict=True):
                kept.append(ask())
            time.sleep(0.02)  # so that the calls meet the probes at all their phases
        entries = len(programs[0].panel.labels())
    cuts = statistics.quantiles(times[0], n=20)
    note = f"p50 {statistics.median(times[0]):.2f}, p95 {cuts[18]:.2f}, max {max(times[0]):.2f} ms; {entries} entries"
    rig.say(f"menu: {note}")
    label = f"GetLayout(0, -1) with {ENGINES} hanging engines"
    row = Row(label, "ms", times[0], times[1], f"{ENGINES} reachable engines", goal=GOAL, worst=True, note=note)
    return Result([row])


class Asking:
    """Reads the whole menu of a program."""

    def __init__(self, program: Program) -> None:
        self._panel: Panel = program.panel
        self._item, self._path = self._panel.item, self._panel.get("Menu")

    def __call__(self) -> float:
        begun = time.perf_counter()
        self._panel.call(self._item, self._path, MENU, "GetLayout", "iias", 0, -1, [])
        return 1000 * (time.perf_counter() - begun)
