"""`trayd status` for many engines, some refused and some hanging, against a loop over the docker CLI."""

from __future__ import annotations

import contextlib
import subprocess
import time

from bench.model import Result, Row
from bench.rig import Rig, Seat
from tests.harness.ask import free_port
from tests.harness.dockerd import Dockerd
from tests.harness.standin import silent
from trayd.core.profile import REMOTE_HEALTH

LOOP = 'for host in $HOSTS; do timeout 10 docker -H "$host" version > /dev/null 2>&1; done; true'
# Engines in all, of these refused and hanging.
SETS = ((1, 0, 0), (5, 0, 0), (20, 3, 2))
LATE = 0.5


def measure(rig: Rig) -> Result:
    """Ask 1, 5 and 20 engines by both, in turn."""
    rounds = rig.pick(5, 1)
    rows = []
    with contextlib.ExitStack() as stack:
        engine = stack.enter_context(Dockerd(tcp=True))
        seat = stack.enter_context(rig.seat())
        for count, refused, hanging in SETS:
            urls = [engine.tcp_url] * (count - refused - hanging)
            urls += [f"tcp://127.0.0.1:{free_port()}" for _ in range(refused)]
            urls += [stack.enter_context(silent()).url for _ in range(hanging)]
            seat.profiles({f"engine{number:02}": f"host: {url}\n" for number, url in enumerate(urls)})
            ours: list[float] = []
            loop: list[float] = []
            for number in range(rounds + 1):  # the first one of ours is warm-up
                ours.append(_seconds([rig.pythons.trayd, "status"], seat, {}))
                if number:
                    loop.append(_seconds(["sh", "-c", LOOP], seat, {"HOSTS": " ".join(urls)}))
            label = f"trayd status, {count} engines" + (f" ({refused} refused, {hanging} hanging)" if hanging else "")
            goal = REMOTE_HEALTH.timeout + LATE
            reference = "`timeout 10 docker version`, one after another"
            rows.append(Row(label, "s", ours[1:], loop, reference, goal=goal, worst=True))
            rig.say(f"status {count}: {rows[-1].median:.2f} s")
    return Result(rows)


def _seconds(command: list[str], seat: Seat, more: dict[str, str]) -> float:
    begun = time.perf_counter()
    done = subprocess.run(
        command, env=seat.environ | more, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    seconds = time.perf_counter() - begun
    assert done.returncode in (0, 1), f"{command} ended with {done.returncode}"
    return seconds
