"""The real panel, the real notification server, the X server and the bus killed with -9 under a running trayd."""

import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import ImageColor

from tests.harness.ask import free_port
from tests.harness.desktop import PrivateBus, Screen, XfcePanel
from tests.harness.host import Peer
from tests.harness.need import need
from tests.harness.notification_server import NOTIFICATIONS, NotificationServer
from tests.harness.poll import wait_until
from tests.harness.processes import footprint, settled
from tests.harness.program import Trayd
from tests.harness.responder import Responder, engine
from trayd.core.view import IconSpec
from trayd.tray import artwork

pytestmark = [pytest.mark.desktop, pytest.mark.timeout(300)]

TIMES, WARM = 10, 3
MENU_PATH, MENU = "/MenuBar", "com.canonical.dbusmenu"


class Desktop:
    """A bus, a screen and a panel that can be killed, and a trayd that is not."""

    def __init__(self) -> None:
        self.bus = PrivateBus(services=True)
        self.screen = Screen()

    def see(self) -> None:
        """The icon is on the screen, in its state's colour, and a click opens its menu."""
        colour = ImageColor.getrgb(artwork.colour(IconSpec("unreachable")))
        place = wait_until(lambda: self.screen.find_colour(*colour[:3]), 30, "the icon in the panel")
        assert place
        self.screen.click_at(*place)
        wait_until(self.screen.popups, 10, "its menu")
        self.screen.key("Escape")
        self.screen.move_to(400, 400)  # off the icon, which has a tooltip
        wait_until(lambda: not self.screen.popups(), 10, "the end of its menu")

    def _menu(self, peer: Peer) -> tuple[str, Any]:
        names = peer.call("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "ListNames")
        item = next(name for name in names if f"-{self.trayd.pid}-" in name)
        return item, peer.call(item, MENU_PATH, MENU, "GetLayout", "iias", 0, -1, ["label"])[1]

    def labels(self) -> str:
        """Everything that the menu says; there need be no panel for that."""
        with Peer(self.bus.address) as peer:
            return str(self._menu(peer)[1])

    def click(self, label: str) -> None:
        """Click an item of the menu, in whatever submenu, as a panel does."""
        with Peer(self.bus.address) as peer:
            item, tree = self._menu(peer)
            peer.call(item, MENU_PATH, MENU, "Event", "isvu", find(tree, label), "clicked", ("s", ""), 0)


def find(tree: Any, label: str) -> int:
    number, properties, children = tree
    if properties.get("label") == ("s", label):
        return int(number)
    return next((found for _, child in children if (found := find(child, label))), 0)


@pytest.fixture
def desktop() -> Iterator[Desktop]:
    here = Desktop()
    with here.bus, here.screen:
        here.panel = XfcePanel(here.bus, here.screen)
        here.trayd = Trayd(DBUS_SESSION_BUS_ADDRESS=here.bus.address, DISPLAY=here.screen.display)
        here.trayd.profile("office", "host: unix:///nowhere.sock\n")
        with here.panel, here.trayd:
            here.see()
            yield here


def paste(screen: Screen) -> str:
    line = ["xclip", "-o", "-selection", "clipboard"]
    environ = {**os.environ, "DISPLAY": screen.display}
    return subprocess.run(line, env=environ, capture_output=True, text=True, timeout=10).stdout


def test_the_real_panel_is_killed(desktop: Desktop) -> None:
    """Each new panel shows the icon and opens its menu."""
    held = {}
    for number in range(3):
        desktop.panel.kill()
        desktop.panel.start()
        desktop.see()
        held[number] = settled(desktop.trayd.pid)
    assert held[2] == held[1]


def test_the_real_bus_is_killed(desktop: Desktop) -> None:
    """A panel on the new bus shows the icon and opens its menu, whatever became of the old one."""
    held = {}
    for number in range(3):
        desktop.bus.stop()
        desktop.panel.kill()
        desktop.bus.start()
        desktop.panel.start()
        desktop.see()
        held[number] = settled(desktop.trayd.pid)
    assert held[2] == held[1]


def test_the_real_notification_server_is_killed(desktop: Desktop) -> None:
    """Each new dunst shows what comes next, here an engine's return or loss."""
    need("dunst", "sudo apt-get install --no-install-recommends dunst")
    port = free_port()
    desktop.trayd.profile("small", f"host: tcp://127.0.0.1:{port}\nhealth: {{interval: 1s, timeout: 2s, grace: 0s}}\n")
    for _ in range(3):
        wait_until(lambda: not desktop.screen.popups(), what="the end of what the last one showed")
        dunst = desktop.bus.run("dunst", DISPLAY=desktop.screen.display)
        try:
            with Peer(desktop.bus.address) as peer, Responder(engine(), port=port):
                wait_until(lambda peer=peer: peer.has_owner(NOTIFICATIONS), what="dunst")
                wait_until(lambda: "small  ●  reachable" in desktop.labels(), 20, "the engine")
            wait_until(desktop.screen.popups, 20, "the notification")
        finally:
            dunst.kill()
            dunst.wait()
    desktop.see()


def test_the_screen_is_killed(desktop: Desktop) -> None:
    """trayd goes on without a display: a copy says why it cannot be; with the next one, icon and copies are back."""
    need("xclip", "sudo apt-get install xclip")
    held: list[dict[str, object]] = []
    with NotificationServer(desktop.bus.address) as notes:
        for number in range(TIMES):
            desktop.click("fish")
            wait_until(lambda: "DOCKER_HOST" in paste(desktop.screen), 10, "the text on the clipboard")
            desktop.screen.kill()
            wait_until(lambda: not desktop.panel.running, 10, "the end of the panel, which has no screen any more")
            desktop.panel.kill()
            desktop.click("fish")
            wait_until(lambda number=number: len(notes.notes) > number, 20, "the word that there is no clipboard")
            told = f"{notes.notes[-1].title} {notes.notes[-1].body}"
            assert f"no X server lets us in at {desktop.screen.display}" in told
            assert "trayd env" in told
            if len(held) < WARM:
                held.append(settled(desktop.trayd.pid))
            else:
                wait_until(lambda: footprint(desktop.trayd.pid) == held[-1], 10, f"what it held before: {held[-1]}")
            desktop.screen.start()
            desktop.panel.start()
            desktop.see()
        assert len(notes.notes) == TIMES
    assert desktop.trayd.stop() == 0
