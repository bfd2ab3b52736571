"""The loop under a soak, in a process of its own whose memory, files and threads are looked at.

    python -m tests.engine.soaked

The profiles are in TRAYD_CONFIG_DIR. Those named `small…` are asked again as soon as they have answered, by what a
person does who clicks from one profile to the next without a pause. One word on stdin, one line of JSON on stdout:
`go PROBES CHANGES` drives until there were at least so many of both, `look` waits until nothing moves any more and
measures, `end` quits as the menu does and tells what is left.
"""

import gc
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FunctionType

from tests.harness.poll import wait_until
from tests.harness.processes import processes
from trayd.app import App
from trayd.core import effects as do
from trayd.core import messages as m
from trayd.core.health import GOOD
from trayd.core.snapshot import Snapshot
from trayd.core.value import Value
from trayd.surfaces import TraySurface
from trayd.tray.facade import Tray

QUIET = 1.5  # seconds without a change: longer than the interval of every profile
RANDOM = re.compile(r"(ssh-|\.json\.)\w{8}")
SOCKET = re.compile(r"socket:|pipe:|anon_inode:")


class Driven(App):
    """The loop, with somebody who switches to each small engine as soon as it was asked."""

    driving = False
    probes = 0
    _last = ""

    def post(self, message: object) -> None:
        super().post(message)
        if isinstance(message, m.Probed):
            self.probes += 1
            if self.driving and message.name.startswith("small"):
                if message.name == self._last:  # nothing happens on a second click on the same one
                    super().post(m.Use("calm", save=False))
                self._last = message.name
                super().post(m.Use(message.name, save=False))


class Counting:
    """A surface that counts the states it is shown."""

    def __init__(self) -> None:
        self.changes = 0
        self.moved = time.monotonic()
        self.states: dict[str, str] = {}
        self.seen: Counter[str] = Counter()
        self.notes = 0

    def draw(self, snapshot: Snapshot) -> None:
        for name, engine in snapshot.engines.items():
            state = engine.health.state
            before = self.states.get(name)
            if before != state:
                self.states[name] = state
                self.changes += 1
                self.seen[state] += 1
                if not GOOD.issuperset((before, state)):  # on a busy machine an engine may be slow for a moment
                    self.moved = time.monotonic()

    def notify(self, note: do.Notify) -> None:
        self.notes += 1

    def stop(self) -> None:
        """Nothing is held here."""


class Soak:
    """The running loop, its icon on a bus, and what a person outside can measure of it."""

    def __init__(self) -> None:
        self.before = open_files()
        self.app = Driven()
        self.shown = Counting()
        self.surface = TraySurface(tuple)
        self.tray = self.surface.tray = Tray(self.surface.view(self.app.snapshot), self.app.post, lambda _: None)
        self.app.surfaces += [self.shown, self.surface]
        self.threads = [
            threading.Thread(target=self.tray.run, name="tray", daemon=True),
            threading.Thread(target=self._run, name="loop", daemon=True),
        ]
        for thread in self.threads:
            thread.start()

    def _run(self) -> None:
        self.app.run()
        self.app.end()

    def go(self, probes: int, changes: int) -> dict[str, object]:
        """Drive until there were so many."""
        start, so_far = time.monotonic(), (self.app.probes, self.shown.changes)
        self.app.driving = True
        for name in self.app.snapshot.engines:
            self.app.post(m.CheckAgain(name))
        wait_until(lambda: self.app.probes - so_far[0] >= probes, 3600, "the probes", 0.1)
        wait_until(lambda: self.shown.changes - so_far[1] >= changes, 3600, "the changes", 0.1)
        self.app.driving = False
        return {
            "probes": self.app.probes - so_far[0],
            "changes": self.shown.changes - so_far[1],
            "seconds": round(time.monotonic() - start, 1),
            "seen": dict(self.shown.seen),
            "notes": self.shown.notes,
        }

    def look(self) -> dict[str, object]:
        """Wait until every engine is well and nothing moves, then measure."""

        def quiet() -> bool:
            engines = self.app.snapshot.engines.values()
            streams = sum(watch.listening is not None for watch in self.app.snapshot.watches.values())
            wanted = sum(not engine.only_pings for engine in engines)
            well = all(engine.health.state in GOOD for engine in engines)
            return well and streams == wanted and time.monotonic() - self.shown.moved > QUIET

        try:
            wait_until(quiet, 60, "quiet", 0.05)
        except AssertionError as failure:
            raise AssertionError(f"{failure}; {self.shown.states}") from None
        gc.collect()
        return {
            "kilobytes": anonymous(),
            "files": dict(open_files()),
            "threads": dict(Counter(re.sub(r"^Thread-.*", "unnamed", one.name) for one in threading.enumerate())),
            "temporary": sorted(temporary()),
            "children": children(),
            "objects": engine_objects(),
        }

    def end(self) -> dict[str, object]:
        """Quit, and tell what is still there a moment later."""
        self.app.post(m.Quit())
        for thread in self.threads:
            thread.join(10)
        wait_until(lambda: threading.active_count() == 1, 10, "the end of every thread")
        del self.app, self.tray, self.surface
        gc.collect()
        wait_until(lambda: not children(), 5, "the end of every child")
        wait_until(lambda: not [name for name in temporary() if "ssh-" in name], 5, "the end of every tunnel's folder")
        return {
            "files": dict(open_files() - self.before),
            "temporary": sorted(temporary()),
            "objects": engine_objects(),
            "children": children(),
        }


def open_files() -> Counter[str]:
    """How many open files of each kind there are: sockets and pipes have numbers for names."""
    found: Counter[str] = Counter()
    for entry in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{entry}")
        except FileNotFoundError:
            continue  # that of the list itself
        kind = SOCKET.match(target)
        found[kind[0] if kind else RANDOM.sub(r"\1*", target)] += 1
    return found


def anonymous() -> int:
    """The memory that is this process's own, in kB: what it can leak."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Anonymous:"))


def children() -> list[str]:
    """The processes that this one or its threads started."""
    return [process.program for process in processes() if process.parent == os.getpid()]


def temporary() -> list[str]:
    """What stands in the folders where temporary things are made; random parts of names are left out."""
    roots = [Path(os.environ[name]) for name in ("TMPDIR", "XDG_RUNTIME_DIR", "XDG_STATE_HOME")]
    found = [str(path) for root in roots for path in root.rglob("*")]
    return [RANDOM.sub(r"\1*", name) for name in found]


def engine_objects() -> dict[str, int]:
    """How many living things of the engine's room there are (clients, tunnels, watches), open sockets and children."""
    found: Counter[str] = Counter()
    for thing in gc.get_objects():
        kind = type(thing)
        ours = str(kind.__module__).startswith("trayd.engine") and not issubclass(kind, Value | type | FunctionType)
        if ours or (isinstance(thing, socket.socket) and thing.fileno() >= 0) or kind is subprocess.Popen:
            found[kind.__name__] += 1
    return dict(found)


def main() -> None:
    """Do what stdin says."""
    soak = Soak()
    for line in sys.stdin:
        word, *numbers = line.split()
        print(json.dumps(getattr(soak, word)(*map(int, numbers))), flush=True)


if __name__ == "__main__":
    main()
