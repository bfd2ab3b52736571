"""`trayd wait`: the loop that `status --watch` runs, until one engine answers, or does not, or the time is over.

Nothing here asks at a pace of its own: the event stream and the socket's file wake the probe, as they do for the tray.
"""

from __future__ import annotations

import shutil
import sys
import threading
import time

from trayd.app import App
from trayd.core import effects as do
from trayd.core import messages as m
from trayd.core import report
from trayd.core.cells import cut
from trayd.core.engine import Engine
from trayd.core.errors import TraydError
from trayd.core.health import GOOD, State
from trayd.core.profile import Profile
from trayd.core.snapshot import Snapshot
from trayd.core.text import human_duration
from trayd.core.words import _
from trayd.engine.survey import survey
from trayd.output import say, show_in_place


def wait(profile: Profile, up: bool, timeout: float) -> int:
    """Return 0 as soon as an engine answers (`up`), or does not. Raises TraydError when the time is over."""
    start = time.monotonic()
    engine = survey([profile])[0] if up and not timeout else _until(profile, up, timeout)
    if engine is None or not _reached(engine, up):
        raise _missed(profile.name, engine, up, timeout, time.monotonic() - start)
    return 0


def _until(profile: Profile, up: bool, timeout: float) -> Engine | None:
    app = App(remembers=False, only=(profile.name,))
    goal = _Goal(app, profile.name, up, once=not timeout)
    app.surfaces.append(goal)
    if up:
        app.post(m.CheckAgain(profile.name))  # somebody asked: an engine that systemd starts on use may start
    # One look lasts as long as the profile waits for an answer.
    over = threading.Timer(timeout or profile.health.timeout + 1.0, app.post, (m.Quit(),))
    over.daemon = True
    over.start()
    try:
        app.run()
    finally:
        over.cancel()
        app.end()
    return goal.engine


def _reached(engine: Engine, up: bool) -> bool:
    state = engine.health.state
    return state is not State.CONNECTING and (state in GOOD) == up


class _Goal:
    """A surface that ends the loop when the engine is as it should be, and says in a terminal what it is until then."""

    def __init__(self, app: App, name: str, up: bool, once: bool) -> None:
        self._app = app
        self._name = name
        self._up = up
        self._once = once
        self._line = ""
        self.engine: Engine | None = None

    def draw(self, snapshot: Snapshot) -> None:
        """Look at the engine, and say what it is."""
        self.engine = engine = snapshot.engines.get(self._name)
        if engine is None:  # its file was removed: nothing is ever going to be known
            self._app.post(m.Quit())
            return
        if _reached(engine, self._up) or (self._once and engine.health.state is not State.CONNECTING):
            self._app.post(m.Quit())
        self._say(engine)

    def _say(self, engine: Engine) -> None:
        if sys.stderr is None or not sys.stderr.isatty():
            return
        text = f"{self._name}: {report.words(engine.health)}"
        if engine.health.diagnosis is not None:
            text += f" · {engine.health.diagnosis.cause}"
        line = cut(text, shutil.get_terminal_size().columns - len("^C") - 1)
        if line != self._line:
            self._line = line
            show_in_place(line)

    def notify(self, note: do.Notify) -> None:
        """Nothing: a script waits, and its exit code is the answer."""

    def stop(self) -> None:
        """Leave the last words, and the line below them to the shell: a ^C may stand there."""
        if self._line:
            say("")


def _missed(name: str, engine: Engine | None, up: bool, timeout: float, took: float) -> TraydError:
    if engine is None:
        gone = _("the profile '{name}' does not exist any more").format(name=name)
        return TraydError(gone, _("These exist: {command}").format(command="trayd profiles"))
    health, diagnosis = engine.health, engine.health.diagnosis
    if not up:
        now, over = _("{name} is {state} now, not gone"), _("{name} is {state} after {time}, not gone")
    elif diagnosis is None:
        now, over = _("{name} has not answered now"), _("{name} has not answered after {time}")
    elif health.state is State.HUNG:
        now, over = _("{name} does not answer now: {cause}"), _("{name} does not answer after {time}: {cause}")
    else:
        now, over = _("{name} is {state} now: {cause}"), _("{name} is {state} after {time}: {cause}")
    told = over if timeout else now
    cause = diagnosis.cause if diagnosis else ""
    message = told.format(name=name, state=_(report.WORDS[health.state]), time=human_duration(timeout), cause=cause)
    if up and diagnosis is not None:
        return TraydError(message, diagnosis.next)
    command = f"trayd wait {name} {'--up' if up else '--down'} --timeout {human_duration(max(60.0, 2 * took))}"
    return TraydError(message, _("Give it more time: {command}").format(command=command))
