"""A panel that tests can ask: StatusNotifier watcher and host, on a thread of its own.

It speaks through `trayd.tray.bus`; the real dbus-daemon between both ends rejects what is malformed, and the real
panels in tests/desktops do not share that code.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from tests.harness.poll import wait_until
from trayd.tray.bus import DAEMON, Bus, Incoming, Reply

WATCHER = "org.kde.StatusNotifierWatcher"
WATCHER_PATH = "/StatusNotifierWatcher"
ITEM = "org.kde.StatusNotifierItem"
ITEM_PATH = "/StatusNotifierItem"
MENU = "com.canonical.dbusmenu"
PROPERTIES = "org.freedesktop.DBus.Properties"


class Refused(Exception):  # noqa: N818 - an answer, which tests expect
    """A call was answered with this error."""


@dataclass(frozen=True)
class Signal:
    """A signal that came, and when by time.monotonic()."""

    at: float
    member: str
    body: tuple[Any, ...]
    path: str = ""


@dataclass(frozen=True)
class Entry:
    """One line of a menu as a panel reads it."""

    id: int
    label: str = ""
    enabled: bool = True
    separator: bool = False
    toggle: str = ""
    checked: bool = False
    submenu: bool = False
    children: tuple["Entry", ...] = ()

    def __str__(self) -> str:
        if self.separator:
            return "---"
        mark = {"": "", "radio": "(o) " if self.checked else "( ) ", "checkmark": "[x] " if self.checked else "[ ] "}[
            self.toggle
        ]
        return f"{mark}{self.label}{'' if self.enabled else ' (greyed)'}"

    def lines(self, indent: str = "") -> Iterator[str]:
        """The lines below this one as text, submenus indented."""
        for child in self.children:
            yield indent + str(child)
            yield from child.lines(indent + "  ")


class Peer:
    """A connection with its reading thread."""

    def __init__(self, address: str) -> None:
        self.bus = Bus.connect({"DBUS_SESSION_BUS_ADDRESS": address})
        self._thread = threading.Thread(target=self.bus.serve, args=(self._came,), name=type(self).__name__)
        self._thread.start()
        wait_until(lambda: self.bus.unique_name, what="the bus's welcome")

    def _came(self, message: Incoming) -> None:
        """Take a call or a signal; a plain peer only asks."""

    def has_owner(self, name: str) -> bool:
        """Ask the bus whether somebody owns a name."""
        return bool(self.call(DAEMON, "/org/freedesktop/DBus", DAEMON, "NameHasOwner", "s", name))

    def call(self, name: str, path: str, interface: str, member: str, signature: str = "", *body: Any) -> Any:
        """Call a method; one result comes alone, several come as a tuple, an error raises `Refused`."""
        reply = self.bus.call_blocking(name, path, interface, member, signature, body, timeout=5)
        if reply.error:
            raise Refused(reply.error)
        return reply.body[0] if len(reply.body) == 1 else reply.body

    def own(self, name: str) -> None:
        """Own a name or fail."""
        answer: list[Reply] = []
        self.bus.own(name, answer.append)
        assert wait_until(lambda: answer, what=f"the name {name}")[0].body == (1,)

    def close(self) -> None:
        """Leave the bus."""
        self.bus.close()
        self._thread.join(5)
        assert not self._thread.is_alive()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Host(Peer):
    """A panel: a watcher that items register at (unless `watcher=False`), and what a person does with the first item.

    `with_host=False` makes a watcher without a panel, as plain GNOME extensions and daemons may be.
    """

    def __init__(self, address: str, watcher: bool = True, with_host: bool = True) -> None:
        self.items: list[str] = []
        self.signals: list[Signal] = []
        self.registrations: list[tuple[float, str]] = []
        self.registered_as: list[str] = []  # the names or paths that were given
        self._with_host = with_host
        self._owners: dict[str, str] = {}
        super().__init__(address)
        self.bus.listen(f"type='signal',interface='{ITEM}'")
        self.bus.listen(f"type='signal',interface='{MENU}'")
        self.bus.listen(f"type='signal',sender='{DAEMON}',member='NameOwnerChanged'")
        if watcher:
            self.own(WATCHER)
        else:
            self.call(WATCHER, WATCHER_PATH, WATCHER, "RegisterStatusNotifierHost", "s", self.bus.unique_name)
            names = self.call(WATCHER, WATCHER_PATH, PROPERTIES, "Get", "ss", WATCHER, "RegisteredStatusNotifierItems")[
                1
            ]
            self.items = [name.split("/")[0] for name in names]  # some watchers put the item's path behind its name

    # The watcher

    def _came(self, message: Incoming) -> None:
        if not message.call:
            if message.member == "NameOwnerChanged" and message.sender == DAEMON:
                name, _, new = message.body
                if not new and name in self.items:
                    self.items.remove(name)
                    self._signal("StatusNotifierItemUnregistered", "s", (name,))
            elif message.interface in (ITEM, MENU):
                self.signals.append(Signal(time.monotonic(), message.member, message.body, message.path))
        elif message.member == "RegisterStatusNotifierItem":
            service = message.sender if message.body[0].startswith("/") else message.body[0]
            self.registered_as.append(message.body[0])
            self.registrations.append((time.monotonic(), service))
            if service not in self.items:
                self.items.append(service)
            self.bus.reply(message)
            self._signal("StatusNotifierItemRegistered", "s", (service,))
        elif message.member == "RegisterStatusNotifierHost":
            self.bus.reply(message)
            self.set_host(True)
        elif message.interface == PROPERTIES and message.member == "Get":
            values = {
                "RegisteredStatusNotifierItems": ("as", self.items),
                "ProtocolVersion": ("i", 0),
                "IsStatusNotifierHostRegistered": ("b", self._with_host),
            }
            self.bus.reply(message, "v", (values[message.body[1]],))
        else:
            self.bus.refuse(message, "UnknownMethod", message.member)

    def _signal(self, member: str, signature: str = "", body: tuple[Any, ...] = ()) -> None:
        self.bus.emit(WATCHER_PATH, WATCHER, member, signature, body)

    def registered(self) -> bool:
        """Whether an item is at the watcher, which is a real panel's; it is the one that is asked from then on."""
        items = self.call(WATCHER, WATCHER_PATH, PROPERTIES, "Get", "ss", WATCHER, "RegisteredStatusNotifierItems")[1]
        # xfce4-panel names the object too; the harness wants the bus name alone.
        self.items = [name.split("/")[0] for name in items if "StatusNotifierItem" in name]
        return bool(self.items)

    def set_host(self, present: bool) -> None:
        """Let a panel come to the watcher, or go."""
        self._with_host = present
        self._signal("StatusNotifierHostRegistered" if present else "StatusNotifierHostUnregistered")

    # The panel

    @property
    def item(self) -> str:
        """The first item's bus name, waited for."""
        return wait_until(lambda: self.items, what="an item that registers")[0]

    def ask_item(self, member: str, signature: str = "", *body: Any) -> Any:
        """Call a method of the item."""
        return self.call(self.item, ITEM_PATH, ITEM, member, signature, *body)

    def ask_menu(self, member: str, signature: str = "", *body: Any) -> Any:
        """Call a method of the item's menu."""
        return self.call(self.item, self.get("Menu"), MENU, member, signature, *body)

    def get(self, name: str) -> Any:
        """Read one property of the item."""
        return self.call(self.item, ITEM_PATH, PROPERTIES, "Get", "ss", ITEM, name)[1]

    def get_all(self, interface: str = ITEM) -> dict[str, Any]:
        """Read all properties of the item or of its menu."""
        path = ITEM_PATH if interface == ITEM else self.get("Menu")
        values = self.call(self.item, path, PROPERTIES, "GetAll", "s", interface)
        return {name: value for name, (_, value) in values.items()}

    def tooltip(self) -> tuple[str, str]:
        """The tooltip's title and description."""
        _, _, title, description = self.get("ToolTip")
        return title, description

    def pixel(self, size: int, x: int, y: int) -> tuple[int, int, int, int]:
        """One pixel of the icon of this width as red, green, blue, alpha."""
        width, _, data = next(pixmap for pixmap in self.get("IconPixmap") if pixmap[0] == size)
        alpha, red, green, blue = data[4 * (y * width + x) :][:4]
        return red, green, blue, alpha

    def layout(self, parent: int = 0, depth: int = -1, names: tuple[str, ...] = ()) -> tuple[int, Entry]:
        """Read the menu or a part of it, with its revision."""
        revision, tree = self.ask_menu("GetLayout", "iias", parent, depth, list(names))
        return revision, _entry(tree)

    def menu(self) -> Entry:
        """Read the whole menu."""
        return self.layout()[1]

    def labels(self) -> list[str]:
        """The menu as lines of text."""
        return list(self.menu().lines())

    def entry(self, *labels: str) -> Entry:
        """Find an item by the labels on the way to it, waited for."""

        def look() -> Entry | None:
            found = self.menu()
            for label in labels:
                match = [child for child in found.children if child.label == label]
                if not match:
                    return None
                found = match[0]
            return found

        result = wait_until(look, what=f"the menu item {' > '.join(labels)}")
        assert result is not None
        return result

    def click(self, *labels: str) -> None:
        """Click an item."""
        self.send_event(self.entry(*labels).id)

    def send_event(self, number: int, event: str = "clicked") -> None:
        """Send an event to an item by its id."""
        self.ask_menu("Event", "isvu", number, event, ("s", ""), 0)

    def about_to_show(self, number: int = 0) -> bool:
        """Say that a menu is about to be shown; the answer is whether it has to be read anew."""
        return bool(self.ask_menu("AboutToShow", "i", number))

    def seen(self, member: str, since: float = 0.0) -> list[Signal]:
        """The signals of this name that came since a moment."""
        return [signal for signal in list(self.signals) if signal.member == member and signal.at >= since]

    def wait_for(self, member: str, since: float = 0.0, seconds: float = 10.0) -> Signal:
        """Wait for a signal."""
        return wait_until(lambda: self.seen(member, since), seconds, f"the signal {member}")[0]


def has_watcher(address: str) -> bool:
    """Whether a panel is there that shows items."""
    with Peer(address) as peer:
        return peer.has_owner(WATCHER)


def _entry(encoded: tuple[int, dict[str, Any], list[Any]]) -> Entry:
    number, properties, children = encoded
    value = {name: content for name, (_, content) in properties.items()}
    return Entry(
        number,
        value.get("label", "").replace("__", "_"),
        value.get("enabled", True),
        value.get("type") == "separator",
        value.get("toggle-type", ""),
        value.get("toggle-state") == 1,
        value.get("children-display") == "submenu",
        tuple(_entry(child) for _, child in children if child[1].get("visible", ("b", True))[1]),
    )


@contextlib.contextmanager
def running(icon: Any) -> Iterator[Any]:
    """Run an icon on a thread of its own and stop it at the end; it must stop promptly."""
    thread = threading.Thread(target=icon.run, name="icon")
    thread.start()
    try:
        yield icon
    finally:
        icon.stop()
        thread.join(5)
        assert not thread.is_alive(), "the icon did not stop"
