"""The tray icon in waybar on sway: a real Wayland session, looked at and clicked with a mouse."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.desktop import PrivateBus, Screen, end
from tests.harness.dockerd import Dockerd
from tests.harness.need import need
from tests.harness.poll import wait_until
from tests.harness.program import Trayd
from tests.harness.sway import Sway
from tests.harness.waybar import Person, Waybar
from trayd.core.view import IconSpec
from trayd.tray.artwork import colour

pytestmark = pytest.mark.desktop

GREEN, ORANGE = (tuple(bytes.fromhex(colour(IconSpec(state))[1:])) for state in ("reachable", "unreachable"))
QUICK = "health: {interval: 1s, timeout: 1s, grace: 1s}\n"


@dataclass(frozen=True)
class Session:
    """What a person has who is logged in to sway."""

    screen: Screen
    bus: PrivateBus
    sway: Sway
    waybar: Waybar
    person: Person
    trayd: Trayd


@pytest.fixture
def session() -> Iterator[Session]:
    """sway with a message bus; the bar and trayd are not started yet."""
    with Screen() as screen, PrivateBus() as bus, Sway(screen) as sway:
        waybar = Waybar(bus, sway)
        trayd = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address, **sway.environment)
        try:
            yield Session(screen, bus, sway, waybar, Person(screen, bus), trayd)
        finally:
            waybar.stop()


def chosen() -> str:
    path = Path(os.environ["XDG_STATE_HOME"], "trayd", "state.json")
    return str(json.loads(path.read_text())["active"]) if path.exists() else ""


@pytest.mark.engine
def test_the_icon_tells_the_state(session: Session, dockerd: Callable[..., Dockerd], tmp_path: Path) -> None:
    """The bar shows the icon at its right end, in the colour of the engine's state, and in the new one when it goes."""
    engine = dockerd()
    session.trayd.profile("office", f"host: {engine.unix_url}\n{QUICK}")
    with session.waybar, session.trayd:
        x, y = session.person.looks_for(GREEN)
        assert x > 950
        assert y < 30
        session.sway.screenshot(tmp_path / "reachable.png", (724, 0, 300, 60))
        engine.kill()
        session.person.looks_for(ORANGE)
        assert session.person.sees(GREEN) is None
        session.sway.screenshot(tmp_path / "unreachable.png", (724, 0, 300, 60))


def test_a_left_click_opens_the_menu(session: Session, tmp_path: Path) -> None:
    """Every line has its row, radio marks and a submenu are there; a click in the submenu copies, as wl-paste reads."""
    need("wl-paste", "apt-get install wl-clipboard")
    session.trayd.profile("lab", "host: unix:///lab.sock\n")
    session.trayd.profile("office", "host: unix:///office.sock\n")
    person = session.person
    with session.waybar, session.trayd:
        box = person.opens_menu(person.looks_for(ORANGE))
        entries = person.entries()
        assert [entry.checked for entry in entries if entry.toggle == "radio"] == [True, False]
        for entry in entries:
            if entry.label:
                assert box.row(entries, entry.label)[1] < box.bottom
        person.clicks("Copy environment")
        sub = person.menu(2)
        assert sub.right <= box.left
        session.sway.screenshot(tmp_path / "menu.png", (324, 0, 700, 400))
        person.clicks("fish", "Copy environment")
        wait_until(lambda: not person.boxes(), 20, "the menu to close")
        pasted = subprocess.run(
            ["wl-paste"], env=os.environ | session.sway.environment, capture_output=True, text=True, timeout=20
        )
        assert pasted.stdout.startswith("set -gx DOCKER_HOST 'unix:///lab.sock'")


def test_a_click_switches_the_profile(session: Session) -> None:
    """A click on a radio line makes that profile active, and the next menu has the mark there."""
    session.trayd.profile("lab", "host: unix:///lab.sock\n")
    session.trayd.profile("office", "host: unix:///office.sock\n")
    person = session.person
    with session.waybar, session.trayd:
        place = person.looks_for(ORANGE)
        person.opens_menu(place)
        person.clicks("office")
        wait_until(lambda: chosen() == "office", 20, "the choice")
        wait_until(lambda: not person.boxes(), 20, "the menu to close")
        person.opens_menu(place)
        assert [entry.checked for entry in person.entries() if entry.toggle == "radio"] == [False, True]


@pytest.mark.engine
def test_an_open_menu_lives(session: Session, dockerd: Callable[..., Dockerd], tmp_path: Path) -> None:
    """An engine that goes changes its line in the open menu, which stays as it is, and the line can be clicked."""
    engine = dockerd()
    session.trayd.profile("lab", "host: unix:///lab.sock\n")
    session.trayd.profile("office", f"host: {engine.unix_url}\n{QUICK}")
    person = session.person

    def line() -> bytes:
        x, y = box.row(entries, "office")
        return session.screen.look().crop((x - 30, y - 10, x + 200, y + 10)).tobytes()

    with session.waybar, session.trayd:
        place = person.looks_for(ORANGE)  # the active one's
        wait_until(lambda: any("office  ●" in e.label for e in person.entries()), 30, "the engine that answers")
        box, entries = person.opens_menu(place), person.entries()
        before = line()
        session.sway.screenshot(tmp_path / "before.png", (324, 0, 700, 400))
        engine.kill()
        wait_until(lambda: any("office  ✖" in e.label for e in person.entries()), 30, "the loss")
        wait_until(lambda: line() != before, 20, "the new words in the open menu")
        assert person.menu() == box
        session.sway.screenshot(tmp_path / "after.png", (324, 0, 700, 400))
        person.clicks("office")
        wait_until(lambda: chosen() == "office", 20, "the choice")


def test_a_late_bar_and_a_new_one(session: Session) -> None:
    """trayd runs before there is a bar; the icon comes with the bar, and again with the next one, and has its menu."""
    session.trayd.profile("lab", "host: unix:///lab.sock\n")
    person = session.person
    with session.trayd:
        wait_until(lambda: "no icon yet" in session.trayd.output(), 30, "the word that there is no tray")
        session.waybar.start()
        person.looks_for(ORANGE)
        session.waybar.kill()
        wait_until(lambda: person.sees(ORANGE) is None, 20, "the bar to go")
        session.waybar.start()
        person.opens_menu(person.looks_for(ORANGE))
        person.clicks("Quit")
        assert session.trayd.ended(20) == 0
        wait_until(lambda: person.sees(ORANGE) is None, 20, "the icon to go")


def test_sways_own_bar_shows_the_shape(tmp_path: Path) -> None:
    """swaybar, which has no menus, draws the state's shape and not a square of its colour."""
    # sway starts no bar: it would do so as another user, whom the message bus does not let in.
    config = "bar {\nid bar\nposition top\ntray_output *\nswaybar_command true\n}\n"
    with Screen() as screen, PrivateBus() as bus, Sway(screen, config=config) as sway:
        (socket,) = sway.runtime.glob("sway-ipc.*.sock")
        bar = bus.run("swaybar", "-b", "bar", "-s", str(socket), **sway.environment)
        trayd = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address, **sway.environment)
        trayd.profile("lab", "host: unix:///lab.sock\n")
        person = Person(screen, bus)
        try:
            with trayd:
                x, y = person.looks_for(ORANGE)
                sway.screenshot(tmp_path / "swaybar.png", (724, 0, 300, 30))
                icon = screen.look().crop((x - 8, y - 8, x + 8, y + 8))
                orange = {pixel: count for count, pixel in icon.getcolors() or ()}.get(ORANGE, 0)
                assert 80 < orange < 230, f"{orange} of 256 pixels have the colour"
        finally:
            end(bar)
