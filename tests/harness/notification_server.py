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
    actions: tuple[tuple[str, str], ...]
    hints: dict[str, Any] = field(repr=False)


class NotificationServer(Peer):
    """Records notifications; `hanging=True` takes them and never answers, `actions=False` has no buttons."""

    def __init__(self, address: str, hanging: bool = False, actions: bool = True) -> None:
        self.asked = 0
        self.capabilities = ["body", "actions"] if actions else ["body"]
        self.notes: list[Note] = []
        self.removed: list[int] = []
        self._hanging = hanging
        self._last = 0
        super().__init__(address)
        self.own(NOTIFICATIONS)

    def _came(self, message: Incoming) -> None:
        if not message.call:
            return
        if message.member == "GetCapabilities":
            self.asked += 1
            if not self._hanging:
                self.bus.reply(message, "as", (self.capabilities,))
        elif message.member == "Notify":
            application, replaces, _icon, title, body, words, hints, _timeout = message.body
            actions = tuple(zip(words[::2], words[1::2], strict=True))
            self._last += not replaces
            number = replaces or self._last
            self.removed = [old for old in self.removed if old != number]
            self.notes.append(Note(number, application, replaces, title, body, actions, hints))
            if not self._hanging:
                self.bus.reply(message, "u", (number,))
        elif message.member == "GetServerInformation" and not self._hanging:
            self.bus.reply(message, "ssss", ("recorder", "trayd's tests", "1", "1.2"))
        elif message.member == "CloseNotification":
            self.removed.append(message.body[0])
            self.bus.reply(message)

    def click(self, note: Note, label: str) -> None:
        """Click the button with that label, as a person does, whether the notification is still shown or not."""
        (key,) = [key for key, text in note.actions if text == label]
        self._tell("ActionInvoked", "us", note.id, key)

    def dismiss(self, note: Note) -> None:
        """Close a notification, as a person does."""
        self.removed.append(note.id)
        self._tell("NotificationClosed", "uu", note.id, 2)

    def _tell(self, signal: str, signature: str, *body: Any) -> None:
        self.bus.emit("/org/freedesktop/Notifications", NOTIFICATIONS, signal, signature, body)

    def showing(self) -> dict[int, Note]:
        """What a person sees: the newest notification of each id."""
        return {note.id: note for note in list(self.notes) if note.id not in self.removed}
