"""KDE Plasma on a screen in memory: its window manager, its daemons and its shell, ended again with all they started.

Started by hand, in the order of a login: kwin_x11, then kded5, where the watcher for tray icons lives, and plasmashell,
which is the panel, the menus, the tooltips and the notifications. Everything draws without a graphics card.
"""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

from PIL import Image
from Xlib.display import Display
from Xlib.error import XError
from Xlib.X import AnyPropertyType, IsViewable

from tests.harness.desktop import PrivateBus, Screen, end
from tests.harness.host import WATCHER, Peer
from tests.harness.need import need
from tests.harness.poll import wait_until
from tests.harness.screen_reader import ALWAYS, Part, ScreenReader

INSTALL = (
    "sudo apt-get install --no-install-recommends plasma-workspace plasma-desktop kwin-x11 breeze-icon-theme"
    " at-spi2-core fonts-noto-color-emoji"
)
SHELL = "plasmashell"
SESSION = {
    "XDG_CURRENT_DESKTOP": "KDE",
    "XDG_SESSION_TYPE": "x11",
    "KDE_FULL_SESSION": "true",
    "KDE_SESSION_VERSION": "5",
    "QT_QUICK_BACKEND": "software",
    "LIBGL_ALWAYS_SOFTWARE": "1",
    "KWIN_COMPOSE": "N",  # effects in software would take both processors
} | ALWAYS
# What a person can set: notifications that stay, so that there is time to look at them.
SETTINGS = {"plasmanotifyrc": "[Notifications]\nPopupTimeout=120000\n"}
DARK = {
    "plasmarc": "[Theme]\nname=breeze-dark\n",
    "kdeglobals": Path("/usr/share/color-schemes/BreezeDark.colors"),
}
POPUP, TOOLTIP, NOTIFICATION, PANEL = "POPUP_MENU", "TOOLTIP", "NOTIFICATION", "DOCK"


class Window(NamedTuple):
    """A window that is open, and where; the newest is in front."""

    x: int
    y: int
    width: int
    height: int
    number: int = 0

    @property
    def right(self) -> int:
        """The first column that is not its own."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first line that is not its own."""
        return self.y + self.height


class Plasma:
    """A session of Plasma without its shell, which comes by `start_shell`; `dark=True` is Breeze Dark."""

    def __init__(self, dark: bool = False) -> None:
        for program in ("kwin_x11", "kded5", "plasmashell"):
            need(program, INSTALL)
        need(Path("/usr/libexec/at-spi-bus-launcher").exists(), INSTALL)
        self.bus = PrivateBus(services=True)
        self.screen = Screen()
        self._settings: dict[str, str | Path] = SETTINGS | (DARK if dark else {})
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.screen)
            # The bus starts programs too, so it has to know the screen.
            self.bus.environ |= SESSION | {"DISPLAY": self.screen.display}
            stack.enter_context(self.bus)
            folder = Path(self.bus.environ["XDG_CONFIG_HOME"])
            folder.mkdir()
            for name, text in self._settings.items():
                (folder / name).write_text(text if isinstance(text, str) else text.read_text())
            # They are killed in the end: nothing of theirs is worth a farewell, which takes kded5 seconds.
            stack.callback(self.kill_all)
            for program in ("kwin_x11", "kded5"):
                self.start(program)
            wait_until(lambda: self.has_owner("org.kde.KWin"), 90, "Plasma's window manager", every=0.2)
            wait_until(lambda: self.has_owner(WATCHER), 90, "Plasma's watcher for tray icons", every=0.2)
            self.reader = stack.enter_context(ScreenReader(self.bus.address))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def has_owner(self, name: str) -> bool:
        """Whether somebody owns a name on the bus."""
        with Peer(self.bus.address) as peer:
            return peer.has_owner(name)

    def start(self, program: str) -> None:
        """Start kwin_x11, kded5 or plasmashell."""
        more = ("--no-respawn",) if program == SHELL else ()
        self._running[program] = self.bus.run(program, *more)

    def start_shell(self) -> None:
        """Start the shell and wait for its panel."""
        self.start(SHELL)
        wait_until(lambda: self.windows(PANEL), 90, "Plasma's panel", every=0.2)

    def stop(self, program: str) -> None:
        """End one of the programs in order."""
        end(self._running.pop(program))

    def kill(self, program: str) -> None:
        """SIGKILL one of the programs."""
        process = self._running.pop(program)
        process.kill()
        process.wait()

    def kill_all(self) -> None:
        """SIGKILL all of them."""
        for program in list(self._running):
            self.kill(program)

    def windows(self, kind: str) -> list[Window]:
        """The windows of a kind that can be seen, the one in front first."""
        display = Display(self.screen.display)
        try:
            wanted = display.intern_atom(f"_NET_WM_WINDOW_TYPE_{kind}")
            asked = display.intern_atom("_NET_WM_WINDOW_TYPE")
            return list(_windows(display.screen().root, asked, wanted))[::-1]
        finally:
            display.close()

    def one(self, kind: str, number: int = 1) -> Window:
        """The newest of so many windows of a kind, waited for until it stays where it is."""

        def settled() -> list[Window]:
            first = self.windows(kind)
            return first if len(first) == number and first == self.windows(kind) else []

        return wait_until(settled, 30, f"{number} x {kind} on the screen", every=0.1)[0]

    def gone(self, kind: str) -> None:
        """Wait until no window of a kind is open."""
        wait_until(lambda: not self.windows(kind), 30, f"the end of every {kind}", every=0.1)

    def read(self, kind: str, number: int = 1) -> Part:
        """The newest of so many windows of a kind as a screen reader reads it."""

        def found() -> list[Part]:
            at = self.one(kind, number)[:4]
            if kind == POPUP:
                return [menu for menu in self.reader.menus() if (menu.x, menu.y, menu.width, menu.height) == at]
            return self.reader.windows(SHELL, at)

        return wait_until(found, 30, f"the words of the {kind}", every=0.1)[0]

    def picture(self, window: Window) -> Image.Image:
        """What a window looks like now, as far as it is on the screen."""
        return self.screen.look().crop((window.x, window.y, window.right, window.bottom))

    def hover(self, x: int, y: int) -> None:
        """Move the pointer there in small steps: a Qt menu takes a jump for no movement."""
        for step in (9, 6, 3, 1, 0):
            self.screen._do("xdotool", "mousemove", str(x - step), str(y))

    def click(self, x: int, y: int, button: int = 1) -> None:
        """Go there and click."""
        self.hover(x, y)
        self.screen._do("xdotool", "click", str(button))


def _windows(parent: object, asked: int, wanted: int) -> Iterator[Window]:
    """The windows below one whose kind is the wanted one; kwin puts two more around each that it manages."""
    for window in parent.query_tree().children:  # type: ignore[attr-defined]
        with contextlib.suppress(XError):  # it closed while we looked
            if window.get_attributes().map_state != IsViewable:
                continue
            kinds = window.get_full_property(asked, AnyPropertyType)
            if kinds is None:
                yield from _windows(window, asked, wanted)
            elif wanted in kinds.value:
                place, here = window.get_geometry(), window.translate_coords(window.get_geometry().root, 0, 0)
                yield Window(-here.x, -here.y, place.width, place.height, window.id)
