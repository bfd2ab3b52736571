"""`trayd run` itself on a private bus, seen and clicked through a small panel."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.harness.desktop import PrivateBus
from tests.harness.host import Host, Refused
from tests.harness.need import need
from tests.harness.notification_server import NotificationServer
from tests.harness.poll import wait_until
from tests.harness.program import Trayd
from tests.harness.standin import silent
from trayd.tray.bus import Incoming

pytestmark = pytest.mark.tray

QUICK = "health: {interval: 1s, timeout: 1s, grace: 1s}\n"


@pytest.fixture
def trayd(bus: PrivateBus) -> Trayd:
    return Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address)


def title(host: Host) -> str:
    return host.tooltip()[0]


def checked(host: Host) -> str:
    """The profile with the radio mark."""
    (name,) = [entry.label.split()[0] for entry in host.menu().children if entry.toggle == "radio" and entry.checked]
    return name


@pytest.mark.engine
def test_an_icon_tells_of_the_engine(bus: PrivateBus, trayd: Trayd, engine) -> None:
    """A profile with a real engine is a reachable icon, its version in the tooltip, its name on the bus."""
    trayd.profile("office", f"host: {engine.unix_url}\n")
    with Host(bus.address) as host, trayd:
        wait_until(lambda: re.match(r"office — reachable · Engine \d", title(host)), what="the reachable icon")
        assert host.get("Id") == "trayd"
        assert host.get("Status") == "Active"
        assert host.tooltip()[1].startswith(engine.unix_url)
        assert {pixmap[0] for pixmap in host.get("IconPixmap")} >= {16, 22, 24, 32, 48, 64}
        assert trayd.stop() == 0
        wait_until(lambda: not host.items, what="the icon to go")


class Curious(Host):
    """A panel that looks which libraries an item's process has loaded when it registers."""

    def __init__(self, address: str, trayd: Trayd) -> None:
        self.trayd = trayd
        self.early = ""
        super().__init__(address)

    def _came(self, message: Incoming) -> None:
        if message.call and message.member == "RegisterStatusNotifierItem":
            self.early = self.libraries()
        super()._came(message)

    def libraries(self) -> str:
        return Path(f"/proc/{self.trayd.pid}/maps").read_text()


def test_the_icon_does_not_wait_for_docker(bus: PrivateBus, trayd: Trayd) -> None:
    """The panel knows the icon before docker, whose import takes longer than all of the tray, is loaded."""
    trayd.profile("office", "host: unix:///nowhere.sock\n")
    with Curious(bus.address, trayd) as host, trayd:
        wait_until(lambda: host.items, what="the icon")
        wait_until(lambda: "not reachable" in title(host), what="the diagnosis")
        library = "charset_normalizer"  # what requests, and so docker, loads
        assert library not in host.early
        assert library in host.libraries()


@pytest.mark.engine
def test_trayd_use_moves_the_running_tray(bus: PrivateBus, trayd: Trayd, engine) -> None:
    """`trayd use` switches the running tray within 300 ms, `trayd use -` goes back, a restart keeps the choice."""
    trayd.profile("lab", "host: unix:///nowhere.sock\n")
    trayd.profile("office", f"host: {engine.unix_url}\n")
    with Host(bus.address) as host:
        with trayd:
            wait_until(lambda: title(host).startswith("lab — not reachable"), what="the first profile")
            for name, argument in (("office", "office"), ("lab", "-"), ("office", "-")):
                assert trayd.say("use", argument).returncode == 0
                done = time.monotonic()
                wait_until(lambda name=name: checked(host) == name, what=f"{name} in the tray")
                assert time.monotonic() - done < 0.3
            wait_until(lambda: title(host).startswith("office — reachable"), what="the other engine's state")
            trayd.stop()
        with trayd:
            wait_until(lambda: title(host).startswith("office —"), what="the choice after a restart")


