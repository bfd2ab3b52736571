"""Panel, bus and notification server go and come ten times under a running trayd, and nothing piles up."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.harness.desktop import PrivateBus
from tests.harness.host import Host
from tests.harness.notification_server import NotificationServer
from tests.harness.poll import wait_until
from tests.harness.processes import footprint, settled
from tests.harness.program import Trayd

pytestmark = [pytest.mark.tray, pytest.mark.engine, pytest.mark.timeout(300)]

TIMES = 10
WARM = 3


@pytest.fixture
def trayd(bus: PrivateBus, engine) -> Iterator[Trayd]:
    program = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address)
    program.profile("lab", "host: unix:///nowhere.sock\n")
    program.profile("office", f"host: {engine.unix_url}\n")
    assert program.say("use", "office").returncode == 0
    with program:
        yield program


def see(host: Host) -> None:
    """The icon is there, says what it said, and its menu works: to another profile and back."""
    wait_until(lambda: host.items, 20, "the icon")
    wait_until(lambda: host.tooltip()[0].startswith("office — reachable"), what="its words")
    assert host.get("Status") == "Active"
    for name, label in (("lab", "lab  ✖  not running"), ("office", "office  ●  reachable")):
        host.click(label)
        wait_until(lambda name=name: host.tooltip()[0].startswith(f"{name} — "), what=f"the switch to {name}")


def hear(host: Host, notes: NotificationServer) -> None:
    """A notification comes: there is no clipboard here."""
    before = len(notes.notes)
    host.click("Copy environment", "fish")
    wait_until(lambda: len(notes.notes) > before, 20, "the notification")
    assert "clipboard" in notes.notes[-1].title


@contextmanager
def constant(trayd: Trayd) -> Iterator[Callable[[], None]]:
    """Call what is given after each time: after the first three the process holds what it held then."""
    held: list[dict[str, object]] = []

    def look() -> None:
        if len(held) < WARM:
            held.append(settled(trayd.pid))
            return
        wait_until(lambda: footprint(trayd.pid) == held[-1], 10, f"what it held after the first times: {held[-1]}")
        held.append(held[-1])

    yield look
    assert len(held) == TIMES


def test_the_panel_comes_back(bus: PrivateBus, trayd: Trayd) -> None:
    """Each new panel gets the icon, its state and a menu that works."""
    with constant(trayd) as look:
        for _ in range(TIMES):
            with Host(bus.address) as host:
                see(host)
            look()


def test_the_notification_server_comes_back(bus: PrivateBus, trayd: Trayd) -> None:
    """Each new server shows what comes next; what comes without one is lost and holds up nothing."""
    with constant(trayd) as look, Host(bus.address) as host:
        for _ in range(TIMES):
            with NotificationServer(bus.address) as notes:
                hear(host, notes)
                assert notes.notes[-1].replaces == 0, "that number was the other server's"
            host.click("Copy environment", "fish")
            see(host)
            look()


def test_the_bus_comes_back(bus: PrivateBus, trayd: Trayd) -> None:
    """At each new bus the icon appears by itself, its menu works and its notifications are shown."""
    with constant(trayd) as look:
        for _ in range(TIMES):
            with NotificationServer(bus.address) as notes, Host(bus.address) as host:
                see(host)
                hear(host, notes)
            look()
            bus.stop()
            bus.start()


def test_a_bus_that_hangs_is_survived(bus: PrivateBus, trayd: Trayd) -> None:
    """A bus that stands still and is killed costs no thread, and engines and choices go on meanwhile."""
    with constant(trayd) as look:
        for _ in range(TIMES):
            with ExitStack() as stack:
                host = stack.enter_context(Host(bus.address))
                see(host)
                look()
                bus.freeze()
                assert trayd.say("use", "lab").returncode == 0
                assert trayd.say("use", "office").returncode == 0
                bus.stop()
            bus.start()
