"""Where snapshots are shown: the tray, and a terminal.

`TraySurface` turns a snapshot into a view and hands it to the tray; `Terminal` keeps the table of `trayd status`
up to date in place, or writes a line for every change where the output is not a terminal.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING

from trayd.core import report
from trayd.core.cells import cut, wrap
from trayd.core.effects import Notify
from trayd.core.errors import TraydError
from trayd.core.health import GOOD, State
from trayd.core.menu import PROFILES_INLINE, PROFILES_INLINE_IN_GNOME, About, view
from trayd.core.snapshot import Snapshot
from trayd.core.view import View, is_gnome
from trayd.core.words import N_, _
from trayd.output import write

if TYPE_CHECKING:
    from trayd.tray.facade import Tray


_DAYS = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))


def clock(wall: float) -> str:
    """Return a wall-clock time as people read it: 14:02, with the day if it was not today."""
    then, today = time.localtime(wall), time.localtime()
    hour = time.strftime("%H:%M", then)
    if (then.tm_year, then.tm_yday) == (today.tm_year, today.tm_yday):
        return hour
    # Not by strftime: the C library's locale may be another than the language that trayd speaks.
    return _("{day} {hour}").format(day=_(_DAYS[then.tm_wday]), hour=hour)


def stamp(wall: float) -> str:
    """Return a wall-clock time in RFC 3339, in UTC."""
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def status_json(snapshot: Snapshot) -> dict[str, object]:
    """Return the documented object of `trayd status --json`."""
    return {
        "active": snapshot.active,
        "profiles": [report.as_json(engine, stamp) for engine in snapshot.engines.values()],
    }


class TraySurface:
    """Shows snapshots in the tray."""

    def __init__(self, about: Callable[[], About]) -> None:
        self._about = about
        gnome = is_gnome(os.environ.get("XDG_CURRENT_DESKTOP", ""))
        self._inline = PROFILES_INLINE_IN_GNOME if gnome else PROFILES_INLINE
        self._shown: View | None = None
        self.tray: Tray | None = None

    def view(self, snapshot: Snapshot) -> View:
        """Return the view of a snapshot."""
        return view(snapshot, clock, self._about(), self._inline)

    def draw(self, snapshot: Snapshot) -> None:
        """Show a snapshot, if its view differs from the one shown."""
        new = self.view(snapshot)
        if self.tray is not None and new != self._shown:
            self._shown = new
            self.tray.show(new)

    def notify(self, note: Notify) -> None:
        """Show a notification."""
        if self.tray is not None:
            self.tray.notify(note)

    def stop(self) -> None:
        """Take the icon away."""
        if self.tray is not None:
            self.tray.stop()


_COLOURS = {State.REACHABLE: "32", State.DEGRADED: "33", State.HUNG: "31", State.UNREACHABLE: "31"}


class Terminal:
    """Shows snapshots as text: a table kept up to date in place, lines of changes, or a JSON object for each."""

    def __init__(self, out: IO[str], as_json: bool = False) -> None:
        self._out = out
        self._json = as_json
        self._table = not as_json and out.isatty()
        self._colours = self._table and not os.environ.get("NO_COLOR")
        self._lines = 0
        self._written = ""
        self._shown: dict[str, str] = {}

    def draw(self, snapshot: Snapshot) -> None:
        """Show a snapshot."""
        if self._json:
            self._write_new(json.dumps(status_json(snapshot)) + "\n")
        elif self._table:
            self._redraw(snapshot)
        else:
            self._tell_changes(snapshot)

    def notify(self, note: Notify) -> None:
        """Nothing: the table shows it already."""

    def stop(self) -> None:
        """Leave the last table readable, and the line below it to the shell: a ^C stands there."""
        if self._lines:
            self._write("\n")

    def _redraw(self, snapshot: Snapshot) -> None:
        size = shutil.get_terminal_size()
        engines = list(snapshot.engines.values())
        head, *rows = report.table(engines, snapshot.active).splitlines()
        told = report.reasons(engines).splitlines() + report.expiring(engines)
        told += [f"⚠ {problem}" for problem in snapshot.problems]
        rest = [part for line in told for part in _wrapped(line, size.columns)]
        # A longer line would be wrapped by the terminal, and the way back up would be wrong.
        lines = [cut(line, size.columns) for line in [head, *rows, *([""] if rest else []), *rest]]
        if self._colours:
            states = [engine.health.state for engine in engines]
            lines[1 : len(rows) + 1] = map(_coloured, lines[1 : len(rows) + 1], states)
        if len(lines) > (room := max(2, size.lines - 2)):
            lines[room - 1 :] = [cut(_("… and {number} more lines").format(number=len(lines) - room + 1), size.columns)]
        text = "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J"
        if text != self._written:
            self._write((f"\x1b[{self._lines}F" if self._lines else "") + text)
            self._written, self._lines = text, len(lines)

    def _tell_changes(self, snapshot: Snapshot) -> None:
        for name, engine in snapshot.engines.items():
            words = report.words(engine.health)
            if engine.health.state not in GOOD and engine.health.diagnosis is not None:
                words += f": {engine.health.diagnosis.cause}"
            if self._shown.get(name) != words and engine.health.state is not State.CONNECTING:
                self._shown[name] = words
                self._write(f"{stamp(time.time())} {name} {words}\n")
        for name in self._shown.keys() - snapshot.engines.keys():
            del self._shown[name]
            self._write(" ".join((stamp(time.time()), name, _("removed"))) + "\n")

    def _write_new(self, text: str) -> None:
        if text != self._written:
            self._written = text
            self._write(text)

    def _write(self, text: str) -> None:
        try:
            write(self._out, text)
        except TraydError:
            # A terminal that was closed is no failure; a file that takes no more is.
            if not self._table:
                raise


def _wrapped(line: str, columns: int) -> list[str]:
    """Return a line as several that fit, all but the first set in."""
    first, *rest = wrap(line, max(20, columns - 4)) or [""]
    return [first, *(f"    {part}" for part in rest)]


def _coloured(line: str, state: State) -> str:
    colour = _COLOURS.get(state)
    return f"\x1b[{colour}m{line}\x1b[0m" if colour else line
