"""`trayd menu`: the tray's own menu, with the tray's own loop behind it, as a list that a person chooses from.

The loop runs on a thread of its own, as in `trayd run`, so states are as true as in the tray; the main thread shows
one list after the other. What is chosen is the command that the tray's menu item carries, carried out by the same
`update`; the end of its effects is waited for, because this program ends then.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence

from trayd.app import App, KeepChoice
from trayd.core import effects as do
from trayd.core import listing
from trayd.core import messages as m
from trayd.core.errors import TraydError
from trayd.core.health import GOOD, State
from trayd.core.menu import view
from trayd.core.snapshot import Snapshot
from trayd.core.text import clean
from trayd.core.value import replace
from trayd.core.view import Item
from trayd.core.words import _
from trayd.output import put, say
from trayd.running import about
from trayd.surfaces import clock
from trayd.tasks import COPIED

# A menu has to come at once: an engine that has not answered by then is shown as it is, connecting.
PATIENCE = 1.0
# The names of images are worth waiting for less long.
IMAGES = 0.4
# The longest that a command can take: docker-machine starts a machine.
LONGEST = 330.0
ENDING = 3.0

# What only changes something that the menu itself shows: it comes back and shows it, where a person looks at it. A
# script that always prints its first line would never end.
_COME_BACK = (m.CheckAgain, m.Reload, m.StartMachine, m.ToggleAutostart, m.ToggleNotifications)

# title, lines -> the chosen one, or None
Ask = Callable[[str, Sequence[listing.Line]], listing.Line | None]


def menu(program: str, plain: bool) -> int:
    """Show the menu and carry out what is chosen; return the exit code."""
    return _Menu(*_way(program, plain)).run()


def _way(program: str, plain: bool) -> tuple[Ask, bool, bool]:
    """Return how lists are shown, whether words on stderr reach the person, and whether it surely is a person."""
    from trayd.desktop import pickers

    at_terminal = all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
    picker = None
    if program:
        picker = pickers.named(program)
    elif not plain:
        picker = pickers.find(os.environ, at_terminal)
        if picker is None and not at_terminal and any(os.environ.get(s) for s in ("WAYLAND_DISPLAY", "DISPLAY")):
            raise TraydError(
                _("no program is installed that could show the menu here"),
                _("Install one of {names}, or say another one: --with").format(names=_(", ").join(pickers.KNOWN)),
            )
    if picker is None:
        return _ask_in_terminal, True, True
    chosen = picker

    def ask(title: str, lines: Sequence[listing.Line]) -> listing.Line | None:
        choices = listing.choices(lines)
        number = pickers.pick(chosen, title, [line.text for line in choices], listing.notes(lines))
        return None if number is None else choices[number]

    talks = chosen.on_terminal and at_terminal
    return ask, talks, talks or bool(chosen.known)


def _ask_in_terminal(title: str, lines: Sequence[listing.Line]) -> listing.Line | None:
    choices = [line for line in lines if line.choosable and line.item != listing.BACK]
    put(listing.numbered(lines))
    while True:
        if sys.stderr is not None:
            print(_("A number, or Enter to leave: "), end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline() if sys.stdin is not None else ""
        if not answer.endswith("\n"):
            say("")
        answer = answer.strip()
        if not answer:
            return None
        if answer == "0" and lines and lines[0].item == listing.BACK:
            return lines[0]
        if answer.isascii() and answer.isdecimal() and 0 < int(answer[:6]) <= len(choices):
            return choices[int(answer[:6]) - 1]
        wrong = _("There is no line '{answer}': say one of the numbers 1 to {last}")
        say(f"  → {wrong.format(answer=clean(answer, 20), last=len(choices))}")


class _Menu:
    """The loop, and a person who chooses. It is a surface, too: what the tray would notify is told here."""

    def __init__(self, ask: Ask, talks: bool, person: bool) -> None:
        self._ask = ask
        self._talks = talks
        self._person = person
        self._told: list[tuple[str, str]] = []
        self._bug: Exception | None = None
        self._app = App(undecided=True)  # looking at a menu chooses nothing
        self._app.surfaces.append(self)

    def run(self) -> int:
        """Show the menu until something is done; return the exit code."""
        from trayd.desktop import clipboard

        loop = threading.Thread(target=self._loop, name="loop", daemon=True)
        loop.start()
        try:
            code = self._choose()
        finally:
            self._app.post(m.Quit())
            loop.join(ENDING)
        if self._bug is not None:
            raise self._bug
        clipboard.release(stays=True)
        return code

    def _loop(self) -> None:
        try:
            self._app.run()
        except Exception as bug:  # told where every bug is told, by the main thread
            self._bug = bug
        finally:
            self._app.end()

    # --- a surface

    def draw(self, snapshot: Snapshot) -> None:
        """Nothing: a list that is open cannot change."""

    def notify(self, note: do.Notify) -> None:
        """Keep what is to be told for when the list is closed."""
        self._told.append((note.title, note.text))

    def stop(self) -> None:
        """Nothing is left on the screen."""

    # --- the person

    def _choose(self) -> int:
        self._until(_judged, PATIENCE)
        self._app.post(m.MenuOpened())
        self._until(_complete, IMAGES)
        path: list[str] = []
        while (command := self._walk(path)) is not None:
            self._told.clear()
            self._carry_out(command)
            failed = [note for note in self._told if note[0] != _(COPIED)]
            if not self._person or not isinstance(command, _COME_BACK):
                self._tell(command, failed)
                return 1 if failed else 0
            self._tell(None, failed)
        return 0

    def _walk(self, path: list[str]) -> object | None:
        """Show lists until a command is chosen; `path` holds the keys of the open submenus."""
        items = self._items()
        while True:
            title, level = "trayd", items
            for depth, key in enumerate(path):
                inner = next((item for item in level if item.key == key and item.children), None)
                if inner is None:
                    del path[depth:]  # it is gone since
                    break
                title, level = clean(inner.label, 40), inner.children
            chosen = self._ask(title, listing.lines(level, bool(path)))
            if chosen is None:
                return None
            if chosen.item == listing.BACK:
                path.pop()
            elif chosen.item.children:
                path.append(chosen.item.key)
            else:
                return chosen.item.command

    def _items(self) -> tuple[Item, ...]:
        """Return the tray's menu; "Quit" is there only if there is a tray to quit, and says that it is meant.

        A greyed "Images" holds its place in the tray, so that an open menu does not jump; here it would tell nothing.
        """
        from trayd.desktop import instance

        items = view(self._app.snapshot, clock, about()).menu
        items = tuple(item for item in items if item.enabled or item.key != "images")
        if (pid := instance.holder()) is not None and sys.platform != "win32":
            label = _("Quit the running trayd (process {number})").format(number=pid)
            return tuple(
                replace(i, label=label, command=_QuitRunning(pid)) if isinstance(i.command, m.Quit) else i
                for i in items
            )
        return tuple(item for item in items if not isinstance(item.command, m.Quit))

    def _carry_out(self, command: object) -> None:
        """Do it, and wait until it is done."""
        if isinstance(command, _QuitRunning):
            command.end()
            return
        if isinstance(command, m.StartMachine) and self._talks:
            text = _("Starting the machine of {name} (5 minutes at most; Ctrl-C leaves it alone) …")
            say(text.format(name=command.name))
        if isinstance(command, m.Use | m.ToggleNotifications):
            self._app.post(KeepChoice())
        self._app.post(command)
        self._app.settled(LONGEST)
        if isinstance(command, m.CheckAgain | m.StartMachine) and command.name in self._app.snapshot.engines:
            timeout = self._app.snapshot.engines[command.name].profile.health.timeout
            self._until(lambda snapshot: _answered(snapshot, command.name), timeout + PATIENCE)

    def _tell(self, command: object | None, failed: Sequence[tuple[str, str]]) -> None:
        """Say what came of it; where nobody reads words, a failure is shown as a list in the same place, too."""
        for title, text in self._told if self._talks else failed:
            say(f"{title}\n  → {text}")
        if self._talks and command is not None and not failed:
            say(_done(command))
        if failed and self._person and not self._talks:
            words = [part for title, text in failed for part in (title, text)]
            rows = [listing.Line(clean(words[0]), Item("told", words[0], command=""))]
            rows += [listing.Line(clean(word), Item("told")) for word in words[1:]]
            self._ask("trayd", rows)

    def _until(self, reached: Callable[[Snapshot], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not reached(self._app.snapshot) and time.monotonic() < end and self._bug is None:
            time.sleep(0.01)


class _QuitRunning(m.Quit):
    """End the trayd that is in the tray."""

    pid: int

    def end(self) -> None:
        """Ask it to, as a session does at logout, and wait until it is gone."""
        from trayd.desktop import instance

        if instance.holder() != self.pid:
            return  # it ended meanwhile, and the number may be another's by now
        os.kill(self.pid, signal.SIGTERM)
        end = time.monotonic() + ENDING
        while instance.holder() == self.pid and time.monotonic() < end:
            time.sleep(0.02)


def _judged(snapshot: Snapshot) -> bool:
    return all(engine.health.state is not State.CONNECTING for engine in snapshot.engines.values())


def _complete(snapshot: Snapshot) -> bool:
    """Whether the active engine's images are listed, if it is to be asked for them."""
    engine = snapshot.engines.get(snapshot.active)
    return engine is None or engine.health.state not in GOOD or engine.images is not None


def _answered(snapshot: Snapshot, name: str) -> bool:
    watch = snapshot.watches.get(name)
    return watch is None or (watch.asked is None and not watch.again)


def _done(command: object) -> str:
    """Return what is so now."""
    match command:
        case m.Use(name):
            from trayd.caller import calling_shell, eval_line

            text = _("{name} is the active profile. For this terminal: {command}")
            return text.format(name=name, command=eval_line(calling_shell()))
        case m.CopyEnvironment() | m.CopyDetails() | m.CopyText():
            return _("It is on the clipboard.")
        case m.Accept(name):
            return _("The engine that answers now is the right one for {name}.").format(name=name)
        case _QuitRunning():
            return _("trayd has left the tray. No engine was touched.")
    return _("Done.")
