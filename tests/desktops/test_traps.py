"""Traps of a tray icon's life, with the real program in XFCE's real panel."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from tests.harness.desktop import PrivateBus, Screen, XfcePanel
from tests.harness.host import Host, has_watcher
from tests.harness.poll import wait_until
from tests.harness.program import Trayd
from trayd.core.view import IconSpec
from trayd.tray.artwork import colour
from trayd.tray.sni_text import in_order

pytestmark = [pytest.mark.desktop, pytest.mark.timeout(120)]

LOST = tuple(bytes.fromhex(colour(IconSpec("unreachable"))[1:]))
REFUSED = "host: unix:///nowhere.sock\n"
NAMES = {
    "long": "n" * 64,
    "right to left": "שרת בנייה ראשי",
    "emoji": "🐳 build 🚀",
    "underscores": "_my__office_",
    "markup": "<b>lab & co<i>",
    "quotes": 'it\'s "$HOME" `id` %s {0}',
}


class Desktop:
    """A panel with the program's icon in it, and a second reader of its menu."""

    def __init__(self, bus: PrivateBus, screen: Screen, panel: XfcePanel, host: Host) -> None:
        self.bus, self.screen, self.panel, self.host = bus, screen, panel, host
        self.trayd = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address, DISPLAY=screen.display)

    def find(self) -> tuple[int, int]:
        place = wait_until(lambda: self.screen.find_colour(*LOST), 30, "the icon of a lost engine in the panel")
        assert place is not None
        return place

    def open_menu(self) -> tuple[int, int, int, int]:
        self.screen.click_at(*self.find())
        return self.popup(1)

    def popup(self, number: int) -> tuple[int, int, int, int]:
        def settled() -> list[tuple[int, int, int, int]]:
            first, second = self.screen.popups(), self.screen.popups()
            return first if len(first) == number and first == second else []

        return wait_until(settled, 20, f"{number} menus on the screen")[0]

    def active(self) -> str:
        return next((e.label for e in self.host.menu().children if e.checked), "")


@pytest.fixture(params=[""])
def desktop(request: pytest.FixtureRequest) -> Iterator[Desktop]:
    scale = {"GDK_SCALE": "2", "GDK_DPI_SCALE": "1"} if request.param == "2x" else {}
    bus, size = PrivateBus(services=True), (2048, 1200) if scale else (1024, 768)
    bus.environ |= scale
    with bus, Screen(*size) as screen, XfcePanel(bus, screen) as panel:
        wait_until(lambda: has_watcher(bus.address), 30, "the panel's watcher")
        with Host(bus.address, watcher=False) as host:
            yield Desktop(bus, screen, panel, host)


def seen_by(host: Host) -> None:
    """Let the second reader know the item, which registered with the panel."""
    wait_until(host.registered, 30, "trayd's icon at the panel's watcher")


def keep(desktop: Desktop, name: str) -> None:
    """Keep a picture for a person to look at, if TRAYD_SCREENSHOTS names a folder."""
    if folder := os.environ.get("TRAYD_SCREENSHOTS"):
        desktop.screen.screenshot(Path(folder, f"{name}.png"))


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_any_name_stands_in_the_menu_as_it_is(desktop: Desktop, name: str) -> None:
    """No letter of a profile's name is taken for a mnemonic, for markup or for a shell's, and the menu stays a menu."""
    desktop.trayd.profile("lab", REFUSED)
    desktop.trayd.profile(name, REFUSED)
    with desktop.trayd:
        seen_by(desktop.host)
        label = in_order(f"{name}  ✖  not running")
        desktop.host.click(label)
        wait_until(lambda: desktop.host.entry(label).checked, what="the switch to it")
        wait_until(lambda: name.split()[0].strip("<b>") in desktop.host.tooltip()[0], what="its name in the tooltip")
        _, _, width, _ = desktop.open_menu()
        assert width < 1000
        keep(desktop, f"trap-{next(key for key, value in NAMES.items() if value == name)}")
        assert desktop.trayd.say("status", name).stdout.splitlines()[1].startswith(f"* {name}")


