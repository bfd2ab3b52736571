"""trayd's loop without a screen: what it would show is written down, with the time."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.harness.poll import wait_until
from trayd.app import App
from trayd.config import paths
from trayd.core import effects as do
from trayd.core import messages as m
from trayd.core.engine import Engine
from trayd.core.health import State
from trayd.core.snapshot import Snapshot

QUICK = "health: {interval: 1s, timeout: 1s, grace: 1s}"


class Drawn(NamedTuple):
    """A snapshot that was shown, and when (time.monotonic())."""

    at: float
    snapshot: Snapshot


class Recording:
    """A surface that keeps everything it is told."""

    def __init__(self) -> None:
        self.drawn: list[Drawn] = []
        self.notes: list[tuple[str, str, str]] = []
        self.stopped = False

    def draw(self, snapshot: Snapshot) -> None:
        self.drawn.append(Drawn(time.monotonic(), snapshot))

    def notify(self, note: do.Notify) -> None:
        self.notes.append((note.title, note.text, note.subject))

    def stop(self) -> None:
        self.stopped = True


class Running:
    """A running trayd, seen through what it shows."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.shown = Recording()
        app.surfaces.append(self.shown)

    @property
    def snapshot(self) -> Snapshot:
        """What it shows now."""
        return self.shown.drawn[-1].snapshot if self.shown.drawn else self.app.snapshot

    def engine(self, name: str = "office") -> Engine:
        """One engine as it is shown now."""
        return self.snapshot.engines[name]

    def info(self, name: str = "office") -> m.EngineInfo:
        """What one engine has told about itself so far."""
        return self.engine(name).info or m.EngineInfo()

    def state(self, name: str = "office") -> str:
        """One engine's state as it is shown now, or nothing if there is no such profile."""
        return _state(self.snapshot, name)

    def wait(self, state: State, name: str = "office", after: float = 0.0, seconds: float = 10.0) -> float:
        """Wait until an engine is shown in that state, and tell when it first was (time.monotonic(), `after` that)."""

        def first() -> float:
            times = (d.at for d in self.shown.drawn if d.at > after and _state(d.snapshot, name) == state)
            return next(times, 0.0)

        self.until(first, f"{name} to be {state}", seconds)
        return first()

    def until(self, question: Callable[[], object], what: str, seconds: float = 10.0) -> None:
        """Wait, and say what every engine looked like when it does not come."""
        try:
            wait_until(question, seconds, what, every=0.002)
        except AssertionError as failure:
            seen = {name: (self.state(name), e.health.diagnosis) for name, e in self.snapshot.engines.items()}
            raise AssertionError(f"{failure}; {seen}; told: {self.shown.notes}") from None

    def states(self, name: str = "office") -> list[str]:
        """The states in which an engine was shown so far, one after the other."""
        found = [_state(drawn.snapshot, name) for drawn in self.shown.drawn]
        return [state for i, state in enumerate(found) if state and (i == 0 or found[i - 1] != state)]


def _state(snapshot: Snapshot, name: str) -> str:
    return str(snapshot.engines[name].health.state) if name in snapshot.engines else ""


def profile(name: str, url: str, more: str = QUICK) -> Path:
    """Write a profile file, as an editor would."""
    folder = Path(paths.profiles_folder())
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.yaml"
    file.write_text(f"host: {url}\n{more}\n")
    return file


@contextmanager
def trayd() -> Iterator[Running]:
    """Run trayd in a thread until the end of the block, and end it as the menu's Quit does."""
    running = Running(App())

    def run() -> None:
        running.app.run()
        running.app.end()

    thread = threading.Thread(target=run, name="loop")
    thread.start()
    try:
        yield running
    finally:
        running.app.post(m.Quit())
        thread.join(5)
        assert not thread.is_alive(), "the loop did not end after Quit"
    assert running.shown.stopped
