"""A hundred profiles at once, five of them hanging and five flapping; and how cost grows with their number."""

from __future__ import annotations

import contextlib
import itertools
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.flap import Relay
from bench.layouts import layout_times
from bench.meter import memory, work
from bench.model import Result, Row, spread
from bench.rig import Panel, Program, Rig, Seat
from tests.harness.dockerd import Dockerd
from tests.harness.poll import wait_until
from tests.harness.standin import silent

ENGINES, PROFILES, HANGING, FLAPPING = 20, 100, 5, 5
EACH = 250 * 1024  # KiB of free memory that a dockerd with its containerd may want
COUNTS = (1, 10, 20, 50, 100)
MENU_GOAL, SHOWN_GOAL, CPU_GOAL, EACH_GOAL = 10.0, 100.0, 10.0, 200.0
UP = "●"


def measure(rig: Rig) -> Result:
    """Let trayds with 1 to 100 good profiles and one with 100 mixed ones sit side by side, then let the five flap."""
    settle, window, flap = rig.pick(25, 3), rig.pick(90, 5), rig.pick(60, 10)
    counts = COUNTS if not rig.quick else (1, 20, 100)
    with contextlib.ExitStack() as stack:
        engines = _engines(stack, rig)
        rig.say(f"scale: {len(engines)} engines run")
        urls = [url for engine in engines for url in (engine.unix_url, engine.tcp_url)]
        relays = [stack.enter_context(Relay(engine.unix_url)) for engine in (engines * FLAPPING)[:FLAPPING]]
        hanging = [stack.enter_context(silent(unix=True)) for _ in range(HANGING)]
        good = [(f"good{number:03}", url) for number, url in zip(range(PROFILES), itertools.cycle(urls), strict=False)]
        mixed = good[: PROFILES - HANGING - FLAPPING]
        mixed += [(f"hang{number}", one.url) for number, one in enumerate(hanging)]
        mixed += [(f"flap{number}", one.url) for number, one in enumerate(relays)]
        with contextlib.ExitStack() as growing:
            programs = {count: _start(growing, rig, good[:count], count) for count in counts}
            program = _start(stack, rig, mixed, PROFILES - HANGING)
            time.sleep(settle)
            rig.say(f"scale: {window} s with nothing flapping")
            growth, quiet = _cost({**programs, 0: program}, window)
        points = {count: growth[count] for count in counts}
        for relay in relays:
            relay.flap()
        time.sleep(6)
        since = time.monotonic()
        rig.say(f"scale: {flap} s with {FLAPPING} flapping")
        _, busy = _cost({0: program}, flap)
        shown = _shown(program.panel, relays, since, time.monotonic())
        (calls,) = layout_times([program], rig.pick(200, 40))
    first, last = counts[0], counts[-1]
    each = 1024 * (points[last][1] - points[first][1]) / (last - first)
    lost, back = (sorted(shown[up]) for up in (False, True))
    kinds = f"{PROFILES} profiles, {HANGING} hanging"
    changes = f"{len(lost) + len(back)} changes in {flap} s"
    rows = [
        Row(
            f"GetLayout with {kinds}, {FLAPPING} flapping",
            "ms",
            calls,
            goal=MENU_GOAL,
            worst=True,
            note=spread(calls, "ms"),
        ),
        Row("lost → shown in the menu, among these", "ms", lost, goal=SHOWN_GOAL, note=spread(lost, "ms")),
        Row("back → shown in the menu, among these", "ms", back, goal=SHOWN_GOAL, note=spread(back, "ms")),
        Row(f"CPU, {PROFILES} good profiles", "s/h", [points[last][0]], goal=CPU_GOAL),
        Row(f"CPU, {kinds}", "s/h", [quiet[0]], goal=CPU_GOAL),
        Row(f"CPU, {kinds}, {FLAPPING} flapping", "s/h", [busy[0]], note=changes),
        Row(f"RSS with {kinds}", "MiB", [quiet[1]]),
        Row(f"each further profile, RSS ({first} → {last}, unix and tcp)", "KiB", [each], goal=EACH_GOAL),
        Row(f"wake-ups, {PROFILES} good profiles", "1/s", [points[last][3]]),
        Row(f"threads, {PROFILES} good profiles", "", [points[last][2]]),
    ]
    notes = [
        f"scale: {len(engines)} dockerds; {PROFILES} profiles are names for their {len(urls)} sockets (unix and tcp)",
    ]
    series = {
        name: [[count, values[index]] for count, values in points.items()]
        for index, name in enumerate(("CPU, s/h", "RSS, MiB", "threads", "wake-ups, 1/s"))
    }
    return Result(rows, notes=notes, series=series)


def _engines(stack: contextlib.ExitStack, rig: Rig) -> list[Dockerd]:
    """As many engines as the free memory allows, started a few at a time."""
    free = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable"))
    count = max(1, min(rig.pick(ENGINES, 4), int(free.split()[1]) // EACH))
    engines = [Dockerd(tcp=True) for _ in range(count)]
    for engine in engines:
        stack.callback(engine.close)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda engine: engine.start(90), engines))
    return engines


def _start(stack: contextlib.ExitStack, rig: Rig, profiles: list[tuple[str, str]], good: int) -> Program:
    """Start a trayd and wait until all that can be reached are."""
    seat: Seat = stack.enter_context(rig.seat())
    seat.profiles({name: f"host: {url}\n" for name, url in profiles})
    program = stack.enter_context(seat.trayd())
    program.shows("reachable", 60)
    wait_until(lambda: _reachable(seat.panel) == good, 120, f"{good} reachable profiles", every=1)
    return program


def _reachable(panel: Panel) -> int:
    return sum(UP in label for label in panel.labels() if label.strip().startswith("("))


Cost = tuple[float, float, int, float]  # CPU s/h, RSS MiB, threads, wake-ups a second


def _cost(programs: dict[int, Program], seconds: float) -> tuple[dict[int, Cost], Cost]:
    """What each one used in this time; that of number 0 once more by itself."""
    before = {number: (work(program.pid), time.monotonic()) for number, program in programs.items()}
    time.sleep(seconds)
    found: dict[int, Cost] = {}
    for number, program in programs.items():
        done, passed = work(program.pid).since(before[number][0]), time.monotonic() - before[number][1]
        used = memory(program.pid)
        found[number] = (done.all * 3600 / passed, used.rss / 1024, used.threads, done.sleeps / passed)
    return found, found[0]


def _shown(panel: Panel, relays: list[Relay], since: float, until: float) -> dict[bool, list[float]]:
    """Milliseconds from each relay's going (False) and coming (True) to the first new line of its profile."""
    time.sleep(1)
    lines: dict[str, list[tuple[float, bool]]] = {}
    for signal in panel.seen("ItemsPropertiesUpdated", since):
        for _, properties in signal.body[0]:
            label = str(properties.get("label", ("s", ""))[1])
            if named := re.search(r"flap\d", label):
                lines.setdefault(named[0], []).append((signal.at, UP in label))
    times: dict[bool, list[float]] = {False: [], True: []}
    missed = 0
    for number, relay in enumerate(relays):
        changes = [*relay.changes, (float("inf"), True)]
        for (at, up), (end, _) in itertools.pairwise(changes):
            if since <= at <= until - 2:
                seen = [when for when, good in lines.get(f"flap{number}", []) if at <= when < end and good == up]
                times[up] += [1000 * (seen[0] - at)] if seen else []
                missed += not seen
    assert times[False] and times[True], "no state change was seen in the menu"
    assert not missed, f"{missed} state changes were never shown in the menu"
    return times
