"""Notifications as a person meets them: trayd and a real engine, dunst as the server, a real screen, and clicks."""

import json
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.harness.desktop import PrivateBus, Screen, end
from tests.harness.dockerd import Dockerd
from tests.harness.host import Host, Peer, running
from tests.harness.need import need
from tests.harness.notification_server import NotificationServer
from tests.harness.poll import wait_until
from tests.harness.program import Trayd
from tests.harness.responder import Responder, engine
from tests.tray.icon_for_tests import an_icon
from trayd.core.messages import StartMachine

pytestmark = pytest.mark.desktop

NOTIFICATIONS = "org.freedesktop.Notifications"
# dunst shows the buttons in a menu of another program, which reads the lines and writes the chosen one.
CHOOSER = """#!/bin/sh
grep -m1 -f {wish}
"""
CONFIG = """[global]
    dmenu = {chooser}
    follow = none
[urgency_normal]
    timeout = 0
"""


class Dunst:
    """The notification server, and a person who looks at it and clicks."""

    def __init__(self, bus: PrivateBus, screen: Screen) -> None:
        for program in ("dunst", "dunstctl"):
            need(program, "sudo apt-get install --no-install-recommends dunst")
        self._bus = bus
        self.display = screen.display
        self._wish = bus.home / "wish"
        chooser, config = bus.home / "chooser", bus.home / "dunstrc"
        chooser.write_text(CHOOSER.format(wish=self._wish))
        chooser.chmod(0o755)
        config.write_text(CONFIG.format(chooser=chooser))
        self._process = bus.run("dunst", "-conf", str(config), DISPLAY=screen.display)
        with Peer(bus.address) as peer:
            wait_until(lambda: peer.has_owner(NOTIFICATIONS), 20, "dunst")

    def close(self) -> None:
        end(self._process)

    def control(self, *arguments: str) -> str:
        """Run dunstctl."""
        done = subprocess.run(
            ["dunstctl", *arguments], env=self._bus.environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=20
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def shown(self) -> int:
        """How many notifications stand on the screen."""
        return int(self.control("count", "displayed")) + int(self.control("count", "waiting"))

    def past(self) -> list[str]:
        """The titles of those that went, the oldest first."""
        entries = json.loads(self.control("history"))["data"][0]
        return [entry["summary"]["data"] for entry in reversed(entries)]

    def clipboard(self) -> str:
        """What a paste would give."""
        done = subprocess.run(
            ["xclip", "-o", "-selection", "clipboard", "-d", self.display],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
        )
        return done.stdout.decode()

    def click(self, label: str) -> None:
        """Choose a button in the menu of buttons."""
        self._wish.write_text(f"#{label} ")
        self.control("context")


@pytest.fixture
def dunst() -> Iterator[tuple[PrivateBus, Dunst]]:
    with Screen() as screen, PrivateBus() as bus:
        server = Dunst(bus, screen)
        try:
            yield bus, server
        finally:
            server.close()


@pytest.mark.engine
def test_the_notifications_of_a_real_engine(dunst: tuple[PrivateBus, Dunst], dockerd: Callable[..., Dockerd]) -> None:
    """A loss has buttons that work, its end stands in its place, and what was closed does not hide the next one."""
    need("xclip", "sudo apt-get install --no-install-recommends xclip")
    bus, server = dunst
    engine = dockerd()
    program = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address, DISPLAY=server.display)
    program.profile("office", f"host: {engine.unix_url}\nhealth: {{interval: 1s, timeout: 1s, grace: 1s}}\n")
    with Host(bus.address) as host, program:

        def reachable() -> None:
            # What trayd sent before it changed the tooltip, dunst has got before it is asked by us.
            wait_until(lambda: host.tooltip()[0].startswith("office — reachable"), 20, "the reachable icon")

        reachable()
        engine.kill()
        wait_until(lambda: server.shown() == 1, 20, "the notification of the loss")
        server.click("Copy details")
        wait_until(lambda: "✗ connection" in server.clipboard(), 20, "the details on the clipboard")
        engine.start()
        reachable()
        assert (server.shown(), server.past()) == (1, [])
        server.control("close")
        assert (server.shown(), server.past()) == (0, ["office is reachable again"])
        engine.kill()
        wait_until(lambda: server.shown() == 1, 20, "the next loss")
        server.control("close")
        assert server.past() == ["office is reachable again", "office: not reachable"]


def test_a_lone_button_is_the_click_on_the_notification(dunst: tuple[PrivateBus, Dunst]) -> None:
    """`dunstctl action` presses the only button there is, and its value comes back; so does the word of its end."""
    bus, server = dunst
    clicked: list[object] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
        with running(an_icon()) as icon:
            icon.on_button = clicked.append
            wait_until(lambda: icon._bus and icon._bus.unique_name)
            icon.notify_about("box", "no VBoxManage", "not started", (("Try again", StartMachine("box")),))
            wait_until(lambda: server.shown() == 1, 20, "the notification")
            server.control("action", "0")
            wait_until(lambda: clicked == [StartMachine("box")], what="the click")
            server.control("close")
            wait_until(lambda: not icon._notifications._subjects["box"].id, what="the word that it was closed")


def test_a_notification_bears_the_icon_of_what_it_tells() -> None:
    """The picture beside "not reachable" is that of an unreachable engine, not of the moment before."""
    with PrivateBus() as bus, NotificationServer(bus.address) as server:
        program = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address)
        with Responder(engine()) as running_engine:
            program.profile("office", f"host: {running_engine.url}\nhealth: {{interval: 1s, grace: 1s}}\n")
            with Host(bus.address) as host, program:
                wait_until(lambda: host.tooltip()[0].startswith("office — reachable"), 20, "the reachable icon")
                running_engine.__exit__()
                (note,) = wait_until(lambda: server.notes, 30, "the notification")
                width, _, _, _, _, channels, pixels = note.hints["image-data"][1]
                wait_until(lambda: "not reachable" in host.tooltip()[0], 20, "the icon of the loss")
                ours = next(data for size, _, data in host.get("IconPixmap") if size == width)
                told = {bytes(pixels[i : i + 3]) for i in range(0, len(pixels), channels) if pixels[i + 3] == 255}
                assert told == {bytes(ours[i + 1 : i + 4]) for i in range(0, len(ours), 4) if ours[i] == 255}
                running_engine.__enter__()
