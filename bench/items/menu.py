"""How fast the menu opens while engines hang, compared with engines that answer."""

from __future__ import annotations

import contextlib
import statistics

from bench.layouts import layout_times
from bench.model import Result, Row
from bench.rig import Rig
from tests.harness.dockerd import Dockerd
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
        times = layout_times(programs, calls)
        entries = len(programs[0].panel.labels())
    cuts = statistics.quantiles(times[0], n=20)
    note = f"p50 {statistics.median(times[0]):.2f}, p95 {cuts[18]:.2f}, max {max(times[0]):.2f} ms; {entries} entries"
    rig.say(f"menu: {note}")
    label = f"GetLayout(0, -1) with {ENGINES} hanging engines"
    row = Row(label, "ms", times[0], times[1], f"{ENGINES} reachable engines", goal=GOAL, worst=True, note=note)
    return Result([row])
