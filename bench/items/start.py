"""From the start of the process to the icon's registration with the panel."""

from __future__ import annotations

import contextlib
from pathlib import Path

from bench.beside import FLOOR, PEERS, TRAYD
from bench.model import Check, Result, Row, Side
from bench.peers.programs import peer
from bench.rig import Program, Rig, Seat
from tests.harness.dockerd import Dockerd

# Compiled parts of what `import docker` pulls in; a file that is mapped was imported.
OF_DOCKER = ("charset_normalizer", "/_ssl.")


def measure(rig: Rig) -> Result:
    """Start trayd and the reference in turn, then each peer."""
    rounds = rig.pick(15, 3)
    times: list[float] = []
    reference: list[float] = []
    early: list[list[str]] = []
    late: list[str] = []
    with Dockerd() as engine:
        with rig.seat() as seat:
            seat.profiles({"local": f"host: {engine.unix_url}\n"})
            for number in range(rounds + 1):  # the first one warms the page cache and is dropped
                with seat.trayd() as program:
                    found: list[str] = []
                    seat.panel.on_register = lambda program=program, found=found: found.extend(_docker_parts(program))
                    times.append(1000 * program.registered())
                    early.append(found)
                    if number == 0:
                        program.shows("reachable")
                        late = _docker_parts(program)
                if rig.pythons.reference:
                    reference.append(1000 * _reference(seat))
                rig.say(
                    f"start {number}/{rounds}: {times[-1]:.0f} ms" + (f", {reference[-1]:.0f}" if reference else "")
                )
        side = [Side("start", TRAYD, times[1:]), Side("start", FLOOR, reference[1:], rig.pythons.why)]
        side += [_peer(rig, name, engine.unix_url) for name in PEERS]
    row = Row("start → icon registered", "ms", times[1:], reference[1:], "bare pystray AppIndicator", ratio_goal=1.0)
    checks = [
        Check(
            "docker is not imported before the icon is up",
            bool(late) and not any(early),
            f"/proc/PID/maps in the moment of registration: {early[-1] or 'none of its compiled parts'}; later: {late}",
        )
    ]
    notes = [] if rig.pythons.reference else [f"no reference: {rig.pythons.why}"]
    return Result([row], checks, notes, side)


def _reference(seat: Seat) -> float:
    with seat.reference() as program:
        return program.registered()


def _peer(rig: Rig, name: str, url: str) -> Side:
    if why := rig.store.missing.get(name):
        return Side("start", name, note=why)
    times = []
    for _ in range(rig.pick(6, 2)):
        try:
            with contextlib.ExitStack() as stack:
                times.append(1000 * stack.enter_context(peer(name, rig, rig.store, url)).appeared())
        except Exception as failure:
            return Side("start", name, note=f"does not start here: {failure}")
    rig.say(f"start {name}: {', '.join(f'{value:.0f}' for value in times)} ms")
    return Side("start", name, times[1:])


def _docker_parts(program: Program) -> list[str]:
    maps = Path(f"/proc/{program.pid}/maps").read_text()
    return [part for part in OF_DOCKER if part in maps]
