"""The fault matrix: each fault of table.py is made, over all transports at once, and what a person sees is compared."""

import gc
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.engine.matrix import document
from tests.engine.matrix.faults import Scene
from tests.engine.matrix.rig import COLUMNS, World
from tests.engine.matrix.table import PATIENT, PROBED, ROWS, Absent, Cell, Restless, Row, Untouched
from tests.engine.running import Running
from tests.harness.poll import wait_until

pytestmark = pytest.mark.engine

MADE = [row for row in ROWS if row.fault]
AGAIN = "reachable again"
ENOUGH = 0.5  # after the grace: a notification that comes later is another one


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two real engines, an sshd and a cable, for all rows."""
    with World(tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture(autouse=True)
def leaves_nothing(world: World) -> Iterator[None]:
    """After every row the world is whole again, and no thread and no open file of trayd's is left."""
    threads, files = set(threading.enumerate()), _files()
    yield
    world.settle()
    wait_until(lambda: not set(threading.enumerate()) - threads, 10, "the end of every thread")
    try:
        # Collected, since a traceback can hold a connection a little longer than anybody uses it.
        wait_until(lambda: gc.collect() >= 0 and len(_files()) <= len(files), 10, "the closing of every file", 0.1)
    except AssertionError as failure:
        raise AssertionError(f"{failure}: {set(_files().items()) - set(files.items())}") from None


def _files() -> dict[str, str]:
    found = {}
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # the one by which this is read
            found[name] = os.readlink(f"/proc/self/fd/{name}")
    return found


@pytest.mark.parametrize("row", MADE, ids=lambda row: row.title)
def test_a_fault_is_shown_and_told_as_the_table_says(row: Row, world: World) -> None:
    """Over each transport: the state, its cause, how soon, how many notifications, and the way back."""
    assert row.fault
    with world.reachable(row.stand_in, row.grace) as (shown, stand_ins):
        with row.fault(Scene(world, shown, stand_ins)) as began:
            for column, cell in row.cells.items():
                if isinstance(cell, Cell):
                    missed(shown, column, cell, began, row.grace)
            if row.grace < PATIENT:
                time.sleep(max(0.0, began + row.grace + ENOUGH - time.monotonic()))
            for column, cell in row.cells.items():
                if isinstance(cell, Restless):
                    time.sleep(max(0.0, began + PROBED - time.monotonic()))
                    shown.until(lambda c=column: shown.state(c) == "reachable", f"{column} to come back by itself")
            losses = {column for column, cell in row.cells.items() if isinstance(cell, Cell) and cell.told}
            shown.until(lambda: lost(shown) >= len(losses), "the notification of every loss", row.grace + 6.0)
            assert lost(shown) == len(losses), shown.shown.notes
            for column, cell in row.cells.items():
                if isinstance(cell, Cell) and row.grace < PATIENT:
                    assert shown.state(column) == cell.state
        mended = time.monotonic()
        for column, cell in row.cells.items():
            back = cell.back if isinstance(cell, Cell) else 5.0
            left = mended + back - time.monotonic()
            shown.until(lambda c=column: shown.state(c) == "reachable", f"{column} to come back", left)
        shown.until(lambda: returned(shown) >= len(losses), "the good news")
        for column, cell in row.cells.items():
            if isinstance(cell, Untouched):
                healths = [d.snapshot.engines[column].health for d in shown.shown.drawn if d.at > began]
                others = {(str(h.state), h.diagnosis) for h in healths if h.state != "reachable"}
                assert not others, f"{column} was {others}"
        assert lost(shown) == returned(shown) == len(losses), shown.shown.notes
        assert {subject for _, _, subject in shown.shown.notes} <= losses
        assert len(shown.shown.notes) <= 2 * len(losses), "told more often than it happened"


def missed(shown: Running, column: str, cell: Cell, began: float, grace: float) -> None:
    """The loss is shown in time, with its cause."""

    def at() -> float:
        states = ((d.at, d.snapshot.engines[column].health.state) for d in shown.shown.drawn)
        return next((time for time, state in states if time > began and state != "reachable"), 0.0)

    shown.until(at, f"{column} to be missed", began + cell.within - time.monotonic())
    assert at() - began < cell.within + 0.2, f"{column}: {at() - began:.2f} s"
    codes = (cell.codes,) if isinstance(cell.codes, str) else cell.codes

    def settled() -> bool:
        for drawn in shown.shown.drawn:
            health = drawn.snapshot.engines[column].health
            code = health.diagnosis.code if health.diagnosis else ""
            if drawn.at > began and health.state == cell.state and code in codes:
                return True
        return False

    shown.until(settled, f"{column} to be {cell.state}, {codes}", grace + 6.0)


def lost(shown: Running) -> int:
    """How many engines were told as lost; the last notification about the same subject counts, it replaces others."""
    return sum({subject: _number(title) for title, _, subject in shown.shown.notes if AGAIN not in title}.values())


def returned(shown: Running) -> int:
    """How many engines were told as back."""
    return sum(_number(title) for title, _, _ in shown.shown.notes if AGAIN in title)


def _number(title: str) -> int:
    """Engines that go or come together may share a notification, which says how many they are."""
    found = re.match(r"(\d+) engines ", title)
    return int(found[1]) if found else 1


def test_every_cell_says_what_it_is() -> None:
    """Each row has a cell for every transport; one that cannot be says why."""
    for row in ROWS:
        assert tuple(row.cells) == COLUMNS
        assert row.fault or row.own
        for cell in row.cells.values():
            assert isinstance(cell, Cell) or cell.why
        assert any(not isinstance(cell, Absent) for cell in row.cells.values())


def test_the_page_for_people_says_the_same() -> None:
    """docs/faults.md is what the table says: `python -m tests.engine.matrix.document` writes it."""
    assert document.FILE.read_text(encoding="utf-8") == document.text()


def test_a_row_with_a_test_of_its_own_has_it() -> None:
    """What this file does not make itself, another one does."""
    names = {row.own for row in ROWS if not row.fault}
    here = Path(__file__).parent
    assert names == {f.stem for f in here.glob("test_*.py")} - {Path(__file__).stem}
