"""No tray here: said once, when panels have had the time to come, and not again before there was one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trayd.core import effects as do
from trayd.core import messages as m
from trayd.core.value import Value, replace
from trayd.core.words import _

if TYPE_CHECKING:
    from trayd.core.health import Now

# At login everything starts at the same time, and from a cold disk Plasma's or GNOME's panel takes its time. A word
# that comes late loses nothing; one that a panel makes untrue a moment later only worries people.
PATIENCE = 20.0


class Trayless(Value):
    """Whether it is still to be said, in monotonic seconds; `told` now or at an earlier start, `seen` in this run."""

    due: float | None = None
    seen: bool = False
    told: bool = False


Message = m.TrayCame | m.TrayGone | m.NoTray | m.Tick


def happened(was: Trayless, message: Message, now: Now) -> tuple[Trayless, list[object]]:
    """Return what is known after a message, and what is to be done; whoever calls remembers a change of `told`."""
    match message:
        case m.TrayCame():
            return Trayless(seen=True), []
        case m.TrayGone() if not was.seen and not was.told and was.due is None:
            return replace(was, due=now.mono + PATIENCE), []
        case m.Tick() if was.due is not None and was.due <= now.mono:
            return replace(was, due=None), [do.AdviseTray()]
        case m.NoTray(step) if not was.seen and not was.told:
            return replace(was, told=True), [do.Notify(*_words(step), "no tray")]
    return was, []


def _words(step: str) -> tuple[str, str]:
    text = _("{step}. The icon appears by itself when there is a tray. Until then: 'trayd menu' or 'trayd status'.")
    return _("There is no tray here, so there is no icon"), text.format(step=step)
