"""A notification server for tests, which remembers everything."""

from dataclasses import dataclass, field
from typing import Any

from tests.harness.host import Peer
from trayd.tray.bus import Incoming

NOTIFICATIONS = "org.freedesktop.Notifications"


@dataclass(frozen=True)
class Note:
    """A notification that was shown."""

    id: int
    application: str
    replaces: int
    title: str
    body: str
    hints: dict[str, Any] = field(repr=False)


class NotificationServer(Peer):
    """Records notifications; with `hanging=True` it takes them and never answers."""

    def __init__(self, address: str, hanging: bool = False) -> None:
        self.notes: list[Note] = []
        self.removed: list[int] = []
        self._hanging = hanging
        self._last = 0
        super().__init__(address)
        self.own(NOTIFICATIONS)

    def _came(self, message: Incoming) -> None:
        if not message.call:
            return
        if message.member == "Notify":
            application, replaces, _icon, title, body, _actions, hints, _timeout = message.body
            self._last += not replaces
            number = replaces or self._last
            self.notes.append(Note(number, application, replaces, title, body, hints))
            if not self._hanging:
                self.bus.reply(message, "u", (number,))
        elif message.member == "CloseNotification":
            self.removed.append(message.body[0])
            self.bus.reply(message)

    def showing(self) -> dict[int, Note]:
        """What a person sees: the newest notification of each id."""
        return {note.id: note for note in list(self.notes) if note.id not in self.removed}
