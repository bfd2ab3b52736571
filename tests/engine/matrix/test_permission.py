"""The right to an engine's socket is taken away. To root nothing is closed, so trayd is somebody else here."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.engine.asking import NOBODY, ROOT
from tests.engine.matrix.rig import GRACE, INTERVAL, World
from tests.engine.matrix.table import NOISE, ROWS, SETTLED, SUDDEN, Cell, Row
from tests.engine.matrix.test_matrix import leaves_nothing, lost, missed, returned, world
from tests.harness.poll import wait_until
from trayd.core.health import State

__all__ = ["leaves_nothing", "world"]

pytestmark = pytest.mark.engine

GOES_ON = "the socket is closed to us (chmod), the engine goes on"
RESTARTED = "the engine comes back with a socket that is closed to us"


class Elsewhere:
    """What a trayd in another process shows and tells, line by line."""

    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []
        self.ended = False

    def read(self, lines: Iterable[str]) -> None:
        """Take in the lines, until there are no more."""
        for line in lines:
            self.lines.append(json.loads(line))
        self.ended = True

    def first(self, after: float, **facts: object) -> float:
        """When a line with these facts first came, or 0."""
        for line in list(self.lines):
            if float(str(line["at"])) > after and facts.items() <= line.items():
                return float(str(line["at"]))
        return 0.0

    def wait(self, after: float, seconds: float, **facts: object) -> float:
        """Wait for such a line."""
        try:
            wait_until(lambda: self.ended or self.first(after, **facts), seconds, str(facts))
            assert not self.ended, "it ended"
        except AssertionError as failure:
            raise AssertionError(f"{failure}; {self.lines[-8:]}") from None
        return self.first(after, **facts)


@contextmanager
def as_nobody(url: str) -> Iterator[Elsewhere]:
    """Run trayd as a user without any right, with one profile."""
    home = Path(tempfile.mkdtemp(prefix="tn", dir="/tmp"))
    try:
        profiles = home / "profiles"
        profiles.mkdir()
        (profiles / "unix.yaml").write_text(f"host: {url}\nhealth: {{interval: 1s, timeout: 2s, grace: {GRACE:g}s}}\n")
        for place in (home, profiles, profiles / "unix.yaml"):
            os.chown(place, NOBODY, NOBODY)
        names = ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR")
        variables = {**os.environ, **dict.fromkeys(names, str(home)), "TRAYD_CONFIG_DIR": str(profiles)}
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.engine.matrix.elsewhere", str(NOBODY)],
            cwd=ROOT,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            told = Elsewhere()
            reading = threading.Thread(target=told.read, args=(process.stdout,))
            reading.start()
            yield told
        finally:
            assert process.stdin and process.stdout
            process.stdin.close()  # its Quit
            process.wait(10)
            reading.join(5)
            process.stdout.close()
    finally:
        shutil.rmtree(home)


@pytest.fixture
def open_to_all(world: World) -> Iterator[None]:
    """Sockets that everybody may use, and back to what dockerd makes of them."""
    modes = {engine: engine.directory.stat().st_mode & 0o777 for engine in world.engines}
    for engine in world.engines:
        engine.directory.chmod(0o755)
    _open(world)
    yield
    for engine, mode in modes.items():
        engine.directory.chmod(mode)


def _open(world: World) -> None:
    for engine in world.engines:
        assert engine.socket
        engine.socket.chmod(0o666)


def _close(world: World) -> None:
    for engine in world.engines:
        assert engine.socket
        engine.socket.chmod(0o600)


def _restart(world: World) -> None:
    """They come back with sockets for root and the group docker."""
    world.at_far(*(engine.restart for engine in world.engines))


MAKE = {GOES_ON: _close, RESTARTED: _restart}


@pytest.mark.parametrize("row", [row for row in ROWS if row.title in MAKE], ids=lambda row: row.title)
def test_permission(row: Row, world: World, open_to_all: None) -> None:
    """A socket that is closed to us is shown with that cause at once, told once, and so is its being open again."""
    unix, ssh = row.cells["unix"], row.cells["ssh"]
    assert isinstance(unix, Cell)
    world.profiles({"ssh": world.by_ssh(world.secure.socket, "builder")})
    with as_nobody(world.plain.unix_url) as there, world.trayd() as here:
        there.wait(0.0, 20.0, state="reachable")
        here.wait(State.REACHABLE, "ssh", seconds=20)
        time.sleep(1.5 * INTERVAL)  # what an engine tells of itself when it is new is over
        began = time.monotonic()
        MAKE[row.title](world)
        there.wait(began, began + unix.within + GRACE + NOISE - time.monotonic(), state=unix.state, code=unix.codes)
        gone = there.first(began, state="reconnecting")
        assert gone and gone - began < unix.within
        there.wait(began, 3.0, told="unix")
        if isinstance(ssh, Cell):
            missed(here, "ssh", ssh, began, GRACE)
            here.until(lambda: lost(here) == 1, "the notification about ssh")
        else:
            assert here.states("ssh") == ["connecting", "reachable"]
        opened = time.monotonic()
        _open(world)
        there.wait(opened, SUDDEN, state="reachable")
        there.wait(opened, 3.0, told="unix")
        here.until(lambda: here.state("ssh") == "reachable", "ssh to come back", SETTLED)
        here.until(lambda: returned(here) == lost(here), "the good news of ssh")
        assert sum(line.get("told") == "unix" for line in there.lines) == 2
        assert len(here.shown.notes) == (2 if isinstance(ssh, Cell) else 0)
