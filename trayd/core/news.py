"""The words and buttons of the notifications about lost and returned engines: what is, why, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trayd.core import report
from trayd.core.effects import Button
from trayd.core.engine import Engine
from trayd.core.messages import CopyDetails, Recheck, StartMachine
from trayd.core.text import clean
from trayd.core.value import Value
from trayd.core.words import N_, _, many

if TYPE_CHECKING:
    from trayd.core.snapshot import Snapshot

_NAMED = 3  # engines in a title
_LINES = 6  # engines in a body

# What the loss of a network looks like, once or many times.
_NETWORK = frozenset({"no_answer", "connect_timeout", "no_route", "dns", "connection_lost"})

_QUIET = N_("There is no further notification about it until it has been steady for 5 minutes.")
_QUIET_MANY = N_("There is no further notification about any of them until it has been steady for 5 minutes.")


class News(Value):
    """Title, text and buttons of a notification."""

    title: str
    text: str
    buttons: tuple[Button, ...] = ()


def greeting(snapshot: Snapshot) -> tuple[str, str]:
    """Return title and text of the one notification after the very first start."""
    engines = list(snapshot.engines.values())
    found = many("{number} engine found: {names}.", "{number} engines found: {names}.", len(engines))
    found = found.format(number=len(engines), names=_names(engines)) if engines else _("No engine was found yet.")
    return _("trayd is here"), " ".join((found, _("A click on its icon shows how each is, and switches.")))


def lost(engines: Sequence[Engine], snapshot: Snapshot) -> News | None:
    """Return the news of engines that are gone, None of none."""
    if not engines:
        return None
    if len(engines) > 1:
        return News(
            _("{number} engines are not reachable: {names}").format(number=len(engines), names=_names(engines)),
            f"{_lines(engines)}\n{_common_step(engines)}",
            _recheck(engines),
        )
    (engine,) = engines
    name = engine.profile.name
    buttons = _recheck(engines)
    if snapshot.docker_machine and engine.lost_machine and engine.lost_machine not in snapshot.starting:
        buttons += (Button(_("Start machine"), StartMachine(name)),)
    return News(*report.loss(engine.profile, engine.health), (*buttons, Button(_("Copy details"), CopyDetails(name))))


def back(engines: Sequence[Engine], gone: Sequence[Engine], restless: bool) -> News | None:
    """Return the news of engines that are back, and of those that went at the same time and are still `gone`."""
    if not engines:
        return None
    title = _("{name} is reachable again").format(name=engines[0].profile.name)
    text = _("The engine answers.")
    if len(engines) > 1:
        title = _("{number} engines are reachable again: {names}").format(number=len(engines), names=_names(engines))
        text = _("The engines answer.")
    if restless:
        return News(title, " ".join((text, _("Nothing has changed for 5 minutes."))))
    if gone:
        return News(title, _("Still not reachable: {names}.").format(names=_names(gone, _LINES)), _recheck(gone))
    return News(title, text)


def restless(engines: Sequence[Engine], snapshot: Snapshot) -> News | None:
    """Return the news of engines that keep going away and coming back, None of none."""
    if not engines:
        return None
    if len(engines) > 1:
        return News(
            _("{number} engines keep going away and coming back: {names}").format(
                number=len(engines), names=_names(engines)
            ),
            "\n".join((_lines(engines), _common_step(engines), _(_QUIET_MANY))),
        )
    (engine,) = engines
    name = engine.profile.name
    text = report.loss(engine.profile, engine.health)[1]
    return News(
        _("{name} keeps going away and coming back").format(name=name),
        "\n".join(filter(None, (text, _(_QUIET)))),
        (Button(_("Copy details"), CopyDetails(name)),),
    )


def _recheck(engines: Sequence[Engine]) -> tuple[Button, ...]:
    return (Button(_("Check again"), Recheck(tuple(engine.profile.name for engine in engines))),)


def _names(engines: Sequence[Engine], most: int = _NAMED) -> str:
    names = _(", ").join(clean(engine.profile.name, 40) for engine in engines[:most])
    return names + (" …" if len(engines) > most else "")


def _lines(engines: Sequence[Engine]) -> str:
    shown = [f"{clean(engine.profile.name, 40)}: {report.words(engine.health)}" for engine in engines[:_LINES]]
    if (more := len(engines) - _LINES) > 0:
        shown.append(_("… and {number} more").format(number=more))
    return "\n".join(shown)


def _common_step(engines: Sequence[Engine]) -> str:
    """Return what to do about several engines that went at about the same time."""
    found = [engine.health.diagnosis for engine in engines if engine.health.diagnosis is not None]
    hosts = {engine.profile.endpoint.host for engine in engines if engine.profile.endpoint.remote}
    if len(hosts) == len(engines) and all(diagnosis.code in _NETWORK for diagnosis in found):
        return _("They went at about the same time: look at what is between here and them, a VPN for example.")
    steps = {diagnosis.next for diagnosis in found}
    if len(steps) == 1:
        return steps.pop()
    return _("The menu says what to do about each; or, in a terminal: trayd status")
