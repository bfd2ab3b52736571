"""`trayd menu` beside a running tray: the tray follows what was chosen in the list."""

import os
from pathlib import Path

import pytest

from tests.harness.desktop import PrivateBus
from tests.harness.host import Host
from tests.harness.poll import wait_until
from tests.harness.program import Trayd

pytestmark = pytest.mark.tray


@pytest.fixture
def trayd(bus: PrivateBus) -> Trayd:
    program = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address)
    program.profile("lab", "host: unix:///nowhere.sock\n")
    program.profile("office", "host: unix:///nowhere-else.sock\n")
    return program


def choose(trayd: Trayd, *lines: str) -> None:
    """Choose these lines one after the other, in the menu and its submenus."""
    steps = Path(os.environ["HOME"], "pick")
    listed = " ".join(f"-e '{line}'" for line in lines)
    steps.write_text(f"#!/bin/sh\nexec grep -m 1 -F {listed}\n")
    steps.chmod(0o755)
    done = trayd.say("menu", "--with", str(steps))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_running_tray_follows_a_choice(bus: PrivateBus, trayd: Trayd) -> None:
    """A profile that is chosen in the list has the radio mark in the tray at once."""
    with Host(bus.address) as host, trayd:
        wait_until(lambda: host.tooltip()[0].startswith("lab — not reachable"), what="the first profile")
        choose(trayd, "( ) office")
        wait_until(lambda: host.tooltip()[0].startswith("office — not reachable"), what="the chosen one in the tray")
        assert trayd.process is not None
        assert trayd.process.poll() is None


def test_the_running_tray_follows_a_setting(bus: PrivateBus, trayd: Trayd) -> None:
    """A setting that is changed in the list is changed in the tray, which would else write its own back later."""
    with Host(bus.address) as host, trayd:
        assert host.entry("Settings", "Notifications").checked
        choose(trayd, "Settings", "] Notifications")
        wait_until(lambda: not host.entry("Settings", "Notifications").checked, what="the setting in the tray")
        host.click("office  ✖  not running")
        wait_until(lambda: host.tooltip()[0].startswith("office"), what="the click")
        assert not host.entry("Settings", "Notifications").checked
        choose(trayd, "Settings", "] Notifications")
        wait_until(lambda: host.entry("Settings", "Notifications").checked, what="the setting as it was")


def test_the_tray_is_quit_from_the_list(bus: PrivateBus, trayd: Trayd) -> None:
    """The list's last line ends the running tray, as its own menu would: the icon goes, the exit code is 0."""
    with Host(bus.address) as host, trayd:
        wait_until(lambda: host.items, what="the icon")
        choose(trayd, "Quit the running trayd")
        assert trayd.ended() == 0
        wait_until(lambda: not host.items, what="the icon to go")
