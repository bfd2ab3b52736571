"""The running tray's icon in the colours that a person chose, and its ring."""

import json
from pathlib import Path

import pytest

from tests.harness.desktop import PrivateBus
from tests.harness.host import Host
from tests.harness.poll import wait_until
from tests.harness.program import Trayd
from trayd.config.memory import memory_file
from trayd.core.view import IconSpec, Theme
from trayd.tray.icons import render
from trayd.tray.sni_pixmap import Pixmaps

pytestmark = pytest.mark.tray


def shows(host: Host, spec: IconSpec) -> bool:
    """Whether a panel is given exactly these pictures."""
    return [tuple(pixmap) for pixmap in host.get("IconPixmap")] == list(Pixmaps().of(render(spec)))


def test_the_icon_changes_its_colours_at_a_click_and_keeps_them(bus: PrivateBus) -> None:
    """Settings > Icon: the panel gets the other icon at once, a switch and a restart leave it so."""
    trayd = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address)
    trayd.profile("lab", "host: unix:///nowhere.sock\n")
    trayd.profile("office", "host: unix:///nowhere-else.sock\n")
    with Host(bus.address) as host:
        with trayd:
            wait_until(lambda: shows(host, IconSpec("unreachable")), what="the icon in colour")
            host.click("Settings", "Icon", "Light, for a dark panel")
            light = IconSpec("unreachable", theme=Theme.LIGHT)
            wait_until(lambda: shows(host, light), what="the light icon")
            assert host.entry("Settings", "Icon", "Light, for a dark panel").checked
            assert not host.entry("Settings", "Icon", "Colour").checked
            assert trayd.say("use", "office").returncode == 0
            wait_until(lambda: host.tooltip()[0].startswith("office"), what="the other profile")
            kept = json.loads(Path(memory_file()).read_text())
            assert (kept["active"], kept["theme"]) == ("office", "mono-light")
            trayd.stop()
        with trayd:
            wait_until(lambda: shows(host, light), what="the light icon after a restart")


def test_a_protected_profile_takes_two_clicks_and_has_a_ring(bus: PrivateBus) -> None:
    """Its line in the list opens a submenu, and only "Yes" in it switches."""
    trayd = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address)
    trayd.profile("lab", "host: unix:///nowhere.sock\n")
    trayd.profile("office", "host: unix:///nowhere-else.sock\nprotected: true\n")
    with Host(bus.address) as host, trayd:
        wait_until(lambda: shows(host, IconSpec("unreachable")), what="the icon of lab")
        line = "office  ✖  not running  (protected)"
        host.click(line)
        assert host.entry(line).toggle == "radio"
        assert host.tooltip()[0].startswith("lab —")
        host.click(line, "Yes, use office")
        wait_until(lambda: shows(host, IconSpec("unreachable", protected=True)), what="the ring")
        assert host.tooltip()[0].startswith("office —")
        wait_until(lambda: host.entry(line).checked, what="the radio mark")
        assert not host.entry(line).children
