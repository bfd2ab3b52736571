"""The loop: message -> update -> effects -> surfaces. It owns the only snapshot.

The loop never waits for anything but its queue: what can block (a clipboard, a file manager, an engine) runs on a
short-lived thread and posts what came of it.
"""

from __future__ import annotations

import math
import os
import random
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Protocol

from trayd import tasks
from trayd.config import memory
from trayd.core import effects as do
from trayd.core import messages as m
from trayd.core.errors import TraydError
from trayd.core.health import Now
from trayd.core.snapshot import Snapshot
from trayd.core.state import next_deadline, update
from trayd.core.trayless import Trayless
from trayd.core.value import Value
from trayd.core.words import _
from trayd.language import speak
from trayd.stored import Stored

if TYPE_CHECKING:
    from trayd.config.watch import FileWatch
    from trayd.engine.pulse import Pulse
    from trayd.engine.watcher import Watch

# The two clocks drift apart by more than this only when the computer slept or the clock was set; where the monotonic
# clock counts the time slept (Windows), the loop is late by more than this only then.
JUMP = 10.0


class Surface(Protocol):
    """Something that shows snapshots: the tray, a terminal. Methods are called by the loop only."""

    def draw(self, snapshot: Snapshot) -> None:
        """Show a snapshot, if it looks different from the one before."""

    def notify(self, note: do.Notify) -> None:
        """Show a notification."""

    def stop(self) -> None:
        """The loop has ended."""


class Appeared(Value):
    """A surface came while the loop runs; the loop takes it in."""

    surface: Surface


class KeepChoice(Value):
    """A person chose: what was held back of the choice of the active profile is written down, and from now on all."""


class Fence(Value):
    """Whoever waits for it knows that everything posted before it is handled."""

    reached: threading.Event


