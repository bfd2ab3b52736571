"""What can block, done on a short-lived thread: each returns a message for the loop, or None.

Raises TraydError for what a person has to know. Everything is imported by the task that needs it: none of it is needed
for the icon.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from trayd.config import identities
from trayd.core import messages as m
from trayd.core.words import N_, _

if TYPE_CHECKING:
    from trayd.core.identity import Identities
    from trayd.core.profile import Profile

# A copy that takes longer than this is told when it is done: nobody knows how long to wait with pasting.
NOTICEABLE = 1.0
COPIED = N_("The details are on the clipboard")


def copy(text: str) -> None:
    """Put a text on the clipboard."""
    from trayd.desktop import clipboard

    clipboard.copy(text)


def copy_ladder(profile: Profile, details: str) -> m.Said | None:
    """Climb the ladder to an engine and put it on the clipboard, behind the details."""
    from trayd.core import ladder
    from trayd.engine.ladder import climb  # imports docker

    start = time.monotonic()
    copy(f"{details}\n\n{ladder.text(profile, climb(profile))}")
    if time.monotonic() - start > NOTICEABLE:
        return m.Said(_(COPIED), _("The ladder to {name} is climbed.").format(name=profile.name))
    return None


def open_folder(folder: str) -> None:
    """Open the profiles folder in the file manager."""
    from trayd.desktop import folder as desktop

    desktop.open_folder(folder)


def autostart_state() -> m.AutostartIs:
    """Look whether trayd starts at login."""
    from trayd.desktop import autostart

    return m.AutostartIs(autostart.status(autostart.command()).enabled)


def set_autostart(enabled: bool) -> m.AutostartIs:
    """Start trayd at login from now on, or not."""
    from trayd.desktop import autostart

    if enabled:
        autostart.enable(autostart.command())
    else:
        autostart.disable()
    return autostart_state()


def tray_advice() -> m.NoTray | None:
    """Look what helps a person here who has no tray; None if there is no notification server to tell them."""
    from trayd.core.findings import panel_step
    from trayd.desktop import look as desktop
    from trayd.tray import look
    from trayd.tray.bus import BusError

    try:
        notifier = look.notifier()
    except (BusError, LookupError, TypeError):  # nobody answers, or what nobody understands
        return None
    return m.NoTray(panel_step(desktop.kind(os.environ))) if notifier.name or notifier.startable else None


def remember_engines(known: Identities) -> None:
    """Write down which engine each profile has."""
    try:
        identities.remember_identities(known)
    except OSError:
        return  # what cannot be saved is known until trayd ends; the choice of the profile says so already
