"""`trayd doctor` with the real things: a bus with and without a panel, dunst, X and Wayland screens, and what hangs."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import Xlib.display

from tests.cli.program import TRAYD, environment, profile, read_only, trayd
from tests.harness.desktop import INSTALL, PrivateBus, Screen
from tests.harness.host import Host
from tests.harness.need import need
from tests.harness.notification_server import NotificationServer
from tests.harness.poll import wait_until
from tests.harness.processes import processes
from tests.harness.sway import Sway

DEAD = "host: unix:///nowhere/docker.sock\n"
# Two seconds for all looks together; the rest is for a busy machine that starts Python.
SOON = 10.0

Findings = dict[str, dict[str, Any]]


@pytest.fixture
def bus() -> Iterator[PrivateBus]:
    with PrivateBus() as private:
        yield private


def doctor(code: int | None = None, **more: str | None) -> Findings:
    """Run it and give the findings by name; the exit code has to agree with them, and every ✗ to have a next step."""
    start = time.monotonic()
    told = trayd("doctor", "--json", **more)
    assert time.monotonic() - start < SOON
    assert told.stderr == ""
    answer = json.loads(told.stdout)
    found = {finding["name"]: finding for finding in answer["findings"]}
    assert all(finding["next"] for finding in found.values() if finding["state"] == "bad"), found
    needed = [name for name, finding in found.items() if finding["needed"] and finding["state"] == "bad"]
    assert answer["ok"] == (not needed)
    assert told.returncode == (0 if answer["ok"] else 1)
    if code is not None:
        assert told.returncode == code, found
    return found


def on_path(folder: Path, **scripts: str) -> str:
    """A PATH with nothing on it but these scripts."""
    folder.mkdir()
    for name, text in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return str(folder)


def test_without_a_desktop_it_says_what_is_missing(tmp_path: Path) -> None:
    """In a bare terminal, in C, with nothing on PATH and no runtime folder: one line for each, ASCII, exit code 1."""
    none = {"XDG_RUNTIME_DIR": None, "LANG": "C", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    told = subprocess.run(
        [shutil.which("python3", path=str(Path(TRAYD[0]).parent)) or TRAYD[0], "-m", "trayd", "doctor"],
        env=environment(**none) | {"PATH": on_path(tmp_path / "bin")},
        capture_output=True,
        timeout=60,
    )
    assert (told.returncode, told.stderr) == (1, b"")
    lines = told.stdout.decode("ascii").splitlines()
    assert lines[0].startswith("x session bus ")
    assert "there is none" in lines[0]
    assert lines[1].strip().startswith("> ")
    names = [line[2:17].strip() for line in lines if line[0] != " "]
    assert names == [
        "session bus", "tray host", "X screen", "notifications", "clipboard", "terminal", "ssh", "docker CLI",
        "docker-machine", "autostart", "profiles", "state folder", "running", "locale", "versions", "system",
    ]  # fmt: skip
    assert [line for line in lines if line.startswith("- ssh ") and "not on PATH" in line]
    assert [line for line in lines if line.startswith("- locale ") and "plain characters" in line]


@pytest.mark.tray
def test_a_desktop_that_has_everything_is_well(bus: PrivateBus) -> None:
    """With a panel, a screen, dunst and a profile every line is good or no failure, and the exit code is 0."""
    need("dunst", "sudo apt-get install --no-install-recommends dunst")
    profile("office", DEAD)
    with Host(bus.address), Screen() as screen:
        bus.run("dunst", DISPLAY=screen.display)
        session = {"DBUS_SESSION_BUS_ADDRESS": bus.address, "DISPLAY": screen.display}

        def well() -> Findings:
            found = doctor(0, **session)
            return found if found["notifications"]["state"] == "good" else {}

        found = wait_until(well, 20, "dunst on the bus")
        assert not [name for name, finding in found.items() if finding["state"] == "bad"]
        assert found["tray host"]["text"] == "StatusNotifier, a panel shows icons"
        assert found["notifications"]["text"].startswith("dunst ")
        assert found["notifications"]["text"].endswith(", with buttons")
        assert found["clipboard"]["text"] == "X11"
        assert found["X screen"]["text"] == "answers, no tray of the old kind (XEMBED)"
        assert found["profiles"]["text"] == "1 file in ~/.config/trayd, 0 found besides, no problems"
        assert "docker 7." in found["versions"]["text"]


@pytest.mark.tray
def test_a_bus_without_a_panel_is_a_failure(bus: PrivateBus) -> None:
    """No watcher, and a watcher without a panel, are told apart; on GNOME the extension's package is named."""
    session = {"DBUS_SESSION_BUS_ADDRESS": bus.address}
    found = doctor(1, **session)
    assert found["session bus"]["state"] == "good"
    assert found["tray host"]["text"] == "no panel here shows icons"
    assert found["notifications"]["state"] == "none"
    found = doctor(1, XDG_CURRENT_DESKTOP="ubuntu:GNOME", **session)
    assert "AppIndicator and KStatusNotifierItem Support" in found["tray host"]["next"]
    with Host(bus.address, with_host=False):
        assert "watcher is there, but no panel" in doctor(1, **session)["tray host"]["text"]