@pytest.mark.engine
def test_a_click_switches_and_the_command_line_knows(bus: PrivateBus, trayd: Trayd, engine) -> None:
    """A radio item makes its profile active, for the tray and for `trayd env`."""
    trayd.profile("lab", "host: unix:///nowhere.sock\n")
    trayd.profile("office", f"host: {engine.unix_url}\n")
    with Host(bus.address) as host, trayd:
        host.click("office  ●  reachable")
        wait_until(lambda: title(host).startswith("office — reachable"), what="the clicked profile")
        wait_until(lambda: engine.unix_url in trayd.say("env", "--shell", "sh").stdout, what="the choice on disk")
        assert host.entry("office  ●  reachable").checked


def test_an_edit_is_taken_up_and_a_broken_one_changes_nothing(bus: PrivateBus, trayd: Trayd) -> None:
    """A new, changed or removed file is in the menu within two seconds; a broken one shows its problem."""
    trayd.profile("office", "host: unix:///one.sock\n")
    with Host(bus.address) as host, trayd:
        wait_until(lambda: "/one.sock" in host.tooltip()[1], what="the first version")
        steps = (
            ("host: unix:///two.sock\n", lambda: "/two.sock" in host.tooltip()[1]),
            ("host: unix:///two.sock\nhots: 1\n", lambda: "⚠ office.yaml:2: unknown key 'hots'" in str(host.labels())),
        )
        for text, seen in steps:
            written = time.monotonic()
            trayd.profile("office", text)
            wait_until(seen, what=text)
            assert time.monotonic() - written < 2
        assert "/two.sock" in host.tooltip()[1]
        trayd.profile("another", "host: unix:///three.sock\n")
        assert host.entry("another  ✖  not running")
        assert "/two.sock" in host.tooltip()[1]
        (trayd.profiles / "office.yaml").unlink()
        wait_until(lambda: "/three.sock" in host.tooltip()[1], what="the profile that is left")
        assert "⚠" not in str(host.labels())


def docker(*arguments: str) -> None:
    subprocess.run(["docker", *arguments], check=True, capture_output=True, stdin=subprocess.DEVNULL)


def test_contexts_come_and_go_in_the_running_tray(bus: PrivateBus, trayd: Trayd) -> None:
    """A context made, chosen, changed and removed with the real docker CLI is in the menu within two seconds."""
    need("docker", "install the docker CLI (Debian: docker.io)")
    trayd.profile("office", "host: unix:///nowhere.sock\n")
    with Host(bus.address) as host, trayd:
        wait_until(lambda: "office" in str(host.labels()), what="the first profile")
        assert not (trayd.home / ".docker").exists()
        steps = (
            ("create lab --docker host=unix:///lab.sock", "lab  ✖  not running  (context)"),
            ("use lab", "lab  ✖  not running  (context, docker uses it)"),
            ("update lab --docker host=tcp://127.0.0.2:9", "lab  ✖  stopped  (context, docker uses it)"),
            ("use default", "lab  ✖  stopped  (context)"),
            ("create second --docker host=unix:///two.sock", "second  ✖  not running  (context)"),
            ("rm second", ""),
        )
        for command, label in steps:
            docker("context", *command.split())
            done = time.monotonic()
            wait_until(
                lambda label=label: label in str(host.labels()) if label else "second" not in str(host.labels()),
                what=f"{label or 'no context'} after docker context {command}",
            )
            assert time.monotonic() - done < 2
        told = trayd.say("env", "lab", "--shell", "sh").stdout
        assert told.startswith("export DOCKER_CONTEXT='lab'; unset DOCKER_HOST")


