"""Which icon there is, on a real bus and a real screen: StatusNotifier where it can be, XEMBED where not."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.desktop import PrivateBus, Screen, XfcePanel
from tests.harness.host import WATCHER, Host, Peer
from tests.harness.poll import wait_until
from tests.harness.program import Trayd, wait_for_line
from tests.harness.trays import I3, Trayer
from trayd.core.messages import MenuOpened, Quit
from trayd.core.view import IconSpec, Item, View
from trayd.tray.artwork import colour
from trayd.tray.facade import Tray

pytestmark = pytest.mark.desktop

GREEN, ORANGE = (tuple(bytes.fromhex(colour(IconSpec(state))[1:])) for state in ("reachable", "unreachable"))
VIEW = View(IconSpec("reachable"), "office — reachable", (Item("quit", "Quit", Quit()),))


def seen(screen: Screen, wanted: tuple[int, ...] = GREEN) -> tuple[int, int] | None:
    red, green, blue = wanted
    return screen.find_colour(red, green, blue, tolerance=3)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    with Screen() as a_screen:
        monkeypatch.setenv("DISPLAY", a_screen.display)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        yield a_screen


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[PrivateBus]:
    with PrivateBus(services=True) as private:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", private.address)
        yield private


class Running:
    """The tray as trayd has it, on a thread of its own."""

    def __init__(self) -> None:
        self.posted: list[object] = []
        self.hosts: list[bool] = []
        self.tray = Tray(VIEW, self.posted.append, self.hosts.append)
        self._thread = threading.Thread(target=self.tray.run)
        self._thread.start()

    def end(self) -> None:
        self.tray.stop()
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture
def running(screen: Screen, bus: PrivateBus) -> Iterator[Running]:
    one = Running()
    try:
        yield one
    finally:
        one.end()
    assert "xembed" not in {thread.name for thread in threading.enumerate()}


def test_a_watcher_takes_over_and_gives_back(screen: Screen, bus: PrivateBus, running: Running, tmp_path: Path) -> None:
    """The old tray's icon leaves, with its menu open, when a StatusNotifier panel comes, and returns when that goes."""
    with Trayer(screen, tmp_path):
        place = wait_until(lambda: seen(screen), 20, "the icon in the old tray")
        wait_until(lambda: running.hosts[-1:] == [True], what="the word that a tray shows it")
        screen.click_at(*place)
        wait_until(lambda: MenuOpened() in running.posted, what="the menu")
        with Host(bus.address) as host:
            wait_until(lambda: host.items, what="the item at the watcher")
            wait_until(lambda: seen(screen) is None, what="the icon to leave the old tray")
            wait_until(lambda: not screen.popups(), what="the menu to close")
        wait_until(lambda: seen(screen), 20, "the icon to come back")
        # A panel took over from another: the loop was never told that there is none for longer than between the two.
        assert running.hosts[-1] is True


def test_a_panel_that_is_both_gets_one_icon(screen: Screen, bus: PrivateBus, running: Running) -> None:
    """XFCE's panel has a tray of the old kind too: the icon is there once, and still once after a restart."""
    with XfcePanel(bus, screen) as panel:
        for _ in range(2):
            wait_until(lambda: running.hosts[-1:] == [True], 20, "the panel")
            wait_until(lambda: seen(screen), 20, "the icon in the panel")
            wait_until(lambda: "xembed" not in {thread.name for thread in threading.enumerate()}, what="one icon only")
            wait_until(lambda: green_width(screen) in range(8, 33), what="one icon on the screen")
            panel.stop()
            wait_until(lambda: running.hosts[-1] is False, what="the end of the panel")
            panel.start()


def green_width(screen: Screen) -> int:
    picture = screen.look()
    columns = {x for x in range(700, 1024) for y in range(0, 32, 2) if picture.getpixel((x, y)) == GREEN}
    return max(columns) - min(columns) + 1 if columns else 0


def test_a_bus_that_hangs_does_not_keep_the_icon_away(screen: Screen, bus: PrivateBus, tmp_path: Path) -> None:
    """A session bus that takes the connection and answers nothing: the old tray has the icon all the same."""
    bus.freeze()
    one = Running()
    try:
        with Trayer(screen, tmp_path):
            wait_until(lambda: seen(screen), 20, "the icon in the old tray")
    finally:
        one.end()
        bus.freeze(False)


