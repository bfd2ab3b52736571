"""The tray icon on a private message bus, seen by a panel made for tests: it comes, stays and goes."""

import os
import subprocess
import sys
import threading
import time

import pytest
from PIL import Image

from tests.harness.desktop import PrivateBus
from tests.harness.host import MENU, Host, running
from tests.harness.poll import wait_until
from tests.tray.icon_for_tests import BLUE, RED, Item, Menu, an_icon, image
from trayd.tray.sni import Icon

pytestmark = pytest.mark.tray


def test_the_icon_appears_with_everything_a_panel_reads(host: Host) -> None:
    """All properties of the specification are there as soon as the item registers."""
    with running(an_icon(title="office <x>\nreachable & well\n3 containers")):
        values = host.get_all()
        assert host.tooltip() == ("office ‹x›", "reachable + well\n3 containers")
        assert host.get_all(MENU) == {"Version": 3, "Status": "normal", "TextDirection": "ltr", "IconThemePath": []}
    expected = {
        "Category": "ApplicationStatus",
        "Id": "trayd",
        "Title": "office <x>",
        "Status": "Active",
        "WindowId": 0,
        "IconName": "",
        "ItemIsMenu": True,
        "OverlayIconPixmap": [],
        "AttentionIconName": "",
    }
    assert expected.items() <= values.items()
    assert values["Menu"].startswith("/")
    assert [pixmap[:2] for pixmap in values["IconPixmap"]] == [(size, size) for size in (16, 22, 24, 32, 48, 64)]


def test_pixels_are_argb_and_not_multiplied(host: Host) -> None:
    """A half transparent colour arrives as it was drawn."""
    with running(Icon("trayd", image(BLUE), "x", None)):
        assert host.pixel(64, 3, 4) == BLUE


def test_what_is_transparent_has_no_colour(host: Host) -> None:
    """swaybar adds colours whatever their alpha is: where nothing is to be seen there is none, and all else stays."""
    drawn = image(BLUE)
    drawn.paste((200, 30, 20, 0), (0, 0, 10, 64))
    with running(Icon("trayd", drawn, "x", None)):
        assert [host.pixel(64, x, 5) for x in (9, 10)] == [(0, 0, 0, 0), BLUE]


def test_an_icon_with_renditions_is_sent_as_drawn(host: Host) -> None:
    """Each size is the picture made for it, and nothing is scaled."""
    drawn = image(RED)
    drawn.renditions = tuple(Image.new("RGBA", (size, size), (size, 0, 0, 255)) for size in (16, 22, 48))
    with running(Icon("trayd", drawn, "x", None)):
        assert [(pixmap[0], host.pixel(pixmap[0], 0, 0)[0]) for pixmap in host.get("IconPixmap")] == [
            (16, 16),
            (22, 22),
            (48, 48),
        ]


def test_the_icon_appears_when_a_tray_comes_later(bus: PrivateBus) -> None:
    """At login the program is often there before the panel."""
    with running(an_icon()) as icon:
        wait_until(lambda: icon._bus and icon._bus.unique_name, what="the connection")
        assert not icon.host_present
        with Host(bus.address) as host:
            assert host.labels() == ["one"]
            wait_until(lambda: icon.host_present)


def test_the_icon_comes_back_after_the_panel_was_restarted(bus: PrivateBus) -> None:
    """A new watcher is told about us, and reads the same state."""
    with running(an_icon()) as icon:
        told: list[bool] = []
        icon.on_host = told.append
        for _ in range(3):
            with Host(bus.address) as host:
                assert host.labels() == ["one"]
                wait_until(lambda: icon.host_present)
                assert len(host.items) == 1
            wait_until(lambda: not icon.host_present)
        assert told[-5:] == [False, True, False, True, False]


