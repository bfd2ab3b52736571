"""Desktops without any tray: said once, in a notification; all else works, and the icon comes with a tray."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.harness.desktop import PrivateBus, Screen, end
from tests.harness.host import Peer
from tests.harness.need import need
from tests.harness.notification_server import NOTIFICATIONS, Note, NotificationServer
from tests.harness.poll import wait_until
from tests.harness.program import Trayd
from tests.harness.sway import Sway
from tests.harness.trays import Trayer
from tests.harness.waybar import Person, Waybar
from trayd.app import App
from trayd.core.trayless import PATIENCE
from trayd.core.view import IconSpec
from trayd.tray.artwork import colour

pytestmark = pytest.mark.desktop

ORANGE = tuple(bytes.fromhex(colour(IconSpec("unreachable"))[1:]))
TITLE = "There is no tray here, so there is no icon"


def remembered() -> dict[str, object]:
    path = Path(os.environ["XDG_STATE_HOME"], "trayd", "state.json")
    return dict(json.loads(path.read_text())) if path.exists() else {}


def test_plain_sway(tmp_path: Path) -> None:
    """dunst shows one notification that names waybar; menu and commands work; the icon comes with a later waybar."""
    need("dunst", "apt-get install --no-install-recommends dunst")
    with Screen() as screen, PrivateBus() as bus, Sway(screen) as sway:
        (bus.home / "dunstrc").write_text("[urgency_normal]\ntimeout = 0\n")
        dunst = bus.run("dunst", "-conf", str(bus.home / "dunstrc"), **sway.environment)

        def control(*words: str) -> str:
            done = subprocess.run(
                ["dunstctl", *words], env=bus.environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=20
            )
            return done.stdout.decode()

        person = Person(screen, bus)
        trayd = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address, SWAYSOCK="there", **sway.environment)
        for name in ("lab", "office"):
            trayd.profile(name, f"host: unix:///{name}.sock\n")
        try:
            with Peer(bus.address) as peer:
                wait_until(lambda: peer.has_owner(NOTIFICATIONS), 30, "dunst")
            with trayd:
                wait_until(lambda: remembered().get("trayless"), PATIENCE + 40, "the word that there is no tray")
                wait_until(lambda: control("count", "displayed").strip() != "0", 20, "the notification in dunst")
                sway.screenshot(tmp_path / "no-tray.png", (624, 0, 400, 160))
                assert "office" in trayd.say("menu", "--plain").stdout
                assert trayd.say("use", "office").returncode == 0
                assert "office" in trayd.say("status").stdout
                control("close-all")  # the icon stands in it, too
                with Waybar(bus, sway):
                    person.opens_menu(person.looks_for(ORANGE))
                    assert [e.label.split()[0] for e in person.entries() if e.checked] == ["office"]
                    wait_until(lambda: not remembered()["trayless"], 20, "the note that there is a tray")
                    assert remembered()["active"] == "office"
            assert control("count", "displayed").strip() == "0"
            told = json.loads(control("history"))["data"][0]
            (text,) = [one["body"]["data"] for one in told if one["summary"]["data"] == TITLE]
            assert text.startswith("Start a bar that has a tray, such as waybar")
        finally:
            end(dunst)


def test_gnome_without_its_extension(tmp_path: Path) -> None:
    """A bare X screen that is called GNOME is told of the extension; the next start knows that, and finds a tray."""
    with Screen() as screen, PrivateBus() as bus, NotificationServer(bus.address) as notes:

        def told() -> list[Note]:
            return [note for note in notes.notes if note.title == TITLE]

        trayd = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address, DISPLAY=screen.display, XDG_CURRENT_DESKTOP="ubuntu:GNOME")
        trayd.profile("office", "host: unix:///office.sock\n")
        with trayd:
            wait_until(told, PATIENCE + 40, "the word that there is no tray")
            assert "AppIndicator and KStatusNotifierItem Support" in told()[0].body
            assert trayd.stop() == 0
        assert App(remembers=False).snapshot.trayless.told
        with Trayer(screen, tmp_path), trayd:
            wait_until(lambda: screen.find_colour(*ORANGE[:3], tolerance=3), 30, "the icon")
            wait_until(lambda: not remembered()["trayless"], 20, "the note that there is a tray")
        assert len(told()) == 1
