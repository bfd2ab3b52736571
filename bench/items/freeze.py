"""From SIGSTOP of dockerd to the tooltip that says that it does not answer."""

from __future__ import annotations

import contextlib
import random
import tempfile
import threading
import time
from pathlib import Path

from bench.loop import PollingLoop
from bench.model import Result, Row
from bench.rig import Panel, Program, Rig
from tests.harness.dockerd import Dockerd
from tests.harness.tls import Authority
from trayd.core.profile import LOCAL_HEALTH, REMOTE_HEALTH

HUNG = "does not answer"
UNIX_GOAL = 8.0


def measure(rig: Rig) -> Result:
    """Freeze two engines under three trayds and a polling loop, at random phases, and thaw them."""
    rounds = rig.pick(4, 1)
    found: dict[str, list[float]] = {"unix": [], "tcp": [], "TLS": []}
    loops: list[float] = []
    with contextlib.ExitStack() as stack:
        authority = Authority(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trc"))))
        plain = stack.enter_context(Dockerd(tcp=True))
        secure = stack.enter_context(Dockerd(tcp=True, tls=authority.server()))
        texts = {
            "unix": f"host: {plain.unix_url}\n",
            "tcp": f"host: {plain.tcp_url}\n",
            "TLS": f"host: {secure.tcp_url}\ntls:\n  cert_path: {authority.client()}\n",
        }
        programs: dict[str, Program] = {}
        for kind, text in texts.items():
            seat = stack.enter_context(rig.seat())
            seat.profiles({"office": text})
            programs[kind] = stack.enter_context(seat.trayd())
            programs[kind].shows("reachable")
        loop = stack.enter_context(PollingLoop(plain.unix_url, timeout=10))
        for number in range(rounds):
            loop.wait_for("up")
            time.sleep(random.uniform(1, 11) if not rig.quick else 1)
            frozen = time.monotonic()
            plain.freeze()
            secure.freeze()
            for kind, seconds in _watch({kind: program.panel for kind, program in programs.items()}, frozen).items():
                found[kind].append(seconds)
            loops.append(loop.wait_for("down", frozen) - frozen)
            plain.thaw()
            secure.thaw()
            for program in programs.values():
                program.shows("reachable", 60)
            rig.say(f"freeze {number + 1}/{rounds}: " + ", ".join(f"{k} {v[-1]:.1f} s" for k, v in found.items()))
    bounds = {"unix": LOCAL_HEALTH, "tcp": REMOTE_HEALTH, "TLS": REMOTE_HEALTH}
    rows = []
    for kind, health in bounds.items():
        goal = health.interval + health.timeout + 1
        goal = min(goal, UNIX_GOAL) if kind == "unix" else goal
        label = f"SIGSTOP → “{HUNG}”, {kind} ({health.interval:g} s + {health.timeout:g} s)"
        reference = "`timeout 10 docker ps` every 2 s"
        rows.append(Row(label, "s", found[kind], loops, reference, goal=goal, worst=True))
    return Result(rows)


def _watch(panels: dict[str, Panel], since: float) -> dict[str, float]:
    """Seconds until each panel's tooltip told it."""
    found: dict[str, float] = {}

    def wait(kind: str, panel: Panel) -> None:
        while time.monotonic() < since + 60:
            signals = panel.seen("NewToolTip", since)
            if signals and panel.says(HUNG):
                found[kind] = signals[-1].at - since
                return
            time.sleep(0.05)

    threads = [threading.Thread(target=wait, args=item) for item in panels.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found.keys() == panels.keys(), f"not told within a minute: {panels.keys() - found.keys()}"
    return found