def test_machines_and_sockets_come_and_go_in_the_running_tray(bus: PrivateBus, trayd: Trayd) -> None:
    """A machine's new address and a socket that appears are in the menu within two seconds; a stopped engine stays."""
    trayd = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address, TRAYD_DISCOVER="machines,sockets")
    trayd.profile("office", "host: unix:///nowhere.sock\n")
    machine = trayd.home / ".docker/machine/machines/box/config.json"
    podman = Path(os.environ["XDG_RUNTIME_DIR"]) / "podman/podman.sock"

    def store(address: str) -> None:
        machine.parent.mkdir(parents=True, exist_ok=True)
        machine.write_text(json.dumps({"DriverName": "virtualbox", "Driver": {"IPAddress": address}}))

    def seen(label: str) -> None:
        done = time.monotonic()
        wait_until(lambda: label in str(host.labels()), what=label)
        assert time.monotonic() - done < 2

    with Host(bus.address) as host, trayd, socket.socket(socket.AF_UNIX) as listener:
        wait_until(lambda: "office" in str(host.labels()), what="the first profile")
        store("127.0.0.2")
        seen("box  ✖  TLS files unusable  (docker-machine)")
        store("127.0.0.3")
        wait_until(lambda: "127.0.0.3" in trayd.say("env", "box", "--shell", "sh").stdout, what="the new address")
        podman.parent.mkdir()
        listener.bind(str(podman))
        seen("podman  ✖  stopped  (local)")
        podman.unlink()
        seen("podman  ✖  not running  (local)")


def test_the_menu_opens_at_once_while_five_engines_hang(bus: PrivateBus, trayd: Trayd) -> None:
    """With five engines that accept and never answer, a panel has the whole menu without a wait."""
    with ExitStack() as stack:
        for number in range(5):
            trayd.profile(f"hung{number}", f"host: {stack.enter_context(silent()).url}\n{QUICK}")
        host = stack.enter_context(Host(bus.address))
        stack.enter_context(trayd)
        wait_until(lambda: str(host.labels()).count("✖  does not answer") == 5, 20, "five hung engines")
        times = []
        for _ in range(100):
            start = time.monotonic()
            host.layout()
            times.append(time.monotonic() - start)
        # The figure is bench's; here only a menu that waits for an engine (1 s) would fail.
        assert sorted(times)[90] < 0.5


def test_a_hung_engine_is_told_once(bus: PrivateBus, trayd: Trayd, dockerd) -> None:
    """A frozen engine is an hourglass and one notification, and green again when it goes on."""
    engine = dockerd()
    trayd.profile("office", f"host: {engine.unix_url}\n{QUICK}")
    with NotificationServer(bus.address) as notes, Host(bus.address) as host, trayd:
        wait_until(lambda: title(host).startswith("office — reachable"), what="the reachable icon")
        engine.freeze()
        wait_until(lambda: title(host).startswith("office — does not answer since"), 8, "the hung icon")
        wait_until(lambda: notes.notes, what="the notification")
        engine.thaw()
        wait_until(lambda: title(host).startswith(("office — reachable", "office — slow")), 8, "the answer")
        wait_until(lambda: len(notes.notes) == 2, what="the word of its return")
        assert [note.title for note in notes.notes] == ["office: does not answer", "office is reachable again"]
        assert len(notes.showing()) == 1


def test_a_late_panel_and_a_lost_bus(bus: PrivateBus, trayd: Trayd) -> None:
    """Without a panel trayd waits, appears when one comes, and comes back when the whole session bus was lost."""
    trayd.profile("office", "host: unix:///nowhere.sock\n")
    with trayd:
        with Host(bus.address) as host:
            wait_until(lambda: host.items, what="the icon in a late panel")
        with Host(bus.address) as host:
            wait_until(lambda: host.items, what="the icon in the next panel")
        bus.stop()
        bus.start()
        with Host(bus.address) as host:
            wait_until(lambda: host.items, 20, what="the icon on the new bus")
            wait_until(lambda: "not reachable" in title(host), what="its words")