def test_in_gnome_the_icon_is_known_by_the_connection_s_own_name(
    bus: PrivateBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its extension drops every second icon that comes under a name of its own while it is switched on."""
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "ubuntu:GNOME")
    with running(an_icon()) as icon, Host(bus.address) as host:
        assert host.item == icon._bus.unique_name
        names = host.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "ListNames")
        assert not [name for name in names if name.startswith("org.kde.StatusNotifierItem")]


def test_the_icon_comes_back_after_the_bus_was_lost(bus: PrivateBus) -> None:
    """The bus ends and starts again; what changed meanwhile is shown."""
    with running(an_icon()) as icon:
        with Host(bus.address) as host:
            assert host.labels() == ["one"]
        bus.stop()
        wait_until(lambda: icon._bus is None, what="the loss to be noticed")
        assert not icon.host_present
        icon.menu = Menu(Item("a", "changed"))
        icon.title = "elsewhere"
        icon.icon = image(BLUE)
        bus.start()
        with Host(bus.address) as host:
            assert host.labels() == ["changed"]
            assert host.tooltip() == ("elsewhere", "")
            assert host.pixel(64, 0, 0) == BLUE


@pytest.mark.parametrize("address", ["unix:path=/nonexistent/bus", "disabled:", "", None])
def test_without_any_bus_the_program_runs_and_stops(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Setup runs, every update is taken, `run` waits, and `stop` ends it promptly."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    if address is not None:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    icon = an_icon()
    told: list[bool] = []
    icon.on_host = told.append
    with running(icon):
        wait_until(lambda: icon.visible, what="pystray's setup")
        icon.title, icon.icon, icon.menu = "x", image(BLUE), Menu(Item("b", "b"))
        icon.notify("nobody sees this")
        icon.remove_notification()
        wait_until(lambda: told == [False], what="the word that there is no tray")
        before = time.monotonic()
    assert time.monotonic() - before < 1


def test_the_icon_appears_when_the_bus_itself_comes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """No bus at start is waited for like a panel."""
    bus = PrivateBus()
    try:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
        with running(an_icon()) as icon:
            wait_until(lambda: icon.visible)
            bus.start()
            with Host(bus.address) as host:
                assert host.labels() == ["one"]
    finally:
        bus.close()


def test_a_panel_that_comes_and_goes_at_a_lasting_watcher_is_noticed(bus: PrivateBus) -> None:
    """A watcher without a host shows nothing, and the program can say so."""
    with Host(bus.address, with_host=False) as host, running(an_icon()) as icon:
        assert host.item
        told: list[bool] = []
        icon.on_host = told.append
        host.set_host(True)
        wait_until(lambda: told == [True])
        host.set_host(False)
        wait_until(lambda: told == [True, False])


def test_two_panels_show_the_same(bus: PrivateBus, host: Host) -> None:
    """Every host reads the item and hears its changes."""
    with running(an_icon()) as icon:
        assert host.labels() == ["one"]
        with Host(bus.address, watcher=False) as second:
            assert second.labels() == ["one"]
            start = time.monotonic()
            icon.menu = Menu(Item("a", "uno"))
            for each in (host, second):
                each.wait_for("ItemsPropertiesUpdated", start)
                assert each.labels() == ["uno"]


def test_a_hidden_icon_is_passive(host: Host) -> None:
    """`visible` is the item's status; an icon that was never shown does not register."""
    icon = an_icon()
    thread = threading.Thread(target=lambda: icon.run(lambda _: None))
    thread.start()
    try:
        wait_until(lambda: icon.host_present)
        assert host.items == []
        icon.visible = True
        assert host.get("Status") == "Active"
        icon.visible = False
        wait_until(lambda: ("Passive",) in [signal.body for signal in host.seen("NewStatus")])
        assert host.get("Status") == "Passive"
    finally:
        icon.stop()
        thread.join(5)


def test_stop_makes_run_return_at_once(host: Host) -> None:
    """From another thread, and from an item of the menu itself; the icon leaves the panel."""
    for way in ("thread", "menu"):
        icon = an_icon(Item("q", "Quit", lambda icon: icon.stop()))
        thread = threading.Thread(target=icon.run)
        thread.start()
        number = host.entry("Quit").id
        start = time.monotonic()
        if way == "thread":
            icon.stop()
        else:
            host.bus.call(host.item, "/MenuBar", MENU, "Event", "isvu", (number, "clicked", ("s", ""), 0))
        thread.join(5)
        assert not thread.is_alive()
        assert time.monotonic() - start < 1
        wait_until(lambda: not host.items, what="the icon to go")


def test_stop_before_run_is_not_lost() -> None:
    """A signal that comes before the loop has begun still ends the program."""
    icon = an_icon()
    icon.stop()
    start = time.monotonic()
    icon.run()
    assert time.monotonic() - start < 1


def test_a_signal_ends_the_program_while_it_waits_for_a_bus_or_reads_one(bus: PrivateBus, host: Host) -> None:
    """SIGTERM with a handler that calls `stop` ends the process cleanly, with and without a bus."""
    program = (
        "import signal\nfrom trayd.tray.sni import Icon\nfrom PIL import Image\n"
        "icon = Icon('trayd', Image.new('RGBA', (16, 16)), 'x', None)\n"
        "signal.signal(signal.SIGTERM, lambda *_: icon.stop())\n"
        "icon.on_host = lambda present: print(present, flush=True)\nicon.run()\n"
    )
    for address, said in ((bus.address, b"True\n"), ("unix:path=/nonexistent", b"False\n")):
        environ = {**os.environ, "DBUS_SESSION_BUS_ADDRESS": address}
        with subprocess.Popen([sys.executable, "-c", program], env=environ, stdout=subprocess.PIPE) as process:
            assert process.stdout
            assert process.stdout.readline() == said
            process.terminate()
            assert process.wait(5) == 0
