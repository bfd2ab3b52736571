"""From login on: what `trayd autostart enable` writes is started by the programs that start such things."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness.desktop import PrivateBus
from tests.harness.host import Host
from tests.harness.need import need
from tests.harness.poll import wait_until
from tests.harness.processes import with_variable
from tests.harness.program import COMMAND

pytestmark = [pytest.mark.desktop, pytest.mark.skipif(sys.platform != "linux", reason="Linux sessions")]
GENERATOR = "/usr/lib/systemd/user-generators/systemd-xdg-autostart-generator"


@contextmanager
def session(**more: str) -> Iterator[tuple[PrivateBus, dict[str, str]]]:
    """A message bus as a login makes one, and the environment of its session; what is left is ended."""
    mark = str(os.getpid())
    with PrivateBus() as bus:
        environ = dict(os.environ, DBUS_SESSION_BUS_ADDRESS=bus.address, TRAYD_LOGIN_TEST=mark, **more)
        try:
            yield bus, environ
        finally:
            for process in with_variable("TRAYD_LOGIN_TEST", mark):
                os.kill(process.pid, 15)
            wait_until(lambda: not with_variable("TRAYD_LOGIN_TEST", mark), what="the end of the session")


def _enable(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, "autostart", "enable", *words], capture_output=True, text=True, timeout=30)


def _unit_command(unit: str) -> list[str]:
    line = next(line for line in unit.splitlines() if line.startswith("ExecStart="))
    return shlex.split(line.removeprefix("ExecStart=").lstrip(":"))


def test_a_session_starts_it_and_the_panel_may_come_later() -> None:
    """dex, which i3 and other plain sessions use, starts trayd from its entry before there is any panel."""
    need("dex", "apt-get install dex")
    assert _enable().returncode == 0
    with session() as (bus, environ):
        # Only this person's own entries: the machine's would be started as well.
        own = f"{os.environ['XDG_CONFIG_HOME']}/autostart"
        subprocess.run(["dex", "-a", "-s", own], env=environ, timeout=20, check=True)
        wait_until(lambda: with_variable("TRAYD_LOGIN_TEST", str(os.getpid())), what="trayd")
        with Host(bus.address) as panel:
            wait_until(lambda: panel.items, what="the icon")
            assert any("Quit" in label for label in panel.labels())


def test_systemd_makes_a_service_of_the_entry(tmp_path: Path) -> None:
    """systemd's own generator takes the entry for GNOME's and Plasma's sessions, and its service starts trayd."""
    need(os.path.exists(GENERATOR), "apt-get install systemd")
    assert _enable().returncode == 0
    out = [str(tmp_path / name) for name in ("normal", "early", "late")]
    for folder in out:
        os.mkdir(folder)
    environ = dict(os.environ, XDG_CONFIG_DIRS=str(tmp_path / "none"))
    subprocess.run([GENERATOR, *out], env=environ, check=True, capture_output=True, timeout=20)
    unit = Path(out[2], "app-trayd@autostart.service").read_text(encoding="utf-8")
    with session() as (bus, environ), Host(bus.address) as panel:
        started = subprocess.Popen(_unit_command(unit), env=environ)
        wait_until(lambda: panel.items, what="the icon")
        started.terminate()
        assert started.wait(10) == 0


def test_a_user_unit_of_our_own() -> None:
    """For sessions without autostart: systemd's checker finds nothing wrong with the unit, and it starts trayd."""
    need("systemd-analyze", "apt-get install systemd")
    said = _enable("--systemd")
    assert "trayd.service" in said.stdout, said
    path = Path(said.stdout.strip())
    link = path.parent / "graphical-session.target.wants" / "trayd.service"
    assert link.resolve() == path.resolve()
    checked = subprocess.run(
        ["systemd-analyze", "--user", "--man=no", "verify", str(path)], capture_output=True, text=True, timeout=30
    )
    assert "trayd.service" not in checked.stdout + checked.stderr
    with session() as (bus, environ), Host(bus.address) as panel:
        started = subprocess.Popen(_unit_command(path.read_text(encoding="utf-8")), env=environ)
        wait_until(lambda: panel.items, what="the icon")
        started.terminate()
        assert started.wait(10) == 0