@pytest.mark.tray
def test_a_bus_that_hangs_costs_two_seconds(bus: PrivateBus) -> None:
    """A frozen bus and a bus that is gone are said in words, in time."""
    session = {"DBUS_SESSION_BUS_ADDRESS": bus.address}
    bus.freeze()
    found = doctor(1, **session)
    assert found["session bus"]["state"] == found["tray host"]["state"] == "bad"
    bus.freeze(False)
    bus.stop()
    found = doctor(1, **session)
    assert found["session bus"]["text"] == "nobody answers at its address"


@pytest.mark.tray
def test_a_notification_server_that_hangs_is_no_failure_of_the_tray(bus: PrivateBus) -> None:
    """A server that takes questions and never answers is a ✗ of its own; the tray is well without it."""
    with Host(bus.address), NotificationServer(bus.address, hanging=True):
        found = doctor(0, DBUS_SESSION_BUS_ADDRESS=bus.address)
    assert found["notifications"]["state"] == "bad"


@pytest.mark.desktop
def test_a_tray_of_the_old_kind_is_seen() -> None:
    """Whoever owns the X screen's tray selection is a tray of the old kind."""
    with Screen() as screen:
        connection = Xlib.display.Display(screen.display)
        window = connection.screen().root.create_window(0, 0, 1, 1, 0, 0)
        window.set_selection_owner(connection.intern_atom("_NET_SYSTEM_TRAY_S0"), 0)
        connection.sync()
        try:
            found = doctor(DISPLAY=screen.display)
        finally:
            connection.close()
    assert found["X screen"]["text"] == "answers, a tray of the old kind (XEMBED)"


@pytest.mark.desktop
def test_screens_that_are_gone_or_hang_are_told() -> None:
    """A display nobody serves, and one that does not answer, cost no more than two seconds."""
    need("Xvfb", INSTALL)
    found = doctor(DISPLAY=":4177", WAYLAND_DISPLAY="wayland-gone")
    assert found["X screen"]["state"] == found["clipboard"]["state"] == "bad"
    with Screen() as screen:
        server = next(p for p in processes() if p.parent == os.getpid() and p.program == "Xvfb")
        os.kill(server.pid, signal.SIGSTOP)
        try:
            found = doctor(DISPLAY=screen.display)
        finally:
            os.kill(server.pid, signal.SIGCONT)
    assert found["X screen"]["text"] == "no answer within 2 s"
    assert found["clipboard"]["state"] == "bad"


@pytest.mark.desktop
def test_a_wayland_screen_is_asked_for_its_clipboard() -> None:
    """On sway the clipboard goes by data-control, and what was on it stays there."""
    need("wl-copy", "sudo apt-get install wl-clipboard")
    with Sway() as sway:
        session = sway.environment
        null = subprocess.DEVNULL
        env = os.environ | session
        subprocess.run(["wl-copy", "mine"], env=env, stdout=null, stderr=null, timeout=20, check=True)
        found = doctor(**session)
        pasted = subprocess.run(["wl-paste", "-n"], env=env, capture_output=True, timeout=20)
    assert found["clipboard"]["text"] == "Wayland, by data-control"
    assert pasted.stdout == b"mine"


def test_programs_that_hang_are_ended_with_all_they_started(tmp_path: Path) -> None:
    """An ssh and a docker that never end are named, in time, and nothing of them is left."""
    path = on_path(tmp_path / "bin", ssh="sleep 4177 & sleep 4177", docker="trap '' TERM; sleep 4177")
    found = doctor(PATH=f"{path}:{os.environ['PATH']}")
    assert found["ssh"]["text"] == "ssh -V does not end"
    assert found["docker CLI"]["text"] == "docker --version does not end"
    wait_until(lambda: not [p for p in processes() if "4177" in p.argv], what="the programs' end")


def test_ssh_is_missed_only_where_it_is_needed(tmp_path: Path) -> None:
    """Without ssh on PATH a profile behind ssh makes it a ✗ with the package; no other profile does."""
    empty = on_path(tmp_path / "bin", trayd="")
    command, env = [str(Path(TRAYD[0])), "doctor", "--json"], environment() | {"PATH": empty}

    def ssh() -> dict[str, Any]:
        told = subprocess.run(command, env=env, capture_output=True, timeout=60)
        return next(finding for finding in json.loads(told.stdout)["findings"] if finding["name"] == "ssh")

    assert ssh()["state"] == "none"
    profile("build", "host: ssh://build.example\n")
    assert ssh()["state"] == "bad"
    assert "1 profile" in ssh()["text"]


