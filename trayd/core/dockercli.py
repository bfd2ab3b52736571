"""Where the docker CLI of this session goes, as the tray says it."""

from __future__ import annotations

from collections.abc import Iterable

from trayd.core.precedence import same_place
from trayd.core.profile import Endpoint, Profile
from trayd.core.text import clean
from trayd.core.value import Value
from trayd.core.words import _


class CliGoesTo(Value):
    """Where the docker CLI goes, and its chosen context; an error if it goes nowhere.

    `endpoint` is None where trayd itself could not ask.
    """

    url: str
    context: str = "default"
    endpoint: Endpoint | None = None
    error: str = ""


class CliChange(Value):
    """Another program chose another context for the docker CLI, at this wall-clock time."""

    was: str
    now: str
    at: float


def place(cli: CliGoesTo, profiles: Iterable[Profile], active: str) -> str:
    """Return the line that says where the docker CLI goes; an empty one if that is the active profile."""
    if cli.error:
        return clean(_("Docker CLI goes nowhere: {reason}").format(reason=cli.error), 160)
    endpoint = cli.endpoint
    names = [p.name for p in profiles if endpoint is not None and same_place(p.endpoint, endpoint)]
    if active in names:
        return ""
    return _("Docker CLI goes to: {place}").format(place=clean(names[0] if names else cli.url, 80))


def change_told(was: str, cli: CliGoesTo) -> tuple[str, str]:
    """Return title and text of the notification that another program chose another context."""
    title = _("Docker CLI: context changed from {old} to {new}")
    if cli.error:
        text = _("{sentence}.").format(sentence=cli.error[:1].upper() + cli.error[1:])
    else:
        text = _("It goes to {place}.").format(place=clean(cli.url, 120))
    return title.format(old=clean(was, 40), new=clean(cli.context, 40)), text


def change_line(change: CliChange, time: str) -> str:
    """Return the menu's line about the last change."""
    told = _("Docker CLI: context changed from {old} to {new} at {time}")
    return told.format(old=clean(change.was, 40), new=clean(change.now, 40), time=time)
