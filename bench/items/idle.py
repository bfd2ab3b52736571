"""What trayd costs while nothing happens: memory, CPU time and wake-ups, with one reachable engine."""

from __future__ import annotations

import contextlib
import time

from bench.meter import memory, work
from bench.model import Result, Row
from bench.rig import Program, Rig
from tests.harness.dockerd import Dockerd

MIB = 1024
RSS_GOAL, CPU_GOAL = 42.0, 1.5
REFERENCE = "bare pystray AppIndicator"


def measure(rig: Rig) -> Result:
    """Let trayd and the reference sit side by side and look at them before and after a while."""
    settle, window, windows = rig.pick(20, 5), rig.pick(90, 10), rig.pick(2, 1)
    with contextlib.ExitStack() as stack:
        engine = stack.enter_context(Dockerd())
        seat = stack.enter_context(rig.seat())
        seat.profiles({"local": f"host: {engine.unix_url}\n"})
        programs: dict[str, Program] = {"trayd": stack.enter_context(seat.trayd())}
        programs["trayd"].shows("reachable")
        if rig.pythons.reference:
            other = stack.enter_context(rig.seat())
            programs["reference"] = stack.enter_context(other.reference())
            programs["reference"].registered()
        time.sleep(settle)
        figures: dict[str, dict[str, list[float]]] = {name: {} for name in programs}
        for number in range(windows):
            rig.say(f"idle: window {number + 1}/{windows} of {window} s")
            before = {name: work(program.pid) for name, program in programs.items()}
            begun = time.monotonic()
            time.sleep(window)
            seconds = time.monotonic() - begun
            for name, program in programs.items():
                done, used = work(program.pid).since(before[name]), memory(program.pid)
                for key, value in {
                    "RSS": used.rss / MIB,
                    "PSS": used.pss / MIB,
                    "anon": used.anon / MIB,
                    "threads": used.threads,
                    "CPU clock": done.clock * 3600 / seconds,
                    "CPU ticks": done.ticks * 3600 / seconds,
                    "CPU schedstat": done.schedstat * 3600 / seconds,
                    "wakes": done.sleeps / seconds,
                }.items():
                    figures[name].setdefault(key, []).append(value)
    ours, theirs = figures["trayd"], figures.get("reference", {})

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
    return Result(rows, notes=[] if rig.pythons.reference else [f"no reference: {rig.pythons.why}"])
