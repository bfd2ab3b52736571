"""From SIGSTOP of dockerd to the tooltip that says that it does not answer."""

from __future__ import annotations

import contextlib
import random
import tempfile
import threading
import time
from pathlib import Path

from bench.beside import TRAYD, Beside
from bench.display import Display
from bench.loop import BOUNDED, PollingLoop
from bench.model import Result, Row, Side, spread
from bench.peers.programs import OF_DOCKER, Syncthing, peer
from bench.rig import Panel, Program, Rig
from bench.watch import back, lost
from tests.harness.dockerd import Dockerd
from tests.harness.poll import wait_until
from tests.harness.tls import Authority
from trayd.core.profile import LOCAL_HEALTH, REMOTE_HEALTH

HUNG = "does not answer"
UNIX_GOAL = 8.0
SYNCTHING = "syncthingtray"


def measure(rig: Rig) -> Result:
    """Freeze two engines under three trayds, the peers and the loops, at random phases, and thaw them."""
    rounds = rig.pick(4, 1)
    found: dict[str, list[float]] = {"unix": [], "tcp": [], "TLS": []}
    returned: dict[str, list[float]] = {kind: [] for kind in found}
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
        others = stack.enter_context(Beside(rig, plain.unix_url))
        others.peers(OF_DOCKER)
        others.loops()
        syncthing = stack.enter_context(_SyncthingTray(rig))
        loop = stack.enter_context(PollingLoop(plain.unix_url, BOUNDED))
        for number in range(rounds):
            loop.wait_for("up")
            time.sleep(random.uniform(1, 11) if not rig.quick else 6)
            displays: dict[str, Display] = {name: one.display for name, one in others.running.items()}
            for display in displays.values():
                display.remember()
            frozen = time.monotonic()
            plain.freeze()
            secure.freeze()
            for kind, seconds in _watch({kind: program.panel for kind, program in programs.items()}, frozen).items():
                found[kind].append(seconds)
            loops.append(loop.wait_for("down", frozen) - frozen)
            if number == 0:
                # Only once: it takes a minute to be sure that somebody says nothing.
                patience = rig.pick(60, 15)
                others_found = lost(displays, frozen, patience)
            thawed = time.monotonic()
            plain.thaw()
            secure.thaw()
            for kind, program in programs.items():
                program.shows("reachable", 60)
                returned[kind].append(program.panel.seen("NewIcon", thawed)[-1].at - thawed)
            rig.say(f"freeze {number + 1}/{rounds}: " + ", ".join(f"{k} {v[-1]:.1f} s" for k, v in found.items()))
        side = [Side("SIGSTOP", TRAYD, found["unix"])]
        for name in displays:
            samples = [others_found[name]] if name in others_found else []
            side.append(Side("SIGSTOP", name, samples, "" if samples else f"not in {patience:g} s"))
        side += [Side("SIGSTOP", BOUNDED.name, loops), *others.gaps("SIGSTOP"), *syncthing.end()]
    bounds = {"unix": LOCAL_HEALTH, "tcp": REMOTE_HEALTH, "TLS": REMOTE_HEALTH}
    rows = []
    for kind, health in bounds.items():
        goal = health.interval + health.timeout + 1
        goal = min(goal, UNIX_GOAL) if kind == "unix" else goal
        label = f"SIGSTOP → “{HUNG}”, {kind} ({health.interval:g} s + {health.timeout:g} s)"
        note = spread(found[kind], "s")
        rows.append(Row(label, "s", found[kind], loops, BOUNDED.name, goal=goal, worst=True, note=note))
    rows += [Row(f"SIGCONT → reachable icon, {kind}", "s", times) for kind, times in returned.items()]
    return Result(rows, side=side)


class _SyncthingTray:
    """Syncthing's tray with a syncthing of its own, which is frozen, killed and started on a thread beside the rest.

    It takes half a minute to come back, which is spent here, where everybody waits anyhow.
    """

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._side: list[Side] = []
        self._thread = threading.Thread(target=self._run)
        self._over = threading.Event()
        self._least = rig.pick(3, 1)  # rounds that are worth a wait

    def __enter__(self) -> _SyncthingTray:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._least = 0
        self._over.set()
        self._thread.join()

    def end(self) -> list[Side]:
        """What was found."""
        self._over.set()
        self._thread.join()
        return self._side

    def _run(self) -> None:
        events = ("SIGSTOP", "kill -9", "recovery")
        if why := self._rig.store.missing.get(SYNCTHING):
            self._side = [Side(event, SYNCTHING, note=why) for event in events]
            return
        try:
            with peer(SYNCTHING, self._rig, self._rig.store, "") as running:
                running.appeared()
                assert running.engine
                self._look({SYNCTHING: running.display}, running.engine)
        except Exception as failure:
            known = {side.measure for side in self._side}
            self._side += [Side(event, SYNCTHING, note=str(failure)) for event in events if event not in known]

    def _look(self, display: dict[str, Display], engine: Syncthing) -> None:
        time.sleep(8)
        display[SYNCTHING].remember()
        patience = self._rig.pick(60, 10)
        frozen = time.monotonic()
        engine.freeze()
        seen = lost(display, frozen, patience)
        engine.freeze(False)
        self._side.append(Side("SIGSTOP", SYNCTHING, list(seen.values()), "" if seen else f"not in {patience:g} s"))
        time.sleep(3)
        if seen:
            wait_until(lambda: display[SYNCTHING].restored(frozen), 60, "syncthing's tray to calm down")
        gone: list[float] = []
        returned: list[float] = []
        for _ in range(self._rig.pick(5, 1)):
            display[SYNCTHING].remember()
            killed = engine.kill()
            gone += [1000 * seconds for seconds in lost(display, killed, 15).values()]
            if self._rig.quick:  # its return takes half a minute
                break
            since = time.monotonic()
            engine.start()
            returned += [1000 * seconds for seconds in back(display, since, engine.answers_at, 60).values()]
            if self._over.is_set() and len(gone) >= self._least:
                break
            self._over.wait(random.uniform(1, 4))
        self._side += [
            Side("kill -9", SYNCTHING, gone),
            Side("recovery", SYNCTHING, returned, "" if returned else "--quick"),
        ]
        self._rig.say(
            f"freeze: {SYNCTHING} lost {[round(ms) for ms in gone]} ms, back {[round(ms) for ms in returned]}"
        )


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
