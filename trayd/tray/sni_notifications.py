"""Desktop notifications over the tray's own bus connection: one for each subject, the newest in its place.

Specification: https://specifications.freedesktop.org/notification-spec/latest/
"""

from __future__ import annotations

import threading
import time
from typing import Any

from trayd.tray.bus import Bus, Reply
from trayd.tray.sni_pixmap import renditions, rgba
from trayd.tray.sni_text import escape_markup, plain

NOTIFICATIONS = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"

_TITLE_LIMIT = 120
_BODY_LIMIT = 1000
_PATIENCE = 5.0  # a server that has not answered for so long is not waited for

_MOST = 64  # subjects that are remembered; more than there are engines


class _Subject:
    """What is known about the notification of one subject."""

    def __init__(self) -> None:
        self.id = 0
        self.asked: tuple[int, float] | None = None  # the serial of the question that is out, and since when
        self.next: tuple[Bus, str, str, Any] | None = None


class Notifications:
    """Shows one notification per subject; never waits, and a server that is missing or hangs costs nothing."""

    def __init__(self, application: str) -> None:
        self._application = application
        self._lock = threading.Lock()
        self._subjects: dict[str, _Subject] = {}

    def show(self, bus: Bus, subject: str, title: str, body: str, image: Any) -> None:
        """Show a notification in place of the one before about the same subject."""
        with self._lock:
            about = self._subjects.get(subject)
            if about is None:
                if len(self._subjects) >= _MOST:
                    del self._subjects[next(iter(self._subjects))]
                about = self._subjects[subject] = _Subject()
            if about.asked and time.monotonic() - about.asked[1] < _PATIENCE:
                # The id that this one has to replace is still on its way; only the newest waits for it.
                about.next = bus, title, body, image
            else:
                self._send(about, bus, title, body, image)

    def _send(self, about: _Subject, bus: Bus, title: str, body: str, image: Any) -> None:
        if about.asked:
            bus.forget(about.asked[0])
        hints = {} if image is None else {"image-data": ("(iiibiiay)", _image_data(image))}
        message: tuple[Any, ...] = (
            self._application,
            about.id,
            "",
            plain(title, _TITLE_LIMIT),
            escape_markup(plain(body, _BODY_LIMIT, lines=True)),
            [],
            hints,
            -1,
        )
        serial = bus.call(
            NOTIFICATIONS,
            PATH,
            NOTIFICATIONS,
            "Notify",
            "susssasa{sv}i",
            message,
            lambda reply: self._shown(about, reply),
        )
        about.asked = serial, time.monotonic()

    def _shown(self, about: _Subject, reply: Reply) -> None:
        with self._lock:
            about.asked = None
            about.id = reply.body[0] if not reply.error and reply.body and isinstance(reply.body[0], int) else 0
            waiting, about.next = about.next, None
            if waiting and not reply.error:
                self._send(about, *waiting)

    def remove(self, bus: Bus) -> None:
        """Take our notifications away."""
        with self._lock:
            numbers = [about.id for about in self._subjects.values() if about.id]
            self._subjects.clear()
        for number in numbers:
            bus.call(NOTIFICATIONS, PATH, NOTIFICATIONS, "CloseNotification", "u", (number,))

    def forget(self) -> None:
        """The server or the bus is another one now: its ids are not the ones we know."""
        with self._lock:
            self._subjects.clear()


def _image_data(image: Any) -> tuple[int, int, int, bool, int, int, bytes]:
    """Encode the 48 pixel rendition: width, height, bytes a row, alpha, bits a sample, channels, RGBA."""
    one = rgba(min(renditions(image), key=lambda rendition: abs(rendition.width - 48)))
    return one.width, one.height, one.width * 4, True, 8, 4, one.tobytes()
