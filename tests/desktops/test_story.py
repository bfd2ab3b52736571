"""The full story in one test: a real engine, the real panel, the real clipboard, a real shell, the real docker CLI."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.harness import dockerd as docker_harness
from tests.harness.desktop import PrivateBus, Screen, XfcePanel
from tests.harness.host import Host, has_watcher
from tests.harness.need import need
from tests.harness.notification_server import NotificationServer
from tests.harness.poll import wait_until
from tests.harness.program import Trayd

pytestmark = [pytest.mark.desktop, pytest.mark.engine, pytest.mark.timeout(120)]

# The middle of the icon, in the crate's body, by state: icons.py's colours.
XCLIP = "sudo apt-get install xclip"


def clipboard(screen: Screen) -> str:
    done = subprocess.run(
        ["xclip", "-o", "-selection", "clipboard"],
        env={**os.environ, "DISPLAY": screen.display},
        capture_output=True,
        text=True,
        timeout=10,
    )
    return done.stdout


def keep(screen: Screen, name: str) -> None:
    """Keep a picture for the README, if TRAYD_SCREENSHOTS names a folder for it."""
    if folder := os.environ.get("TRAYD_SCREENSHOTS"):
        screen.screenshot(Path(folder, f"{name}.png"))


def test_from_a_killed_engine_to_the_docker_cli(dockerd) -> None:
    """Engine up → icon reachable; killed → icon, menu, one notification; back → reachable; copied lines reach it."""
    need("xclip", XCLIP)
    need("docker", docker_harness.INSTALL)
    engine, other = dockerd(), dockerd()
    engine.load_busybox("busybox:1.35")
    bus = PrivateBus(services=True)
    with bus, Screen() as screen, XfcePanel(bus, screen):
        trayd = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address, DISPLAY=screen.display)
        trayd.profile("office", f"host: {engine.unix_url}\n")
        trayd.profile("lab", f"host: {other.unix_url}\n")
        trayd.profile("old", "host: tcp://127.0.0.1:2377\n")
        with NotificationServer(bus.address) as notes, trayd:
            wait_until(lambda: has_watcher(bus.address), 20, "the panel's watcher")
            with Host(bus.address, watcher=False) as host:
                wait_until(lambda: host.registered(), 20, "trayd's icon in the panel")
                assert trayd.say("use", "office").returncode == 0

                # Reachable.
                wait_until(lambda: "office — reachable" in host.tooltip()[0], what="the reachable icon")
                wait_until(lambda: host.entry("Images (1)"), what="the images")
                reachable = host.get("IconPixmap")
                assert host.entry("office  ●  reachable").checked
                place = wait_until(lambda: screen.find_colour(*_colour(reachable)), 20, "the icon on the screen")
                keep(screen, "icon-reachable")
                screen.click_at(*place)
                wait_until(screen.popups, what="the open menu")
                keep(screen, "menu-reachable")

                # Killed, while the menu is open.
                killed = engine.kill()
                wait_until(lambda: "reconnecting" in host.tooltip()[0], what="the lost engine in the tooltip")
                assert host.seen("NewIcon", killed)[0].at - killed < 1
                wait_until(lambda: notes.notes, what="the notification")
                assert time.monotonic() - killed > 2.9
                headline = wait_until(lambda: _first(host, "office — not reachable since"), what="the headline")
                assert headline
                lines = " ".join(entry.label for entry in host.menu().children)
                assert f"The engine is installed but stopped: {engine.socket} refuses connections." in lines
                assert "→ Start it: sudo systemctl start docker" in lines
                assert host.get("IconPixmap") != reachable
                keep(screen, "menu-unreachable")
                screen.key("Escape")
                wait_until(lambda: not screen.popups(), what="the closed menu")
                screen.click_at(*place)
                wait_until(screen.popups, what="the open menu")
                keep(screen, "menu-unreachable")
                screen.key("Escape")
                assert [note.title for note in notes.notes] == ["office: not reachable"]

                # Back.
                engine.start()
                wait_until(lambda: "office — reachable" in host.tooltip()[0], what="the engine back")
                wait_until(lambda: host.get("IconPixmap") == reachable, what="the reachable icon")
                wait_until(lambda: len(notes.notes) == 2, what="the word that it is back")
                assert notes.notes[1].title == "office is reachable again"
                assert len(notes.showing()) == 1

                # Copied, evaluated, used.
                host.click("Copy environment", "sh, bash, zsh")
                line = wait_until(lambda: clipboard(screen), what="the clipboard")
                assert line.startswith(f"export DOCKER_HOST='{engine.unix_url}'")
                stale = {"DOCKER_HOST": "tcp://127.0.0.1:1", "DOCKER_TLS_VERIFY": "1", "DOCKER_CONTEXT": "nosuch"}
                told = subprocess.run(
                    ["bash", "-c", line + "\n" + "docker version --format '{{.Server.Version}}'; docker images -q"],
                    env={**os.environ, **stale},
                    capture_output=True,
                    text=True,
                    timeout=30,
                )
                assert told.returncode == 0, told.stderr
                version, image = told.stdout.split()
                assert version in host.tooltip()[0]
                assert image

                host.click("Images (1)", next(e.label for e in host.entry("Images (1)").children))
                wait_until(lambda: clipboard(screen) == "busybox:1.35", what="the image's name on the clipboard")

                # The end: no engine is touched.
                host.click("Quit")
                assert trayd.ended() == 0
                assert engine.running
                assert "Traceback" not in trayd.output()


def _first(host: Host, beginning: str) -> str:
    return next((label for label in host.labels() if label.startswith(beginning)), "")


def _colour(pixmaps: list[tuple[int, int, bytes]]) -> tuple[int, int, int]:
    """The commonest opaque colour of an icon."""
    _, _, data = max(pixmaps)
    pixels = [data[i : i + 4] for i in range(0, len(data), 4)]
    _, red, green, blue = max((p for p in set(pixels) if p[0] == 255), key=pixels.count)
    return red, green, blue
