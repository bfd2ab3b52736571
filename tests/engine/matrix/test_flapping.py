"""Engines that come and go five times a second, for a minute, over every transport at once."""

import itertools
import threading
import time

import pytest

from tests.engine.matrix.rig import COLUMNS, INTERVAL, World
from tests.engine.matrix.table import NOISE, STORM
from tests.engine.matrix.test_matrix import leaves_nothing, world
from tests.engine.running import profile
from tests.harness import responder
from tests.harness.responder import Responder
from trayd.core.health import State

__all__ = ["leaves_nothing", "world"]

pytestmark = pytest.mark.engine

MINUTE = 60.0
EVERY = 0.2
LONGEST = 40.0  # the longest pause of an engine on the network, 30 s, and what a new login takes


def test_flapping(world: World) -> None:
    """There is no storm of notifications, nobody else is asked later for it, and in the end every state is right."""
    with Responder(responder.engine(), unix=True) as steady:
        profile("steady", steady.url, f"health: {{interval: {INTERVAL:g}s, timeout: 1s}}")
        with world.reachable(grace=3.0) as (shown, _):
            shown.wait(State.REACHABLE, "steady")
            began = time.monotonic()
            draws = len(shown.shown.drawn)
            _flap(world, began + MINUTE)
            ended = time.monotonic()
            draws = len(shown.shown.drawn) - draws
            assert len(shown.shown.notes) <= STORM, shown.shown.notes
            for column in COLUMNS:
                shown.until(lambda c=column: shown.state(c) == "reachable", f"{column} to come back", LONGEST)
            time.sleep(2 * INTERVAL)
            assert {shown.state(column) for column in COLUMNS} == {"reachable"}
            assert draws < 2 * len(COLUMNS) * MINUTE / (2 * EVERY), "drawn more often than things happened"
            seen = {str(d.snapshot.engines["steady"].health.state) for d in shown.shown.drawn if d.at > began}
            assert seen <= {"reachable"}
    asked = [r.at for r in steady.requests if r.path == "/_ping" and began < r.at < ended]
    pauses = [later - sooner for sooner, later in itertools.pairwise([began, *asked, ended])]
    assert max(pauses) < INTERVAL + NOISE, pauses


def _flap(world: World, until: float) -> None:
    """The network answers by RST and is well again; the socket is moved away and back."""
    path = world.plain.socket
    assert path
    aside = path.with_suffix(".aside")

    def away() -> None:
        while time.monotonic() < until:
            path.rename(aside)
            time.sleep(EVERY)
            aside.rename(path)
            time.sleep(EVERY)

    moving = threading.Thread(target=away)
    moving.start()
    while time.monotonic() < until:
        with world.cable.rule("-i", "cable", "-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset"):
            time.sleep(EVERY)
        time.sleep(EVERY)
    moving.join()
