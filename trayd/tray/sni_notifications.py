"""Desktop notifications over the tray's own bus connection: one for each subject, the newest in its place.

Specification: https://specifications.freedesktop.org/notification-spec/latest/
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any

from trayd.core.value import Value
from trayd.tray.bus import Bus, Incoming, Reply
from trayd.tray.sni_pixmap import renditions, rgba
from trayd.tray.sni_text import escape_markup, plain

NOTIFICATIONS = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"

_TITLE_LIMIT = 120
_BODY_LIMIT = 1000
_LABEL_LIMIT = 40
_PATIENCE = 5.0  # a server that has not answered for so long is not waited for

_MOST = 256  # subjects that are remembered; more than there are engines


class Note(Value):
    """One notification to show, and the bus to show it on; a button is its label and the value that a click gives."""

    bus: Bus
    title: str
    body: str
    image: Any
    buttons: tuple[tuple[str, object], ...] = ()


class _Subject:
    """What is known about the notification of one subject.

    `commands` are the values of the buttons that can be clicked now, by the key that the server says then. A key is
    never used twice, so a click on a notification that was replaced in that moment cannot mean something else.
    """

    def __init__(self) -> None:
        self.id = 0
        self.asked: tuple[int, float] | None = None  # the serial of the question that is out, and since when
        self.next: Note | None = None
        self.closed = False  # by the server, before it saw what is to replace it
        self.commands: dict[str, object] = {}


class Notifications:
    """Shows one notification per subject; never waits, and a server that is missing or hangs costs nothing."""

    def __init__(self, application: str, on_button: Callable[[object], None]) -> None:
        self._application = application
        self._on_button = on_button  # on the reading thread, with the value of the button that was clicked
        self._lock = threading.Lock()
        self._keys = count(1)
        self._forget()

    def _forget(self) -> None:
        self._subjects: dict[str, _Subject] = {}
        # Whether this server shows buttons; None until it was asked, which is not before there is one to show.
        self._actions: bool | None = None
        self._asked: float | None = None

    def listen(self, bus: Bus) -> None:
        """Ask a new bus to tell us what becomes of notifications."""
        bus.listen_for_owner(NOTIFICATIONS)
        bus.listen(f"type='signal',sender='{NOTIFICATIONS}',interface='{NOTIFICATIONS}',path='{PATH}'")

    def show(self, subject: str, note: Note) -> None:
        """Show a notification in place of the one before about the same subject."""
        with self._lock:
            about = self._subjects.get(subject)
            if about is None:
                if len(self._subjects) >= _MOST:
                    del self._subjects[next(iter(self._subjects))]
                about = self._subjects[subject] = _Subject()
            if about.asked and time.monotonic() - about.asked[1] < _PATIENCE:
                # The id that this one has to replace is still on its way; only the newest waits for it.
                about.next = note
            elif note.buttons and self._actions is None and self._wait_for_actions(note.bus):
                about.next = note
            else:
                self._send(about, note)

    def _wait_for_actions(self, bus: Bus) -> bool:
        """Ask whether the server shows buttons: one of the old kind opens a window for each (notify-osd)."""
        if self._asked is not None:
            return time.monotonic() - self._asked < _PATIENCE
        self._asked = time.monotonic()
        of = self._subjects
        bus.call(
            NOTIFICATIONS,
            PATH,
            NOTIFICATIONS,
            "GetCapabilities",
            on_reply=lambda reply: self._capable(of, reply),
        )
        return True

    def _capable(self, of: dict[str, _Subject], reply: Reply) -> None:
        told = reply.body[0] if not reply.error and reply.body else ()
        with self._lock:
            if of is not self._subjects:
                return  # another server has come since
            self._actions = isinstance(told, list) and "actions" in told
            for about in self._subjects.values():
                if about.next is not None and about.asked is None:
                    note, about.next = about.next, None
                    self._send(about, note)

    def _send(self, about: _Subject, note: Note) -> None:
        if about.asked:
            note.bus.forget(about.asked[0])
        buttons = {f"trayd-{next(self._keys)}": button for button in note.buttons} if self._actions else {}
        actions = [text for key, (label, _) in buttons.items() for text in (key, plain(label, _LABEL_LIMIT))]
        # Until the server answers, the one that is replaced can still be clicked.
        new = {key: value for key, (_, value) in buttons.items()}
        about.commands = about.commands | new
        message: tuple[Any, ...] = (
            self._application,
            about.id,
            "",
            plain(note.title, _TITLE_LIMIT),
            escape_markup(plain(note.body, _BODY_LIMIT, lines=True)),
            actions,
            {} if note.image is None else {"image-data": ("(iiibiiay)", _image_data(note.image))},
            -1,
        )
        serial = note.bus.call(
            NOTIFICATIONS,
            PATH,
            NOTIFICATIONS,
            "Notify",
            "susssasa{sv}i",
            message,
            lambda reply: self._shown(about, note, new, reply),
        )
        about.asked, about.closed = (serial, time.monotonic()), False

    def _shown(self, about: _Subject, note: Note, commands: dict[str, object], reply: Reply) -> None:
        with self._lock:
            about.asked = None
            about.id = reply.body[0] if not reply.error and reply.body and isinstance(reply.body[0], int) else 0
            about.commands = commands if about.id else {}
            waiting, about.next = about.next, None
            if about.closed and about.id:
                # Plasma takes away what replaces one that it is just closing, as it does after a click: once more.
                self._close(note.bus, about.id)
                about.id, about.commands, waiting = 0, {}, waiting or note
            if waiting is not None and not reply.error:
                self._send(about, waiting)

    def came(self, message: Incoming) -> None:
        """Take a signal of the server: a button was clicked, or a notification is gone."""
        if message.path != PATH or message.interface != NOTIFICATIONS or len(message.body) != 2:
            return
        number, told = message.body
        clicked = []
        with self._lock:
            for about in self._subjects.values():
                if not about.id or about.id != number:
                    continue  # another program's
                if message.member == "ActionInvoked" and isinstance(told, str) and told in about.commands:
                    clicked.append(about.commands[told])
                elif message.member == "NotificationClosed" and about.asked:
                    about.closed = True
                elif message.member == "NotificationClosed":
                    about.id, about.commands = 0, {}  # from now on the number may be given to somebody else's
        for command in clicked:
            self._on_button(command)

    def remove(self, bus: Bus) -> None:
        """Take our notifications away."""
        with self._lock:
            numbers = [about.id for about in self._subjects.values() if about.id]
            self._subjects.clear()
        for number in numbers:
            self._close(bus, number)

    def _close(self, bus: Bus, number: int) -> None:
        bus.call(NOTIFICATIONS, PATH, NOTIFICATIONS, "CloseNotification", "u", (number,))

    def started(self) -> None:
        """A server has come where none was: what it can do is asked anew, unless this very question started it."""
        with self._lock:
            if self._actions is not None:
                self._actions = self._asked = None

    def forget(self) -> None:
        """The server or the bus is another one now: its ids are not the ones we know."""
        with self._lock:
            self._forget()


def _image_data(image: Any) -> tuple[int, int, int, bool, int, int, bytes]:
    """Encode the 48 pixel rendition: width, height, bytes a row, alpha, bits a sample, channels, RGBA."""
    one = rgba(min(renditions(image), key=lambda rendition: abs(rendition.width - 48)))
    return one.width, one.height, one.width * 4, True, 8, 4, one.tobytes()
