"""From `kill -9` of dockerd to the NewIcon signal, and from its first new answer to the reachable icon."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import signal
import threading
import time

from bench.loop import PollingLoop
from bench.model import Result, Row
from bench.rig import Panel, Rig
from tests.harness.ask import ask
from tests.harness.dockerd import Dockerd
from tests.harness.poll import wait_until

LOST_GOAL, BACK_GOAL = 20.0, 300.0
LOOP = "`docker ps` every 2 s"


def measure(rig: Rig) -> Result:
    """Kill one engine again and again under two trayds and a polling loop, at random phases, and start it again."""
    rounds = rig.pick(15, 2)
    lost: dict[str, list[float]] = {"unix": [], "tcp": []}
    back: dict[str, list[float]] = {"unix": [], "tcp": []}
    loop_lost: list[float] = []
    loop_back: list[float] = []
    with contextlib.ExitStack() as stack:
        engine = stack.enter_context(Dockerd(tcp=True))
        urls = {"unix": engine.unix_url, "tcp": engine.tcp_url}
        panels = {}
        for kind, url in urls.items():
            seat = stack.enter_context(rig.seat())
            seat.profiles({"office": f"host: {url}\n"})
            stack.enter_context(seat.trayd()).shows("reachable")
            panels[kind] = seat.panel
        good = {kind: panel.icon() for kind, panel in panels.items()}
        loop = stack.enter_context(PollingLoop(engine.unix_url, timeout=10))
        for number in range(rounds):
            loop.wait_for("up")
            time.sleep(random.uniform(1, 6) if not rig.quick else 1)
            killed = time.monotonic()
            os.kill(engine.pid, signal.SIGKILL)
            for kind, panel in panels.items():
                lost[kind].append(1000 * (panel.wait_for("NewIcon", killed).at - killed))
            loop_lost.append(1000 * (loop.wait_for("down", killed) - killed))
            engine.kill()  # clears away what the killed one left
            time.sleep(random.uniform(0, 8) if not rig.quick else 0.5)
            answers = _restart(engine, urls)
            for kind, panel in panels.items():
                wait_until(lambda panel=panel, kind=kind: panel.icon() == good[kind], 60, f"the {kind} icon's return")
                back[kind].append(1000 * (_last_change(panel) - answers[kind]))
            loop_back.append(1000 * (loop.wait_for("up", answers["unix"]) - answers["unix"]))
            rig.say(
                f"detect {number + 1}/{rounds}: lost {lost['unix'][-1]:.1f} and {lost['tcp'][-1]:.1f} ms, "
                f"back {back['unix'][-1]:.0f} and {back['tcp'][-1]:.0f} ms"
            )
    rows = [
        Row(f"kill -9 → NewIcon, {kind}", "ms", lost[kind], loop_lost, LOOP, goal=LOST_GOAL) for kind in ("unix", "tcp")
    ]
    rows += [
        Row("answers again → reachable icon, unix", "ms", back["unix"], loop_back, LOOP, goal=BACK_GOAL),
        Row("answers again → reachable icon, tcp", "ms", back["tcp"], loop_back, LOOP),
    ]
    return Result(rows)


def _last_change(panel: Panel) -> float:
    return panel.seen("NewIcon")[-1].at


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