@pytest.mark.tray
def test_what_is_broken_but_not_needed_does_not_fail(bus: PrivateBus, tmp_path: Path) -> None:
    """A read-only home, a broken profile and an autostart entry that leads nowhere are ✗, and the tray is well."""
    home = Path(os.environ["HOME"])
    profile("office", "hots: tcp://x\n")
    entry = home / ".config" / "autostart" / "trayd.desktop"
    entry.parent.mkdir(parents=True)
    entry.write_text(f"[Desktop Entry]\nExec={home}/gone/trayd run\n")
    with Host(bus.address):
        told = read_only(home, "doctor", DBUS_SESSION_BUS_ADDRESS=bus.address)
    assert told.returncode == 0, told.stdout
    bad = {line[2:17].strip(): line for line in told.stdout.splitlines() if line.startswith("✗")}
    assert set(bad) == {"autostart", "profiles", "state folder"}
    assert "it starts a trayd that is not there any more" in bad["autostart"]
    assert "2 problems" in bad["profiles"]
    assert "trayd autostart enable" in told.stdout
    assert "trayd config check" in told.stdout


def test_no_place_for_the_lock_is_a_failure() -> None:
    """Where neither a runtime folder nor the home can be written, trayd cannot start, and that is said."""
    told = read_only(Path(os.environ["HOME"]), "doctor", XDG_RUNTIME_DIR="relative")
    assert "✗ running         trayd cannot start" in told.stdout
    assert told.returncode == 1


@pytest.mark.tray
def test_the_running_trayd_is_named(bus: PrivateBus) -> None:
    """While one runs, its process number is told."""
    profile("office", DEAD)
    session = {"DBUS_SESSION_BUS_ADDRESS": bus.address}
    with (
        Host(bus.address) as host,
        subprocess.Popen(
            [*TRAYD, "run"], env=environment(**session), stdin=subprocess.DEVNULL, start_new_session=True
        ) as program,
    ):
        try:
            assert host.item
            assert doctor(0, **session)["running"]["text"] == f"trayd runs, process {program.pid}"
        finally:
            program.terminate()


SECRET = "hunter2"


def test_nothing_secret_is_in_it(tmp_path: Path) -> None:
    """Whatever names, addresses, passwords, paths and variables there are, no line tells them."""
    home = tmp_path / f"home-of-{SECRET}"
    docker = home / ".docker"
    (docker / "contexts").mkdir(parents=True)
    (docker / "config.json").write_text(json.dumps({"currentContext": SECRET, "auths": {SECRET: {"auth": SECRET}}}))
    profile("office", f"host: tcp://me:{SECRET}@{SECRET}.example:2376\n")
    profile(SECRET, f"host: tcp://{SECRET}.example:2376\ntls: {{cert_path: /etc/{SECRET}}}\nenv: {{A: {SECRET}}}\n")
    entry = home / ".config" / "autostart" / "trayd.desktop"
    entry.parent.mkdir(parents=True)
    entry.write_text(f"[Desktop Entry]\nExec=/srv/{SECRET}/trayd run --token {SECRET}\n")
    says = f"echo 'OpenSSH_9.9 {SECRET} 1.2-{SECRET}'; echo {SECRET} >&2"
    path = on_path(tmp_path / SECRET, ssh=says, docker=f"echo '{SECRET}'", **{"docker-machine": f"echo 1.2 {SECRET}"})
    hostile: dict[str, str | None] = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": None,
        "XDG_STATE_HOME": f"/srv/{SECRET}",
        "PATH": f"{path}:{os.environ['PATH']}",
        "DOCKER_HOST": f"tcp://me:{SECRET}@{SECRET}",
        "DOCKER_CONTEXT": SECRET,
        "DOCKER_CERT_PATH": f"/{SECRET}",
        "TERMINAL": f"/opt/{SECRET}/xterm",
        "LANG": f"C/{SECRET}",
        "XDG_CURRENT_DESKTOP": f"x'{SECRET}",
        "XDG_SESSION_TYPE": f"{SECRET}/../x",
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path=/{SECRET}",
        "DISPLAY": f"/{SECRET}:0",
        "WAYLAND_DISPLAY": f"/{SECRET}",
        "TRAYD_TOKEN": SECRET,
    }
    for arguments in (["doctor"], ["doctor", "--json"]):
        told = trayd(*arguments, **hostile)
        assert told.returncode == 1, told.stderr
        assert "OpenSSH_9.9" in told.stdout
        assert "set here: DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CERT_PATH" in told.stdout
        assert SECRET not in told.stdout + told.stderr
