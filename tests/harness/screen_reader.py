"""What a program tells a screen reader about its windows: the words, marks and places of what a person sees.

This is AT-SPI, over a bus of its own that the session bus knows. So a test reads a tooltip, a menu or a notification
as the desktop drew it, whatever font and language it is in, and knows where to click.
"""

from typing import Any, NamedTuple

from tests.harness.host import PROPERTIES, Peer, Refused
from trayd.tray.bus import Incoming

REGISTRY = "org.a11y.atspi.Registry"
ROOT = "/org/a11y/atspi/accessible/root"
ACCESSIBLE, COMPONENT, TEXT = "org.a11y.atspi.Accessible", "org.a11y.atspi.Component", "org.a11y.atspi.Text"
STATES = {"checked": 4, "enabled": 8, "focused": 12, "showing": 25}
ALWAYS = {"QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1"}  # for Qt's programs: without a screen reader they tell nothing

Place = tuple[str, str]  # a bus name and a path


class Part(NamedTuple):
    """Something on the screen, as it is read out: what it is, what it says, its marks, where it is, what is in it."""

    role: str
    text: str
    states: frozenset[str]
    x: int
    y: int
    width: int
    height: int
    parts: tuple["Part", ...]

    @property
    def middle(self) -> tuple[int, int]:
        """Where to click."""
        return self.x + self.width // 2, self.y + self.height // 2

    @property
    def texts(self) -> list[str]:
        """Everything that it says, inside included."""
        return [*([self.text] if self.text else []), *(text for part in self.parts for text in part.texts)]

    def find(self, text: str, role: str = "") -> "Part | None":
        """The first part inside that begins with a text."""
        for part in self.parts:
            if part.text.startswith(text) and role in ("", part.role):
                return part
            if inside := part.find(text, role):
                return inside
        return None


class ScreenReader(Peer):
    """Reads what the programs of a session show."""

    def __init__(self, session: str) -> None:
        self._popups: list[Place] = []
        with Peer(session) as peer:
            address = peer.call("org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress")
        super().__init__(address)
        self.bus.listen("type='signal',interface='org.a11y.atspi.Event.Object',member='StateChanged'")
        self.call(
            REGISTRY, "/org/a11y/atspi/registry", REGISTRY, "RegisterEvent", "sass", "object:state-changed", [], ""
        )

    def _came(self, message: Incoming) -> None:
        # Qt does not list its menus among a program's windows: one hears of them when they open.
        if not message.call and message.member == "StateChanged" and message.body[:2] == ("showing", 1):
            place = message.sender, message.path
            self._popups = [*(popup for popup in self._popups if popup != place), place]

    def windows(self, program: str, at: tuple[int, int, int, int] | None = None) -> list[Part]:
        """The windows of a program that can be seen, without the menus; or the one in this place."""
        found = []
        for place in self._children((REGISTRY, ROOT)):
            if self._get(place, "Name") == program:
                for window in self._children(place):
                    if "showing" in self._states(window) and at in (None, self._place(window)):
                        found.append(self._part(window))
        return found

    def menus(self) -> list[Part]:
        """The menus that are open, the oldest first."""
        found = []
        for place in self._popups:
            try:
                if self._ask(place, ACCESSIBLE, "GetRoleName") == "popup menu" and "showing" in self._states(place):
                    found.append(self._part(place, 1))
            except Refused:
                continue  # it closed while we looked
        return found

    def _ask(self, place: Place, interface: str, member: str, signature: str = "", *body: Any) -> Any:
        return self.call(*place, interface, member, signature, *body)

    def _get(self, place: Place, name: str) -> str:
        return str(self._ask(place, PROPERTIES, "Get", "ss", ACCESSIBLE, name)[1])

    def _children(self, place: Place) -> list[Place]:
        return list(self._ask(place, ACCESSIBLE, "GetChildren"))

    def _states(self, place: Place) -> frozenset[str]:
        low, high = self._ask(place, ACCESSIBLE, "GetState")
        return frozenset(name for name, bit in STATES.items() if (low | high << 32) >> bit & 1)

    def _place(self, place: Place) -> tuple[int, int, int, int]:
        x, y, width, height = self._ask(place, COMPONENT, "GetExtents", "u", 0)
        return x, y, width, height

    def _part(self, place: Place, depth: int = 20) -> Part:
        role = self._ask(place, ACCESSIBLE, "GetRoleName")
        text = self._ask(place, TEXT, "GetText", "ii", 0, -1) if role == "text" else self._get(place, "Name")
        states = self._states(place)
        inside = tuple(self._part(child, depth - 1) for child in self._children(place)) if depth else ()
        return Part(role, text, states, *self._place(place), inside)
