"""The computer sleeps, and somebody sets the clock: no engine is judged for it.

No test may set the machine's clocks, so the loop reads them through one that can be moved.
"""

import time
from collections.abc import Iterator

import pytest

from tests.engine.matrix.rig import COLUMNS, INTERVAL, TIMEOUT, World
from tests.engine.matrix.table import NOISE
from tests.engine.matrix.test_matrix import leaves_nothing, lost, returned, world
from tests.engine.matrix.turning import Turning
from tests.engine.running import Running
from tests.harness import responder
from tests.harness.responder import always
from trayd.core.telling import AWAKE

__all__ = ["leaves_nothing", "world"]

pytestmark = pytest.mark.engine

HOUR = 3600.0
GRACE = 3.0


class Clocks:
    """The module `time`, with clocks that can be moved."""

    def __init__(self) -> None:
        self.monotonic_ahead = self.wall_ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.monotonic_ahead

    def time(self) -> float:
        return time.time() + self.wall_ahead

    def __getattr__(self, name: str) -> object:
        return getattr(time, name)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clocks]:
    """The clocks of trayd's loop."""
    clocks = Clocks()
    monkeypatch.setattr("trayd.app.time", clocks)
    yield clocks


@pytest.mark.parametrize("counts", [False, True], ids=["the monotonic clock stops", "the monotonic clock goes on"])
def test_the_computer_slept(counts: bool, clocks: Clocks, world: World) -> None:
    """Everybody is asked at once on a new connection, and nobody is missed for the time slept."""
    with world.reachable(stand_in=True, grace=GRACE) as (shown, stand_ins):

        def sleep() -> float:
            clocks.wall_ahead += HOUR
            clocks.monotonic_ahead += HOUR if counts else 0.0
            return time.monotonic()

        # While all is well.
        before = {column: stand_in.connections for column, stand_in in stand_ins.items()}
        woke = sleep()
        for column, stand_in in stand_ins.items():
            left = woke + INTERVAL + NOISE - time.monotonic()
            shown.until(lambda c=column, s=stand_in: s.connections > before[c], f"a new connection of {column}", left)
        _only(shown, woke, {"reachable"})

        # While a question is out: its answer from before the sleep, or that there was none, says nothing.
        for stand_in in stand_ins.values():
            stand_in.turn(responder.slow(TIMEOUT - 0.3))
        for column, stand_in in stand_ins.items():
            shown.until(
                lambda s=stand_in: _pings(s) and time.monotonic() - _pings(s)[-1] < 0.3, f"{column} to be asked"
            )
        woke = sleep()
        for stand_in in stand_ins.values():
            stand_in.turn(None)
        _settled(shown, stand_ins, woke)
        _only(shown, woke, {"reachable", "degraded"})

        # While an engine is missed: its grace begins anew, then it is told, once.
        for stand_in in stand_ins.values():
            stand_in.turn(always(responder.truncated()))
        for column in COLUMNS:
            shown.until(lambda c=column: shown.state(c) == "reconnecting", f"{column} to be missed")
        assert not shown.shown.notes
        woke = sleep()
        shown.until(lambda: shown.shown.notes, "the first notification", AWAKE + NOISE)
        assert time.monotonic() - woke > GRACE - 0.2, "the time slept counted as a part of the grace"
        shown.until(lambda: lost(shown) == len(COLUMNS), "the notification about everybody", GRACE + NOISE)
        for stand_in in stand_ins.values():
            stand_in.turn(None)
        shown.until(lambda: returned(shown) == len(COLUMNS), "the good news")
        for column in COLUMNS:
            shown.until(lambda c=column: shown.state(c) == "reachable", f"{column} to come back")


def test_a_long_interval_does_not_make_the_sleep_go_unnoticed(clocks: Clocks, world: World) -> None:
    """Whatever the interval is, everybody is asked at most ten seconds after the computer woke."""
    with world.reachable(stand_in=True, interval=600.0) as (shown, stand_ins):
        # What each tells of itself when it is new is over; nothing but the clocks can wake the loop then.
        def quiet() -> bool:
            last = max(request.at for stand_in in stand_ins.values() for request in stand_in.requests)
            return time.monotonic() - last > 1.0

        shown.until(quiet, "silence")
        before = {column: stand_in.connections for column, stand_in in stand_ins.items()}
        clocks.wall_ahead += HOUR
        woke = time.monotonic()
        for column, stand_in in stand_ins.items():
            left = woke + 10.0 + NOISE - time.monotonic()
            shown.until(lambda c=column, s=stand_in: s.connections > before[c], f"a new connection of {column}", left)
        _only(shown, woke, {"reachable"})


def test_the_wall_clock_is_set(clocks: Clocks, world: World) -> None:
    """Set back or forward, it changes no state, raises no alarm, and stops no question; a loss has the new time."""
    with world.reachable(stand_in=True, grace=GRACE) as (shown, stand_ins):
        for step in (-HOUR, 2 * HOUR):
            clocks.wall_ahead += step
            set_at = time.monotonic()
            _settled(shown, stand_ins, set_at)
            _only(shown, set_at, {"reachable"})
        for stand_in in stand_ins.values():
            stand_in.turn(always(responder.truncated()))
        for column in COLUMNS:
            shown.until(lambda c=column: shown.state(c) == "unreachable", f"{column} to be judged", 3 * GRACE)
            assert abs(shown.engine(column).health.since - clocks.time()) < 3 * GRACE
        # A clock set forward cannot be told from a sleep, after which the network gets its time.
        shown.until(lambda: lost(shown) == len(COLUMNS), "the notification about everybody", AWAKE + NOISE)
        for stand_in in stand_ins.values():
            stand_in.turn(None)
        shown.until(lambda: returned(shown) == len(COLUMNS), "the good news")
        assert lost(shown) == len(COLUMNS)


def _pings(stand_in: Turning) -> list[float]:
    return [request.at for request in stand_in.requests if request.path == "/_ping"]


def _settled(shown: Running, stand_ins: dict[str, Turning], since: float) -> None:
    """Wait until everybody was asked twice, at the second of which the first was answered."""
    for column, stand_in in stand_ins.items():
        what = f"two questions to {column}"
        shown.until(lambda s=stand_in: sum(at > since for at in _pings(s)) >= 2, what, 2 * INTERVAL + NOISE)


def _only(shown: Running, since: float, states: set[str]) -> None:
    """Nothing but these states was shown, and nothing was told."""
    for column in COLUMNS:
        seen = {str(d.snapshot.engines[column].health.state) for d in shown.shown.drawn if d.at > since}
        assert seen <= states, f"{column} was {seen}"
    assert not shown.shown.notes
