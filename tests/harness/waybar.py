"""waybar on sway: the bar that most people on wlroots' compositors have, with its module `tray`."""

import functools
import json
import subprocess
from dataclasses import dataclass
from typing import Self

from PIL import Image, ImageChops

from tests.harness.desktop import PrivateBus, Screen, end
from tests.harness.host import Entry, Host
from tests.harness.need import need
from tests.harness.poll import wait_until
from tests.harness.sway import Sway

HEIGHT = 30
# Nothing but the tray and a clock; all else is waybar's and GTK's own.
CONFIG = {
    "layer": "top",
    "position": "top",
    "height": HEIGHT,
    "modules-left": ["clock"],
    "modules-right": ["tray"],
    "tray": {"icon-size": 21, "spacing": 10},
}
MENU = (250, 250, 249)
"""The colour of the menus, which nothing else on the screen has."""
STYLE = """* {{ font-family: 'DejaVu Sans'; font-size: 13px; }}
window#waybar {{ background-color: #2b303b; color: #ffffff; }}
#tray, #clock {{ padding: 0 8px; }}
menu {{ background-color: {menu}; color: #1a1a1a; border: 1px solid #888888; }}
"""


ROW, SEPARATOR = 25, 1  # pixels, in that font


class Waybar:
    """The bar at the upper edge of a sway."""

    def __init__(self, bus: PrivateBus, sway: Sway) -> None:
        need("waybar", "apt-get install --no-install-recommends waybar")
        self._bus, self._sway = bus, sway
        self._config, self._style = bus.home / "waybar.json", bus.home / "waybar.css"
        self._config.write_text(json.dumps(CONFIG))
        self._style.write_text(STYLE.format(menu=f"#{bytes(MENU).hex()}"))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it may take a moment until it takes icons."""
        self._process = self._bus.run(
            "waybar", "-c", str(self._config), "-s", str(self._style), GDK_BACKEND="wayland", **self._sway.environment
        )

    def stop(self) -> None:
        """End it as a session does."""
        if self._process:
            end(self._process)
            self._process = None

    def kill(self) -> None:
        """End it without a chance to say goodbye."""
        assert self._process
        self._process.kill()
        self._process.wait()
        self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@dataclass(frozen=True)
class Box:
    """An open menu on the screen."""

    left: int
    top: int
    right: int
    bottom: int

    def row(self, entries: tuple[Entry, ...], label: str) -> tuple[int, int]:
        """The place of an item of this menu; an AssertionError if the menu on the screen has not as many rows."""
        heights = [SEPARATOR if entry.separator else ROW for entry in entries]
        edges = self.bottom - self.top - sum(heights)
        assert 0 <= edges < ROW, f"{self} does not have the rows {[entry.label for entry in entries]}"
        (number,) = [number for number, entry in enumerate(entries) if entry.label.startswith(label)]
        return self.left + 60, self.top + edges // 2 + sum(heights[:number]) + ROW // 2


class Person:
    """Who looks at the bar and clicks: what stands in a menu is read over the bus, where it is from the screen."""

    def __init__(self, screen: Screen, bus: PrivateBus) -> None:
        self.screen, self._bus = screen, bus

    def sees(self, colour: tuple[int, ...]) -> tuple[int, int] | None:
        """Where something in the colour of an icon is in the bar."""
        picture = self.screen.look()
        box = _only(picture.crop((0, 0, picture.width, HEIGHT)), colour, 3).getbbox()
        return ((box[0] + box[2]) // 2, (box[1] + box[3]) // 2) if box else None

    def looks_for(self, colour: tuple[int, ...]) -> tuple[int, int]:
        """Wait for the icon in the colour of a state."""
        place = wait_until(lambda: self.sees(colour), 30, f"an icon in {colour}", every=0.1)
        assert place is not None
        return place

    def boxes(self) -> list[Box]:
        """The open menu first, then its submenu, which opens on its left."""
        mask = _only(self.screen.look(), MENU)
        columns, _ = mask.getprojection()
        found, right = list[Box](), len(columns)
        while any(columns[:right]):
            right = len(columns[:right]) - columns[:right][::-1].index(1)
            left = right - (columns[:right][::-1].index(0) if 0 in columns[:right] else right)
            _, top, _, bottom = mask.crop((left, 0, right, mask.height)).getbbox() or (0, 0, 0, 0)
            found.append(Box(left, top, right, bottom))
            right = left
        return found

    def menu(self, number: int = 1) -> Box:
        """The newest of so many menus, once it stands still."""

        def settled() -> list[Box]:
            first, second = self.boxes(), self.boxes()
            return first if len(first) == number and first == second else []

        return wait_until(settled, 20, f"{number} menus on the screen")[-1]

    def opens_menu(self, place: tuple[int, int]) -> Box:
        """Click on the icon with the left button."""
        self.screen.click_at(*place)
        return self.menu()

    def entries(self, *labels: str) -> tuple[Entry, ...]:
        """What stands in the menu, or in a submenu of it."""
        with Host(self._bus.address, watcher=False) as host:
            return host.entry(*labels).children if labels else host.menu().children

    def clicks(self, label: str, *submenu: str) -> None:
        """Click an item in the open menu, or in the open submenu."""
        box = self.menu(1 + len(submenu))
        self.screen.click_at(*box.row(self.entries(*submenu), label))


def _only(picture: Image.Image, colour: tuple[int, ...], tolerance: int = 0) -> Image.Image:
    """A mask of everything in one colour."""
    bands = ImageChops.difference(picture, Image.new("RGB", picture.size, colour)).split()
    return functools.reduce(ImageChops.lighter, bands).point(lambda value: 255 * (value <= tolerance))