def test_every_command_of_the_menu_works(bus: PrivateBus, trayd: Trayd, tmp_path: Path) -> None:
    """Check again, start at login, notifications, open profiles, reload, about and quit do what they say."""
    opened = tmp_path / "opened"
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "xdg-open").write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    (tools / "xdg-open").chmod(0o755)
    trayd = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address, PATH=f"{tools}:/usr/bin:/bin")
    trayd.profile("office", f"host: {'unix:///nowhere.sock'}\n")
    with Host(bus.address) as host, trayd:
        autostart = trayd.home / ".config/autostart/trayd.desktop"
        host.click("Settings", "Start at login")
        wait_until(lambda: host.entry("Settings", "Start at login").checked, what="the check mark")
        assert autostart.exists()
        host.click("Settings", "Start at login")
        wait_until(lambda: not host.entry("Settings", "Start at login").checked, what="no check mark")
        assert not autostart.exists()
        assert host.entry("Settings", "Notifications").checked
        host.click("Settings", "Notifications")
        wait_until(lambda: not host.entry("Settings", "Notifications").checked, what="notifications off")
        host.click("Settings", "Open profiles")
        wait_until(lambda: opened.exists() and opened.read_text().strip() == str(trayd.profiles), what="the folder")
        host.click("Settings", "Reload")
        host.click("Check again")
        host.ask_item("SecondaryActivate", "ii", 0, 0)
        with pytest.raises(Refused):
            host.ask_item("Activate", "ii", 0, 0)
        assert any(entry.label.startswith("trayd ") for entry in host.entry("About").children)
        host.click("Quit")
        assert trayd.ended() == 0


def test_a_copy_that_fails_is_said(bus: PrivateBus, trayd: Trayd) -> None:
    """Where there is no clipboard, a click on 'Copy' ends in a notification that says so, not in silence."""
    trayd.profile("office", "host: unix:///nowhere.sock\n")
    with NotificationServer(bus.address) as notes, Host(bus.address) as host, trayd:
        host.click("Copy environment", "fish")
        wait_until(lambda: notes.notes, what="the notification")
        assert "clipboard" in notes.notes[0].title + notes.notes[0].body


def test_a_read_only_home_keeps_the_choice_in_memory(bus: PrivateBus, trayd: Trayd) -> None:
    """If the choice cannot be saved, the tray switches all the same and says once that it will be forgotten."""
    trayd.profile("lab", "host: unix:///nowhere.sock\n")
    trayd.profile("office", "host: unix:///nowhere.sock\n")
    with NotificationServer(bus.address) as notes, Host(bus.address) as host, trayd:
        wait_until(lambda: host.items, what="the icon")
        # A file where the folder should be: even root cannot write there.
        state = trayd.home / ".local/state/trayd"
        while not state.is_file():  # the log may make the folder anew just then
            if state.is_dir():
                state.rename(state.with_name(f"before {time.monotonic()}"))
            with suppress(OSError):
                state.touch(exist_ok=False)
        host.click("office  ✖  not running")
        wait_until(lambda: checked(host) == "office", what="the switch")
        wait_until(lambda: notes.notes, what="the notification")
        assert "kept only until trayd ends" in notes.notes[0].title


def test_a_bug_in_the_loop_takes_the_icon_away_and_is_told(bus: PrivateBus, trayd: Trayd) -> None:
    """A live icon with dead contents is worse than none: trayd ends with exit code 3 and the report's path."""
    bug = "import sys, trayd.app, trayd.cli\ndef run(self): raise RuntimeError('boom')\ntrayd.app.App.run = run\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{bug}sys.exit(trayd.cli.main(['run']))"],
        env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": bus.address},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 3
    report = Path(done.stderr.partition("The report is in ")[2].split("\n")[0])
    assert "RuntimeError: boom" in report.read_text()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_at_any_moment_ends_it(bus: PrivateBus, trayd: Trayd, number: int, code: int) -> None:
    """A logout, or Ctrl-C, right when the icon comes or a little later, is never missed."""
    for late in range(15):
        with Host(bus.address) as host, trayd:
            wait_until(lambda host=host: host.items, what="the icon", every=0.001)
            time.sleep(late % 5 * 0.02)
            trayd.process.send_signal(number)
            assert trayd.ended() == code


