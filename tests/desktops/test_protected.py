"""A protected profile in XFCE's real menu: the switch takes a second step, and the icon has a ring."""

import pytest
from PIL import Image, ImageColor

from tests.desktops.test_story import _colour
from tests.harness.desktop import PrivateBus, Screen, XfcePanel
from tests.harness.host import Host, has_watcher
from tests.harness.poll import wait_until
from tests.harness.program import Trayd
from trayd.core.view import IconSpec
from trayd.tray.artwork import colour

pytestmark = [pytest.mark.desktop, pytest.mark.timeout(120)]

PAINT = ImageColor.getrgb(colour(IconSpec("unreachable")))


def painted(picture: Image.Image) -> int:
    """How many pixels have (nearly) the colour of an icon that is not reachable."""
    counted = picture.getcolors(picture.width * picture.height)
    return sum(n for n, pixel in counted if max(abs(a - b) for a, b in zip(pixel, PAINT, strict=True)) < 12)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_only_the_second_step_switches(dark: bool) -> None:
    """The radio item of a protected profile is a submenu, too: GTK opens it, and "Yes" in it is what switches."""
    bus = PrivateBus(services=True)
    with bus, Screen() as screen, XfcePanel(bus, screen, dark=dark):
        trayd = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address, DISPLAY=screen.display)
        trayd.profile("lab", "host: unix:///nowhere.sock\n")
        trayd.profile("office", "host: unix:///nowhere-else.sock\nprotected: true\n")
        with trayd:
            wait_until(lambda: has_watcher(bus.address), 20, "the panel's watcher")
            with Host(bus.address, watcher=False) as host:
                wait_until(lambda: host.registered(), 20, "trayd's icon in the panel")
                wait_until(lambda: "office  ✖  not running  (protected)" in "".join(host.labels()), what="both states")
                assert _colour(host.get("IconPixmap")) == PAINT
                place = wait_until(lambda: screen.find_colour(*PAINT), 20, "the icon on the screen")
                before = painted(_around(screen, place))

                screen.click_at(*place)
                wait_until(screen.popups, what="the open menu")
                _open_first_submenu(screen)
                assert host.tooltip()[0].startswith("lab —")
                screen.key("Return")
                wait_until(lambda: host.tooltip()[0].startswith("office —"), what="the switch")
                wait_until(lambda: not screen.popups(), what="the closed menu")

                screen.move_to(place[0], 400)
                wait_until(lambda: painted(_around(screen, place)) < before, what="the smaller sign inside a ring")


def _around(screen: Screen, place: tuple[int, int]) -> Image.Image:
    return screen.look().crop((place[0] - 16, 0, place[0] + 16, 32))


def _open_first_submenu(screen: Screen) -> None:
    """Go down the menu with the keyboard until a submenu opens, which is the protected profile's."""
    for _ in range(12):
        screen.key("Down", "Right")
        try:
            wait_until(lambda: len(screen.popups()) > 1, 0.5, "a submenu")
        except AssertionError:
            continue
        return
    raise AssertionError("no line of the menu has a submenu")
