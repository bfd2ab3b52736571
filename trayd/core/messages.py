"""What can be said inside trayd: what happened, and what a person wants (commands).

All are values. A menu item carries its command as one of these; a watcher posts what it found as one of these. What is
to be done about them are `effects`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trayd.core.certificates import Certificate
from trayd.core.diagnosis import Diagnosis
from trayd.core.profile import Profile
from trayd.core.value import Value
from trayd.core.view import Theme

if TYPE_CHECKING:
    from trayd.core.identity import Identities


class EngineInfo(Value):
    """What an engine says about itself; `fingerprint` is that of the certificate it showed."""

    version: str = ""
    api_version: str = ""
    os: str = ""
    arch: str = ""
    name: str = ""
    id: str = ""
    platform: str = ""
    fingerprint: str = ""


class Image(Value):
    """One image of an engine: the name to copy, its size in bytes."""

    name: str
    size: int


class Problem(Value):
    """What is wrong with a profile file: the file's path, the line (0 for none), a sentence.

    `subject` says more than the file's name where every such file has the same: "context lab".
    """

    path: str
    line: int
    message: str
    subject: str = ""

    def __str__(self) -> str:
        name = self.subject or self.path.replace("\\", "/").rsplit("/", 1)[-1]
        return f"{name}:{self.line}: {self.message}" if self.line else f"{name}: {self.message}"


# --- what happened ---------------------------------------------------------------------------------------------------


class Loaded(Value):
    """The profile files and the stores of other programs were read.

    `broken` names profiles whose file is there but cannot be used now, `hidden` those that are not to be watched;
    `current` is the profile that the docker CLI's chosen context leads to; `alone` says that nothing was found, and the
    only profile is the local engine that stands in; `docker_machine` that such a program is installed.
    """

    profiles: tuple[Profile, ...]
    problems: tuple[Problem, ...] = ()
    broken: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    current: str = ""
    alone: bool = False
    docker_machine: bool = False


class Answered(Value):
    """A probe was answered, after `latency` seconds; `engine` and `certificates` only on a new connection."""

    latency: float
    engine: EngineInfo | None = None
    certificates: tuple[Certificate, ...] | None = None


class Failed(Value):
    """A probe failed, and why; `held`: its connection is kept, and whatever comes there is told as a hint."""

    diagnosis: Diagnosis
    held: bool = False


class Probed(Value):
    """The outcome of a probe of the watch with that generation."""

    name: str
    generation: int
    outcome: Answered | Failed


class Described(Value):
    """An engine told its name and ID."""

    name: str
    generation: int
    engine: EngineInfo


class Hinted(Value):
    """Something happened at an engine: ask it.

    `fresh`: its socket changed, so only a new connection tells whether it can still be reached.
    """

    name: str
    generation: int
    fresh: bool = False


class StreamEnded(Value):
    """An engine's event stream ended: ask it at once."""

    name: str
    generation: int


class Overtaken(Value):
    """The probe asked at `asked` did not come back in time; its thread is abandoned."""

    name: str
    generation: int
    asked: float
    diagnosis: Diagnosis


class EnginesKnown(Value):
    """The file of the identities changed: somebody accepted an engine."""

    identities: Identities


class ImagesListed(Value):
    """The images of an engine, or None if it did not tell them."""

    name: str
    generation: int
    images: tuple[Image, ...] | None


class AutostartIs(Value):
    """Whether trayd starts at login; None where that cannot be known."""

    enabled: bool | None


class MachineStarted(Value):
    """`docker-machine start` ended for a profile's machine; `error` is what it said if it failed."""

    name: str
    machine: str
    error: str = ""


class TrayGone(Value):
    """No tray shows the icon, or not any more."""


class NoTray(Value):
    """Long after the start there is no tray, but somebody to tell it; `step` is what a person can do here."""

    step: str


class Tick(Value):
    """Time passed: a deadline may have come."""


class Woke(Value):
    """The computer slept, or the clock jumped."""


class Said(Value):
    """Something of our own went wrong, or is to be told: shown as a notification."""

    title: str
    text: str


# --- what a person wants ---------------------------------------------------------------------------------------------


class Use(Value):
    """Make a profile the active one; `save` is False when the choice came from the file itself."""

    name: str
    save: bool = True


class Accept(Value):
    """The engine that answers under a profile is the right one, although it is another than before."""

    name: str


class CheckAgain(Value):
    """Ask an engine now."""

    name: str


class Recheck(Value):
    """Ask engines now, and tell what comes of it: a click on a notification, after which nothing else would show it."""

    names: tuple[str, ...]


class StartMachine(Value):
    """Start the machine of a profile."""

    name: str


class CopyEnvironment(Value):
    """Copy a profile's variables, or the text that forgets them, for a shell."""

    name: str
    shell: str
    unset: bool = False


class CopyDetails(Value):
    """Copy all that is known about an engine, for a bug report."""

    name: str


class CopyText(Value):
    """Copy this text."""

    text: str


class OpenProfiles(Value):
    """Open the profiles folder in the file manager."""


class Reload(Value):
    """Read the profile files again."""


class ToggleAutostart(Value):
    """Start at login, or not."""


class ToggleNotifications(Value):
    """Show notifications, or not."""


class SettingsAre(Value):
    """The settings of the menu, as the file says: another trayd changed them."""

    notifications: bool
    theme: Theme
    language: str


class ChooseLanguage(Value):
    """Speak this language, one of `words.LANGUAGES`; an empty one is the session's."""

    language: str


class TrayCame(Value):
    """The icon is shown in a tray."""


class ChooseTheme(Value):
    """Show the icon in these colours."""

    theme: Theme


class MenuOpened(Value):
    """A menu is about to be shown: what it lists may be asked anew."""


class Quit(Value):
    """End trayd; no engine is touched."""
