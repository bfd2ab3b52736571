"""The words and buttons of the notifications about lost and returned engines: what is, why, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trayd.core import report
from trayd.core.engine import Engine
from trayd.core.messages import Button, CopyDetails, Recheck, StartMachine
from trayd.core.text import clean
from trayd.core.value import Value

if TYPE_CHECKING:
    from trayd.core.snapshot import Snapshot

_NAMED = 3  # engines in a title
_LINES = 6  # engines in a body

# What the loss of a network looks like, once or many times.
_NETWORK = frozenset({"no_answer", "connect_timeout", "no_route", "dns", "connection_lost"})

_QUIET = "There is no further notification about {it} until {it} has been steady for 5 minutes."


class News(Value):
    """Title, text and buttons of a notification."""

    title: str
    text: str
    buttons: tuple[Button, ...] = ()


def lost(engines: Sequence[Engine], snapshot: Snapshot) -> News | None:
    """Return the news of engines that are gone, None of none."""
    if not engines:
        return None
    if len(engines) > 1:
        return News(
            f"{len(engines)} engines are not reachable: {_names(engines)}",
            f"{_lines(engines)}\n{_common_step(engines)}",
            _recheck(engines),
        )
    (engine,) = engines
    name = engine.profile.name
    buttons = _recheck(engines)
    if snapshot.docker_machine and engine.lost_machine and engine.lost_machine not in snapshot.starting:
        buttons += (Button("Start machine", StartMachine(name)),)
    return News(*report.loss(engine.profile, engine.health), (*buttons, Button("Copy details", CopyDetails(name))))


def back(engines: Sequence[Engine], gone: Sequence[Engine], restless: bool) -> News | None:
    """Return the news of engines that are back, and of those that went at the same time and are still `gone`."""
    if not engines:
        return None
    title = f"{engines[0].profile.name} is reachable again"
    if len(engines) > 1:
        title = f"{len(engines)} engines are reachable again: {_names(engines)}"
    text = "The engine answers." if len(engines) == 1 else "The engines answer."
    if restless:
        text += " Nothing has changed for 5 minutes."
        return News(title, text)
    if gone:
        return News(title, f"Still not reachable: {_names(gone, _LINES)}.", _recheck(gone))
    return News(title, text)


def restless(engines: Sequence[Engine], snapshot: Snapshot) -> News | None:
    """Return the news of engines that keep going away and coming back, None of none."""
    if not engines:
        return None
    if len(engines) > 1:
        return News(
            f"{len(engines)} engines keep going away and coming back: {_names(engines)}",
            f"{_lines(engines)}\n{_common_step(engines)}\n{_QUIET.format(it='one of them')}",
        )
    (engine,) = engines
    name = engine.profile.name
    _, text = report.loss(engine.profile, engine.health)
    return News(
        f"{name} keeps going away and coming back",
        f"{text}\n{_QUIET.format(it='it')}".strip(),
        (Button("Copy details", CopyDetails(name)),),
    )


def _recheck(engines: Sequence[Engine]) -> tuple[Button, ...]:
    return (Button("Check again", Recheck(tuple(engine.profile.name for engine in engines))),)


def _names(engines: Sequence[Engine], most: int = _NAMED) -> str:
    names = ", ".join(clean(engine.profile.name, 40) for engine in engines[:most])
    return names + (" …" if len(engines) > most else "")


def _lines(engines: Sequence[Engine]) -> str:
    shown = [f"{clean(engine.profile.name, 40)}: {report.words(engine.health)}" for engine in engines[:_LINES]]
    if (more := len(engines) - _LINES) > 0:
        shown.append(f"… and {more} more")
    return "\n".join(shown)


def _common_step(engines: Sequence[Engine]) -> str:
    """Return what to do about several engines that went at about the same time."""
    found = [engine.health.diagnosis for engine in engines if engine.health.diagnosis is not None]
    hosts = {engine.profile.endpoint.host for engine in engines if engine.profile.endpoint.remote}
    if len(hosts) == len(engines) and all(diagnosis.code in _NETWORK for diagnosis in found):
        return "They went at about the same time: look at what is between here and them, a VPN for example."
    steps = {diagnosis.next for diagnosis in found}
    if len(steps) == 1:
        return steps.pop()
    return "The menu says what to do about each; or, in a terminal: trayd status"
