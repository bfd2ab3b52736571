"""'Copy details' in the running tray: what a person then pastes into a bug report."""

import os
import time
from pathlib import Path

import pytest

from tests.harness.ask import free_port
from tests.harness.desktop import PrivateBus
from tests.harness.host import Host
from tests.harness.notification_server import NotificationServer
from tests.harness.poll import wait_until
from tests.harness.program import Trayd
from tests.harness.standin import silent

pytestmark = pytest.mark.tray


class Pasted:
    """A clipboard of a screen that is gone, but for a tool that takes it into a file."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._file = folder / "pasted"
        tool = folder / "xclip"
        tool.write_text(f"#!/bin/sh\ncat > {self._file}.new && mv {self._file}.new {self._file}\n")
        tool.chmod(0o755)
        self.environ = {"DISPLAY": ":4242", "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}

    def text(self) -> str:
        return self._file.read_text(encoding="utf-8") if self._file.exists() else ""


@pytest.fixture
def pasted(tmp_path: Path) -> Pasted:
    return Pasted(tmp_path / "bin")


def test_the_details_of_a_dead_engine_hold_the_ladder(bus: PrivateBus, pasted: Pasted) -> None:
    """Besides state, cause and raw text, every rung is there, with the one that broke."""
    trayd = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address, **pasted.environ)
    port = free_port()
    trayd.profile("lab", f"host: tcp://127.0.0.1:{port}\n")
    with Host(bus.address) as host, trayd:
        wait_until(lambda: "not reachable" in host.tooltip()[0], what="the diagnosis")
        host.click("Copy details")
        text = wait_until(pasted.text, what="the text on the clipboard")
    details, _, ladder = str(text).partition("\n\n")
    assert f"endpoint:  tcp://127.0.0.1:{port}" in details
    assert "[refused]" in details
    head, *rungs = ladder.splitlines()
    assert head == f"lab: tcp://127.0.0.1:{port}"
    assert sum(line[0] in "✓✗–⚠" for line in rungs) == 12
    assert "✗ connection" in ladder


def test_details_that_take_a_while_are_said_when_they_are_there(bus: PrivateBus, pasted: Pasted) -> None:
    """For an engine that hangs the ladder takes its timeout: the tray stays live, and says when to paste."""
    trayd = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address, **pasted.environ)
    with silent() as hangs, NotificationServer(bus.address) as notes:
        trayd.profile("lab", f"host: {hangs.url}\nhealth: {{timeout: 2s}}\n")
        with Host(bus.address) as host, trayd:
            wait_until(lambda: "does not answer" in host.tooltip()[0], what="the diagnosis")
            start = time.monotonic()
            host.click("Copy details")
            host.click("Settings", "Notifications")
            wait_until(lambda: not host.entry("Settings", "Notifications").checked, what="another click's effect")
            assert time.monotonic() - start < 1.5
            wait_until(pasted.text, what="the text on the clipboard")
            assert time.monotonic() - start < 5
            wait_until(lambda: "on the clipboard" in str([n.title for n in notes.notes]), what="the word about it")
    assert "✗ http" in pasted.text()