def test_the_docker_cli_goes_elsewhere(bus: PrivateBus) -> None:
    """The menu says where the docker CLI goes within two seconds of a real `docker context use`, and tells it once."""
    need("docker", "sudo apt install docker.io")
    trayd = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address)
    trayd.profile("lab", "host: unix:///lab.sock\n")
    trayd.profile("office", "host: unix:///office.sock\n")

    def context(*arguments: str) -> None:
        environ = {"PATH": os.environ["PATH"], "HOME": str(trayd.home)}
        subprocess.run(["docker", "context", *arguments], env=environ, check=True, capture_output=True, timeout=30)

    def said() -> list[str]:
        return [entry.label for entry in host.menu().children if entry.label.startswith("Docker CLI")]

    context("create", "another", "--docker", "host=unix:///office.sock")
    context("create", "mine", "--docker", "host=unix:///lab.sock")
    with NotificationServer(bus.address) as notes, Host(bus.address) as host, trayd:
        wait_until(lambda: said() == ["Docker CLI goes to: unix:///var/run/docker.sock"], what="where it goes at first")
        context("use", "another")
        changed = time.monotonic()
        wait_until(lambda: "Docker CLI goes to: office" in said(), what="the other engine")
        assert time.monotonic() - changed < 2
        title_told = "Docker CLI: context changed from default to another"
        assert said()[1].startswith(f"{title_told} at ")
        wait_until(lambda: [note.title for note in notes.notes] == [title_told], what="the notification")
        context("use", "mine")
        wait_until(lambda: said() == [], what="the active profile's engine")


@pytest.mark.engine
def test_check_again_on_a_notification_is_answered(bus: PrivateBus, trayd: Trayd, dockerd) -> None:
    """The button asks the engine at once, and what comes of it is told in the same place, also if nothing changed."""
    engine = dockerd()
    trayd.profile("office", f"host: {engine.unix_url}\n{QUICK}")
    with NotificationServer(bus.address) as notes, Host(bus.address) as host, trayd:
        wait_until(lambda: title(host).startswith("office — reachable"), what="the reachable icon")
        engine.kill()
        wait_until(lambda: notes.notes, what="the notification of the loss")
        assert [label for _, label in notes.notes[0].actions] == ["Check again", "Copy details"]
        notes.click(notes.notes[0], "Check again")
        wait_until(lambda: len(notes.notes) == 2, what="the answer to the click")
        first, second = notes.notes
        assert (second.title, second.body, second.id) == (first.title, first.body, first.id)
        engine.start()
        wait_until(lambda: len(notes.notes) == 3, what="the word of the return")
        assert [note.title for note in notes.showing().values()] == ["office is reachable again"]


@pytest.mark.engine
def test_a_silent_profile_is_only_shown(bus: PrivateBus, trayd: Trayd, dockerd) -> None:
    """With `notifications: false` the icon alone says a loss; switched on in the file, the next one is told."""
    engine = dockerd()
    profile = f"host: {engine.unix_url}\n{QUICK}notifications: "
    trayd.profile("office", f"{profile}false\n")
    with NotificationServer(bus.address) as notes, Host(bus.address) as host, trayd:
        wait_until(lambda: title(host).startswith("office — reachable"), what="the reachable icon")
        engine.kill()
        wait_until(lambda: title(host).startswith("office — not reachable"), what="the loss in the tray")
        engine.start()
        wait_until(lambda: title(host).startswith("office — reachable"), what="the reachable icon")
        assert notes.notes == []
        trayd.profile("office", f"{profile}true\n")
        trayd.profile("later", "host: unix:///nowhere.sock\n")
        wait_until(lambda: "later" in str(host.labels()), what="an edit that came after this one")
        engine.kill()
        wait_until(lambda: notes.notes, what="the notification of the loss")
