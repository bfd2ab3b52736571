"""`trayd status` for many engines, some refused and some hanging, against a loop over the docker CLI."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.model import Result, Row
from bench.rig import Rig, Seat
from tests.harness.ask import free_port
from tests.harness.dockerd import Dockerd
from tests.harness.standin import silent
from trayd.core.profile import LOCAL_HEALTH, REMOTE_HEALTH

# Without `timeout` the loop would stay at the first hanging engine for ever.
LOOP = 'for host in $HOSTS; do timeout $EACH docker -H "$host" version > /dev/null 2>&1; done; true'
PATIENT = 10.0
ALL_GOOD = (1, 5, 100)
ENGINES, REFUSED, HANGING = 20, 3, 2
LATE, RATIO = 0.5, 0.2
HEALTH = {"unix": LOCAL_HEALTH, "tcp": REMOTE_HEALTH}


def measure(rig: Rig) -> Result:
    """Ask 1, 5 and 100 good engines by both in turn, then 20 of which five are not, over unix and over tcp."""
    rows = []
    with contextlib.ExitStack() as stack:
        engine = stack.enter_context(Dockerd(tcp=True))
        seat = stack.enter_context(rig.seat())
        for count in ALL_GOOD:
            ours, loops = _compare(rig, seat, [engine.unix_url] * count, rig.pick(5, 1), (PATIENT,))
            goal = LOCAL_HEALTH.timeout + LATE
            what = f"trayd status, {count} engine{'s'[: count > 1]}"
            rows.append(Row(what, "s", ours, loops[PATIENT], _reference(PATIENT), goal=goal, worst=True))
            rig.say(f"status {count}: {rows[-1].median:.2f} s, the CLI {rows[-1].ratio:.2f}")
        seats = {kind: stack.enter_context(rig.seat()) for kind in HEALTH}
        urls = {kind: _mixed(stack, engine, kind) for kind in HEALTH}
        rounds = rig.pick(3, 1)
        with ThreadPoolExecutor(len(HEALTH)) as pool:  # both mostly wait
            jobs = {
                kind: pool.submit(
                    _compare, rig, seats[kind], urls[kind], rounds, (PATIENT, health.timeout)[: rig.pick(2, 1)]
                )
                for kind, health in HEALTH.items()
            }
        for kind, health in HEALTH.items():
            ours, loops = jobs[kind].result()
            what = f"trayd status, {ENGINES} engines ({REFUSED} refused, {HANGING} hanging), {kind}"
            for each, loop in loops.items():
                # A goal only against the patient loop: with one timeout for both, two hanging engines allow no more
                # than twice. Over tcp trayd waits longer too, as its default for engines that may be far away.
                judged = each == PATIENT and kind == "unix"
                label = what if each == PATIENT else f"the same over {kind}, one timeout for both"
                row = Row(label, "s", ours, loop, _reference(each), ratio_goal=RATIO if judged else None)
                if each == PATIENT:
                    row.goal, row.worst = health.timeout + LATE, True
                    row.note = f"trayd waits {health.timeout:g} s for an engine over {kind}"
                rows.append(row)
                rig.say(f"status {kind}: {row.median:.2f} s, the CLI with {each:g} s: {row.ratio:.2f}")
    return Result(rows, notes=["trayd status: without `timeout` the docker CLI waits for a hanging engine for ever"])


def _reference(each: float) -> str:
    return f"`timeout {each:g} docker version`, one after another"


def _mixed(stack: contextlib.ExitStack, engine: Dockerd, kind: str) -> list[str]:
    """Names for one engine, addresses where nobody listens, and engines that never answer."""
    unix = kind == "unix"
    urls = [engine.unix_url if unix else engine.tcp_url] * (ENGINES - REFUSED - HANGING)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trs", dir="/tmp")))
    for number in range(REFUSED):
        path = folder / f"{number}.sock"
        if unix:
            with socket.socket(socket.AF_UNIX) as left:
                left.bind(str(path))  # a socket file whose owner is gone refuses
        urls.append(f"unix://{path}" if unix else f"tcp://127.0.0.1:{free_port()}")
    return urls + [stack.enter_context(silent(unix=unix)).url for _ in range(HANGING)]


def _compare(
    rig: Rig, seat: Seat, urls: list[str], rounds: int, timeouts: tuple[float, ...]
) -> tuple[list[float], dict[float, list[float]]]:
    """Seconds of trayd, and of the loop with each timeout."""
    seat.profiles({f"engine{number:03}": f"host: {url}\n" for number, url in enumerate(urls)})
    ours: list[float] = []
    loops: dict[float, list[float]] = {each: [] for each in timeouts}
    for number in range(rounds + 1):  # the first one of ours is warm-up
        if number or not rig.quick:
            ours.append(_seconds([rig.pythons.trayd, "status"], seat, {}))
        for each in timeouts if number else ():
            more = {"HOSTS": " ".join(urls), "EACH": f"{each:g}"}
            loops[each].append(_seconds(["sh", "-c", LOOP], seat, more))
    return ours[-rounds:], loops


def _seconds(command: list[str], seat: Seat, more: dict[str, str]) -> float:
    begun = time.perf_counter()
    done = subprocess.run(
        command, env=seat.environ | more, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    seconds = time.perf_counter() - begun
    assert done.returncode in (0, 1), f"{command} ended with {done.returncode}"
    return seconds
