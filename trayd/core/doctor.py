"""`trayd doctor`: what can be seen of the desktop, and how findings are told. `findings` makes the one of the other."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from trayd.core.cells import width
from trayd.core.text import clean
from trayd.core.value import Value
from trayd.core.words import _


class Mark(StrEnum):
    """How a finding stands: it is there, it is missing or broken, or it is not there and that is no failure."""

    GOOD = "good"
    BAD = "bad"
    NONE = "none"


_SIGNS = {Mark.GOOD: "✓", Mark.BAD: "✗", Mark.NONE: "–"}


class Finding(Value):
    """One line: a name, how it stands, a few words, the next step; without what is `needed` there is no tray.

    The name is the one of `--json` and stays English; whoever shows it translates it.
    """

    name: str
    mark: Mark
    text: str
    next: str = ""
    needed: bool = False


class Home(Value):
    """What kind of system this is: `os` is linux, windows or macos, `family` that of the Linux distribution."""

    os: str = "linux"
    family: str = ""
    desktop: str = ""


# --- what was seen ---------------------------------------------------------------------------------------------------


class Unseen(Value):
    """A look that came to nothing: it took too long, or it failed with these words."""

    problem: str = ""


class Bus(Value):
    """The session bus: whether the session names one, whether it answers."""

    named: bool
    answers: bool = False


class Panel(Value):
    """The StatusNotifier side: whether a watcher is on the bus, whether it says that a panel shows icons."""

    watcher: bool = False
    host: bool = False


class Notifier(Value):
    """The notification server: its name if it runs, whether the bus can start one, whether it has buttons."""

    name: str = ""
    startable: bool = False
    buttons: bool = False


class Screen(Value):
    """The X screen: whether the session names one, whether it lets us in, whether a tray of the old kind is on it."""

    named: bool = False
    answers: bool = False
    old_tray: bool = False


class Wayland(Value):
    """The Wayland compositor: whether the session names one, whether it answers, whether it offers data-control."""

    named: bool = False
    answers: bool = False
    data_control: bool = False


class Program(Value):
    """A program: whether it is on PATH, what it said about its version."""

    found: bool = False
    said: str = ""
    silent: bool = False


class Profiles(Value):
    """The profiles: where, how many files, how many were found besides, how many problems, how many over ssh."""

    folder: str
    files: int = 0
    found: int = 0
    problems: int = 0
    over_ssh: int = 0


class Autostart(Value):
    """What `trayd autostart status` knows; `problem` without its paths."""

    enabled: bool
    problem: str = ""


class Instance(Value):
    """The running trayd's process, 0 if none runs; `usable` tells whether one could take its lock."""

    pid: int = 0
    usable: bool = True


# --- all findings ----------------------------------------------------------------------------------------------------


def is_well(findings: Sequence[Finding]) -> bool:
    """Whether everything is there that the tray needs."""
    return not any(finding.needed and finding.mark is Mark.BAD for finding in findings)


def lines(findings: Sequence[Finding]) -> list[str]:
    """Return the findings as lines: a sign, the name, the words, and the next step below."""
    room = max(width(_(finding.name)) for finding in findings)
    told = []
    for finding in findings:
        name = _(finding.name)
        told.append(f"{_SIGNS[finding.mark]} {name}{' ' * (room - width(name))}  {clean(finding.text, 400)}")
        if finding.next:
            told.append(f"  {' ' * room}  → {finding.next}")
    return told


def as_json(findings: Sequence[Finding]) -> dict[str, object]:
    """Return the documented object of `trayd doctor --json`."""
    return {
        "ok": is_well(findings),
        "findings": [
            {"name": f.name, "state": f.mark.value, "needed": f.needed, "text": clean(f.text, 400), "next": f.next}
            for f in findings
        ],
    }
