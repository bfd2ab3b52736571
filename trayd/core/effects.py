"""What is to be done: the effects that `update` asks for, as frozen values; the loop carries them out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trayd.core.profile import Profile
from trayd.core.value import Value
from trayd.core.view import Theme

if TYPE_CHECKING:
    from trayd.core.identity import Identities


class StartWatch(Value):
    """Begin to watch a profile."""

    profile: Profile
    generation: int


class StopWatch(Value):
    """End a watch and close its sockets."""

    name: str


class Ask(Value):
    """Send a probe; `fresh` on a new connection, with the TLS files read again.

    Only with `wake` it may start an engine that systemd starts on the first connection.
    """

    name: str
    timeout: float
    fresh: bool = False
    wake: bool = False


class Overtake(Value):
    """Say where the outstanding probe hangs; `asked` tells it from a later one."""

    name: str
    asked: float


class Listen(Value):
    """Hold the engine's event stream."""

    name: str


class Describe(Value):
    """Ask an engine for its name and ID."""

    name: str


class ListImages(Value):
    """Ask an engine for its images."""

    name: str


class Button(Value):
    """A button of a notification; like a menu item it carries its command as a value."""

    label: str
    command: object


class Notify(Value):
    """Show a notification, in place of the last one about the same subject; its picture is a state's, or the icon."""

    title: str
    text: str
    subject: str = ""
    buttons: tuple[Button, ...] = ()
    state: str = ""


class AdviseTray(Value):
    """Look what a person can do here to have a tray, and whether they can be told: NoTray comes back."""


class Remember(Value):
    """Write the choice and the settings to disk; `quiet` says no word if that fails, since nobody chose anything."""

    active: str
    previous: str
    notifications: bool
    theme: Theme = Theme.COLOUR
    language: str = ""
    greeted: bool = False
    trayless: bool = False
    quiet: bool = False


class Greet(Value):
    """Write down that the person was greeted, and if that can be kept, show the greeting."""

    memory: Remember
    greeting: Notify


class Speak(Value):
    """Say everything in this language from now on; an empty one is the session's."""

    language: str


class RememberEngines(Value):
    """Write to disk which engine each profile has."""

    identities: Identities


class PutOnClipboard(Value):
    """Put a text on the clipboard."""

    text: str


class CopyLadder(Value):
    """Climb the ladder to an engine, and put these details and the ladder on the clipboard."""

    profile: Profile
    details: str


class RunMachine(Value):
    """Start a profile's machine with docker-machine."""

    name: str
    machine: str


class AskMachine(Value):
    """Ask docker-machine for a machine's address."""

    machine: str


class OpenFolder(Value):
    """Open the profiles folder."""


class ReadFiles(Value):
    """Read the profile files again."""


class SetAutostart(Value):
    """Write or remove the autostart entry."""

    enabled: bool


class Stop(Value):
    """End the loop."""