def test_a_name_that_is_too_long_is_said(desktop: Desktop) -> None:
    """A file with a name of 200 characters is refused by a sentence in the menu; the others are used."""
    desktop.trayd.profile("lab", REFUSED)
    desktop.trayd.profile("n" * 200, REFUSED)
    with desktop.trayd:
        seen_by(desktop.host)
        wait_until(lambda: "too long for a profile" in " ".join(desktop.host.labels()), what="the problem in the menu")
        _, _, width, _ = desktop.open_menu()
        assert width < 1000
        keep(desktop, "trap-too-long")


def test_forty_profiles_fit_on_the_screen(desktop: Desktop) -> None:
    """They are in a submenu that ends on the screen; its last one is chosen by keys, and shown without opening it."""
    for number in range(40):
        desktop.trayd.profile(f"engine-{number:02}", REFUSED)
    with desktop.trayd:
        seen_by(desktop.host)
        label = "Profiles (40, 40 not reachable)"
        wait_until(lambda: any(e.label == label for e in desktop.host.menu().children), 30, label)
        _, top, _, height = desktop.open_menu()
        assert top + height <= 768
        # From below: Quit, About, Settings, Copy environment, Profiles; greyed lines are passed over.
        desktop.screen.key("Up", "Up", "Up", "Up", "Up", "Right")
        x, y, width, height = desktop.popup(2)
        keep(desktop, "trap-forty")
        assert min(x, y) >= 0
        assert x + width <= 1024
        assert y + height <= 768
        desktop.screen.key("Up", "Return")
        wait_until(lambda: desktop.host.tooltip()[0].startswith("engine-39"), what="the switch to the last one")


def test_the_panel_restarts_with_the_menu_open(desktop: Desktop) -> None:
    """The panel takes its menu with it; the icon comes back, and its menu opens and works."""
    desktop.trayd.profile("lab", REFUSED)
    desktop.trayd.profile("office", REFUSED)
    with desktop.trayd:
        seen_by(desktop.host)
        desktop.open_menu()
        desktop.panel.kill()
        wait_until(lambda: not desktop.screen.popups(), 20, "the menu to go with its panel")
        desktop.panel.start()
        desktop.open_menu()
        desktop.screen.key("Escape")
        desktop.host.click("office  ✖  not running")
        wait_until(lambda: desktop.host.tooltip()[0].startswith("office"), what="the switch after the restart")


def test_two_panels_show_the_same(desktop: Desktop) -> None:
    """While the menu is open in one panel, a click in another one's switches; both show it, and the menu stays open."""
    desktop.trayd.profile("lab", REFUSED)
    desktop.trayd.profile("office", REFUSED)
    with desktop.trayd:
        seen_by(desktop.host)
        popup = desktop.open_menu()
        with Host(desktop.bus.address, watcher=False) as other:
            seen_by(other)
            other.click("office  ✖  not running")
            wait_until(lambda: other.entry("office  ✖  not running").checked, what="the switch in the other panel")
            wait_until(lambda: desktop.host.entry("office  ✖  not running").checked, what="the switch in this one")
        assert desktop.popup(1) == popup


@pytest.mark.parametrize("desktop", ["2x"], indirect=True)
def test_the_icon_is_sharp_at_twice_the_size(desktop: Desktop) -> None:
    """On a screen of 2x the panel gets a picture of that size: edges are as sharp as those of the artwork."""
    desktop.trayd.profile("lab", REFUSED)
    with desktop.trayd:
        x, y = desktop.find()
        wait_until(lambda: desktop.screen.find_colour(*LOST), 10, "the icon")
        around = desktop.screen.look().crop((x - 40, y - 40, x + 40, y + 40))
        keep(desktop, "trap-2x")
        solid = coloured(around)
        assert solid.width >= 32, f"{solid.size}"


def coloured(picture: Image.Image) -> Image.Image:
    """The part of a picture that has the icon's colour."""
    difference = ImageChops.difference(picture.convert("RGB"), Image.new("RGB", picture.size, LOST))
    box = difference.convert("L").point(lambda away: 255 if away < 6 else 0).getbbox()
    assert box is not None
    return picture.crop(box)
