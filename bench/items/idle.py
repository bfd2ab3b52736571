"""What trayd costs while nothing happens: memory, CPU time and wake-ups, with one reachable engine."""

from __future__ import annotations

import time

from bench.beside import FLOOR, TRAYD, Beside
from bench.meter import memory, work
from bench.model import Result, Row, Side
from bench.rig import Rig
from tests.harness.dockerd import Dockerd

MIB = 1024
RSS_GOAL, CPU_GOAL = 42.0, 1.5
REFERENCE = "bare pystray AppIndicator"
SIDE = {"RSS": 1, "PSS": 1, "CPU": 1, "wakes": 3600}  # measures of the side-by-side table, and their factor


def measure(rig: Rig) -> Result:
    """Let everything sit side by side on one engine and look at it before and after a while."""
    settle, window, windows = rig.pick(20, 5), rig.pick(90, 10), rig.pick(2, 1)
    with Dockerd() as engine, Beside(rig, engine.unix_url) as programs:
        programs.trayd()
        programs.floor()
        programs.peers()
        programs.loops()
        time.sleep(settle)
        figures: dict[str, dict[str, list[float]]] = {name: {} for name in programs.running}
        for number in range(windows):
            rig.say(f"idle: window {number + 1}/{windows} of {window} s, {len(figures)} programs")
            before = {name: (work(one.pid), time.monotonic()) for name, one in programs.running.items()}
            time.sleep(window)
            for name, one in programs.running.items():
                done, seconds = work(one.pid).since(before[name][0]), time.monotonic() - before[name][1]
                used = memory(one.pid)
                for key, value in {
                    "RSS": used.rss / MIB,
                    "PSS": used.pss / MIB,
                    "anon": used.anon / MIB,
                    "threads": used.threads,
                    "CPU": done.all * 3600 / seconds,
                    "CPU clock": done.clock * 3600 / seconds,
                    "CPU ticks": done.ticks * 3600 / seconds,
                    "CPU schedstat": done.schedstat * 3600 / seconds,
                    "wakes": done.sleeps / seconds,
                }.items():
                    figures[name].setdefault(key, []).append(value)
        side = [
            Side(key, name, [factor * value for value in found[key]])
            for key, factor in SIDE.items()
            for name, found in figures.items()
        ]
        side += [gap for key in SIDE for gap in programs.gaps(key)]
    ours, theirs = figures[TRAYD], figures.get(FLOOR, {})

    def row(label: str, unit: str, key: str, goal: float | None = None, ratio_goal: float | None = None) -> Row:
        return Row(label, unit, ours[key], theirs.get(key, []), REFERENCE, goal, True, ratio_goal)

    rows = [
        row("idle RSS", "MiB", "RSS", RSS_GOAL, 1.0),
        row("idle PSS (depends on who else has the same files mapped)", "MiB", "PSS"),
        row("idle anon", "MiB", "anon"),
        row("idle threads", "", "threads"),
        row("idle CPU, process clock", "s/h", "CPU clock", CPU_GOAL),
        row("idle CPU, utime + stime (one tick is 0.4 s/h in 90 s)", "s/h", "CPU ticks"),
        row("idle CPU, schedstat of living threads", "s/h", "CPU schedstat"),
        row("idle wake-ups (voluntary context switches)", "1/s", "wakes"),
    ]
    return Result(rows, notes=[] if rig.pythons.reference else [f"no reference: {rig.pythons.why}"], side=side)