def test_a_watcher_that_hangs_does_not_keep_the_icon_away(screen: Screen, bus: PrivateBus, tmp_path: Path) -> None:
    """A watcher that never says whether there is a panel counts as none, until it does."""
    with Trayer(screen, tmp_path), Peer(bus.address) as mute:
        mute.own(WATCHER)
        one = Running()
        try:
            wait_until(lambda: seen(screen), 20, "the icon in the old tray")
        finally:
            one.end()


def program(screen: Screen, **environ: str) -> Trayd:
    trayd = Trayd(DISPLAY=screen.display, PYTHONPROFILEIMPORTTIME="1", **environ)
    trayd.profile("office", "host: unix:///nowhere.sock\n")
    return trayd


def test_trayd_runs_in_i3_without_a_bus(screen: Screen, tmp_path: Path) -> None:
    """The icon tells of the engine, nothing is said about a missing tray, and Quit in the menu ends trayd."""
    with I3(screen, tmp_path), program(screen) as trayd:
        place = wait_until(lambda: seen(screen, ORANGE), 20, "the icon of an engine that is not there")
        screen.click_at(*place)
        wait_until(lambda: screen.popups(), what="the menu")
        screen.key("End", "Return")
        assert trayd.ended() == 0
        assert "no icon" not in trayd.output()
        assert "Xlib" in trayd.output()
        wait_until(lambda: seen(screen, ORANGE) is None, what="the icon to go")


def test_trayd_waits_for_an_old_tray(screen: Screen, bus: PrivateBus, tmp_path: Path) -> None:
    """Without any tray it says so; the icon appears when one starts, and SIGTERM takes it away."""
    with program(screen, DBUS_SESSION_BUS_ADDRESS=bus.address) as trayd:
        wait_for_line(trayd, "No panel here shows tray icons")
        with Trayer(screen, tmp_path):
            wait_until(lambda: seen(screen, ORANGE), 20, "the icon in the tray that came")
            assert trayd.stop() == 0
            wait_until(lambda: seen(screen, ORANGE) is None, what="the icon to go")


def test_x_is_not_loaded_where_a_panel_answers(screen: Screen, bus: PrivateBus) -> None:
    """With a StatusNotifier panel, or in a Wayland session, python-xlib costs neither time nor memory."""
    with Host(bus.address) as host, program(screen, DBUS_SESSION_BUS_ADDRESS=bus.address) as trayd:
        wait_until(lambda: host.items, what="the icon")
        wait_until(lambda: "not reachable" in host.tooltip()[0], what="the diagnosis")
        trayd.stop()
        assert "trayd.tray.fallback" in trayd.output()
        assert "Xlib" not in trayd.output()
    with program(screen, DBUS_SESSION_BUS_ADDRESS=bus.address, WAYLAND_DISPLAY="wayland-9") as trayd:
        wait_for_line(trayd, "No panel here shows tray icons")
        trayd.stop()
        assert "Xlib" not in trayd.output()


def test_an_x_server_that_hangs_holds_up_nothing(screen: Screen, bus: PrivateBus, tmp_path: Path) -> None:
    """While X answers nothing, clicks in another panel and the end of trayd do not wait for it."""
    with Trayer(screen, tmp_path), program(screen, DBUS_SESSION_BUS_ADDRESS=bus.address) as trayd:
        wait_until(lambda: seen(screen, ORANGE), 20, "the icon in the old tray")
        with screen.frozen(), Host(bus.address) as host:
            wait_until(lambda: host.items, what="the item at the watcher")
            trayd.profile("another", "host: unix:///elsewhere.sock\n")
            assert host.entry("another  ✖  not running")
            assert trayd.stop() == 0


def test_a_display_that_is_dead_is_no_failure() -> None:
    """DISPLAY of a session that has ended: the same words as without a tray, and trayd goes on."""
    assert not os.path.exists("/tmp/.X11-unix/X4711")
    trayd = Trayd(DISPLAY=":4711")
    trayd.profile("office", "host: unix:///nowhere.sock\n")
    with trayd:
        wait_for_line(trayd, "There is no desktop session here")
        assert trayd.stop() == 0