class App:
    """The running trayd: one queue in, one owner of the snapshot."""

    def __init__(
        self, use: str = "", remembers: bool = True, only: Sequence[str] = (), undecided: bool = False
    ) -> None:
        """Read the profiles; until `KeepChoice` comes, `undecided` writes down no choice that nobody made."""
        self.inbox: SimpleQueue[object] = SimpleQueue()
        self.surfaces: list[Surface] = []
        self._stored = Stored(self.post, self._work, remembers, only, undecided)
        self._watches: dict[str, Watch] = {}
        self._pulse: Pulse | None = None
        self._files: FileWatch | None = None
        self._tasks: set[threading.Thread] = set()
        self._waiting: list[object] = []
        recalled = memory.recall()
        self.snapshot = Snapshot(
            identities=self._stored.identities(),
            wanted=recalled.active,
            previous=recalled.previous,
            notifications=recalled.notifications,
            theme=recalled.theme,
            language=recalled.language,
            greeted=recalled.greeted,
            trayless=Trayless(told=recalled.trayless),
        )
        self._handle(self._stored.loaded())
        if use and use not in self.snapshot.engines:
            raise unknown_profile(use, self.snapshot)
        self._handle(m.Use(use))

    def post(self, message: object) -> None:
        """Send a message or a command to the loop, from any thread."""
        self.inbox.put(message)

    def settled(self, seconds: float) -> bool:
        """Wait, on another thread than the loop's, until what was posted is handled and no task of it runs."""
        end, idle = time.monotonic() + seconds, False
        while (left := end - time.monotonic()) > 0:
            fence = Fence(threading.Event())
            self.post(fence)
            if not fence.reached.wait(left):
                break
            if idle and not self._tasks:
                return True
            idle = not self._tasks  # what they posted is handled only behind the next fence
            if not idle:
                time.sleep(0.01)
        return False

    def run(self) -> None:
        """Handle messages until a Quit."""
        from trayd.config.watch import FileWatch

        self._files = FileWatch()
        self._stored.watch(self._files)
        waiting, self._waiting = self._waiting, []
        for effect in waiting:
            self._perform(effect)
        self._draw()
        clocks = time.monotonic(), time.time()
        while not self.snapshot.stopped:
            # Looked at the clocks at least so often: however rarely engines are asked, a sleep is noticed.
            deadline = min(next_deadline(self.snapshot) or math.inf, time.monotonic() + JUMP)
            message = self._next(deadline)
            now = time.monotonic(), time.time()
            late = now[0] - max(deadline, clocks[0])
            if max(late, (now[1] - clocks[1]) - (now[0] - clocks[0])) > JUMP:
                self._handle(m.Woke())
            clocks = now
            before = self.snapshot
            self._handle(message)
            # What came meanwhile is taken in before anything is drawn: a storm is drawn once.
            while not self.inbox.empty() and not self.snapshot.stopped:
                self._handle(self.inbox.get())
            if not self.snapshot.shows_like(before):
                self._draw()

    def end(self) -> None:
        """After the loop: let go of what was held, and tell the surfaces."""
        for watch in self._watches.values():
            watch.stop()
        if self._pulse is not None:
            self._pulse.stop()
        if self._files is not None:
            self._files.stop()
        for surface in self.surfaces:
            surface.stop()

    def _next(self, deadline: float) -> object:
        wait = deadline - time.monotonic()
        if wait <= 0 and self.inbox.empty():
            return m.Tick()
        try:
            return self.inbox.get(timeout=max(0.0, wait))
        except Empty:
            return m.Tick()

    def _draw(self) -> None:
        for surface in self.surfaces:
            surface.draw(self.snapshot)

    def _handle(self, message: object) -> None:
        if isinstance(message, Appeared):
            self.surfaces.append(message.surface)
            message.surface.draw(self.snapshot)
            return
        if isinstance(message, Fence):
            message.reached.set()
            return
        if isinstance(message, KeepChoice):
            self._stored.keep_choice()
            return
        now = Now(time.monotonic(), time.time(), random.random())
        self.snapshot, effects = update(self.snapshot, message, now)
        for effect in effects:
            self._perform(effect)

    def _perform(self, effect: object) -> None:
        if isinstance(effect, do.Remember):
            self._stored.remember(_memory(effect), effect.quiet)
            return
        if self._files is None:
            self._waiting.append(effect)  # not before the icon is up: docker takes longer to import than a tray
            return
        match effect:
            case do.StartWatch():
                self._start_watch(effect)
            case do.StopWatch(name):
                self._files.unwatch(("socket", name))
                if watch := self._watches.pop(name, None):
                    watch.stop()
            case do.Ask(name):
                self._watches[name].ask(effect)
            case do.Overtake(name, asked):
                self._watches[name].overtaken(asked)
            case do.Listen(name):
                self._watches[name].listen()
            case do.Describe(name):
                self._watches[name].describe()
            case do.ListImages(name):
                self._watches[name].list_images()
            case do.Notify():
                for surface in self.surfaces:
                    surface.notify(effect)
            case do.Greet(remembered, greeting):
                if self._stored.remember(_memory(remembered), quiet=True):  # else it would be said at every login
                    self._perform(greeting)
            case do.Speak(language):
                speak(language)
            case do.RememberEngines(known):
                self._stored.remember_engines(known)
            case do.PutOnClipboard(text):
                self._work(tasks.copy, text)
            case do.CopyLadder(profile, details):
                self._work(tasks.copy_ladder, profile, details)
            case do.RunMachine(name, machine):
                self._work(self._stored.start_machine, name, machine)
            case do.AskMachine(machine):
                self._work(self._stored.renew_address, machine)
            case do.OpenFolder():
                self._work(tasks.open_folder, self._stored.folder)
            case do.SetAutostart(enabled):
                self._work(tasks.set_autostart, enabled)
            case do.AdviseTray():
                self._work(tasks.tray_advice)
            case do.ReadFiles():
                self._stored.read()

    def _start_watch(self, effect: do.StartWatch) -> None:
        from trayd.engine.pulse import Pulse  # imports docker's own libraries, as the next one does docker
        from trayd.engine.watcher import Watch

        assert self._files is not None
        profile, generation = effect.profile, effect.generation
        if self._pulse is None:
            self._pulse = Pulse()
        self._watches[profile.name] = Watch(profile, generation, self.post, self._pulse)
        if profile.endpoint.scheme == "unix":
            # A starting engine makes its socket anew: it is asked in the same moment. So is one whose socket is taken
            # away, or closed to us, while it still answers on the connection that we have.
            hint = m.Hinted(profile.name, generation, fresh=True)
            self._files.watch(("socket", profile.name), profile.endpoint.path, lambda: self.post(hint))

    def _work(self, task: Callable[..., object], *args: object) -> None:
        """Run a task that can block and post what it returns; what goes wrong in it is said, not thrown."""

        def run() -> None:
            try:
                if (message := task(*args)) is not None:
                    self.post(message)
            except TraydError as error:
                self.post(m.Said(error.message, error.hint))
            finally:
                self._tasks.discard(thread)

        thread = threading.Thread(target=run, name=task.__name__, daemon=True)
        self._tasks.add(thread)
        thread.start()


def _memory(effect: do.Remember) -> memory.Memory:
    return memory.Memory(**{field: getattr(effect, field) for field in memory.Memory.__match_args__})


def unknown_profile(name: str, snapshot: Snapshot) -> TraydError:
    """Return the error for a profile that does not exist."""
    from trayd.core.text import clean, did_you_mean

    known = _(", ").join(snapshot.engines)
    return TraydError(
        _("there is no profile '{name}'{hint}").format(name=clean(name, 60), hint=did_you_mean(name, snapshot.engines)),
        _("These exist: {names}").format(names=known),
    )


def ensure_folder(folder: str) -> None:
    """Make the profiles folder, so that there is something to open; a read-only home is no reason to stop."""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError:
        return
