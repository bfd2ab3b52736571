"""Watching that changes nothing: a stopped engine stays stopped, a sleeping Docker Desktop is not woken."""

import os
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.engine.running import profile, trayd
from tests.harness import responder
from tests.harness.poll import wait_until
from tests.harness.responder import Reply, Responder
from trayd import choosing
from trayd.core import effects as do
from trayd.core import messages as m
from trayd.core.health import State
from trayd.core.profile import Endpoint, Profile
from trayd.engine import watcher
from trayd.engine.activation import Places, would_start
from trayd.engine.pulse import Pulse
from trayd.engine.watcher import Watch
from trayd.waiting import wait

STOPPED = ("Docker is stopped; the next docker command starts it.", "Start it: sudo systemctl start docker")


class Systemd:
    """A systemctl on the PATH that says what it is told to, and the files that dockerd and systemd keep."""

    def __init__(self, folder: Path, socket: Path) -> None:
        self._words, self.asked = folder / "words", folder / "asked"
        tools = folder / "tools"
        tools.mkdir()
        tool = tools / "systemctl"
        tool.write_text(f'#!/bin/sh\necho "$*" >> {self.asked}\n. {self._words}\n')
        tool.chmod(0o755)
        self.tools = str(tools)
        self.run = folder / "run"
        self.run.mkdir()
        self.pid_file = folder / "docker.pid"
        self.daemon_json = folder / "daemon.json"
        self.places = Places((str(socket),), str(self.pid_file), str(self.daemon_json), str(self.run))
        self.says("inactive", "active")

    def says(self, service: str, socket: str) -> None:
        self._words.write_text(f"echo {service}\necho {socket}\nexit 3\n")

    def hangs(self) -> None:
        self._words.write_text("exec sleep 5\n")

    def running(self) -> None:
        self.pid_file.write_text(str(os.getpid()))


@pytest.fixture
def listening() -> Iterator[Responder]:
    """What stands for the socket that systemd holds open: who connects to it has started the engine."""
    with Responder(responder.engine(), unix=True) as server:
        yield server


@pytest.fixture
def systemd(tmp_path: Path, listening: Responder, monkeypatch: pytest.MonkeyPatch) -> Systemd:
    made = Systemd(tmp_path, listening.path)
    monkeypatch.setenv("PATH", made.tools, prepend=os.pathsep)
    return made


@pytest.mark.parametrize(
    ("service", "socket", "starts"),
    [
        ("inactive", "active", True),
        ("failed", "active", True),
        ("deactivating", "active", True),
        ("active", "active", False),
        ("activating", "active", False),
        ("inactive", "inactive", False),
        ("unknown", "unknown", False),
    ],
)
def test_systemd_says_whether_a_connection_starts_the_engine(
    systemd: Systemd, listening: Responder, service: str, socket: str, starts: bool
) -> None:
    """A connection starts the engine if its service is stopped while its socket listens, and only then."""
    systemd.says(service, socket)
    assert would_start(str(listening.path), False, 3.0, systemd.places) is starts
    assert systemd.asked.read_text() == "is-active docker.service docker.socket\n"


def test_a_live_process_needs_no_question(systemd: Systemd, listening: Responder) -> None:
    """While an engine is connected, its pid file is enough, also where its configuration puts it elsewhere."""
    path = str(listening.path)
    systemd.running()
    assert not would_start(path, True, 3.0, systemd.places)
    systemd.pid_file.rename(systemd.pid_file.with_name("moved.pid"))
    systemd.daemon_json.write_text(f'{{"pidfile": "{systemd.pid_file.with_name("moved.pid")}"}}')
    assert not would_start(path, True, 3.0, systemd.places)
    assert not systemd.asked.exists()


def test_a_dead_process_is_not_believed(systemd: Systemd, listening: Responder) -> None:
    """A pid file of a process that has ended, or without a number, counts as none."""
    for text in (str(_dead()), "", "nonsense", "9" * 30):
        systemd.pid_file.write_text(text)
        assert would_start(str(listening.path), True, 3.0, systemd.places), text


def test_an_engine_that_is_ending_is_left_alone(systemd: Systemd, listening: Responder) -> None:
    """After a loss a live process counts only if systemd is not just stopping it."""
    systemd.running()
    systemd.says("deactivating", "active")
    assert would_start(str(listening.path), False, 3.0, systemd.places)
    systemd.says("inactive", "active")  # it was started by hand, past systemd
    assert not would_start(str(listening.path), False, 3.0, systemd.places)


def test_whoever_cannot_be_asked_stops_nothing(
    systemd: Systemd, listening: Responder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another socket, no systemd, no systemctl and one that hangs all mean: connect; it takes 1 s at most."""
    assert not would_start("/another.sock", False, 3.0, systemd.places)
    systemd.hangs()
    start = time.monotonic()
    assert not would_start(str(listening.path), False, 3.0, systemd.places)
    assert 0.9 < time.monotonic() - start < 2
    assert not would_start(str(listening.path), False, 0.2, systemd.places)
    assert time.monotonic() - start < 2, "a short timeout of the profile's counts here, too"
    monkeypatch.setenv("PATH", "/nowhere")
    assert not would_start(str(listening.path), False, 3.0, systemd.places)
    systemd.run.rmdir()
    monkeypatch.setenv("PATH", systemd.tools)
    systemd.says("inactive", "active")
    assert not would_start(str(listening.path), False, 3.0, systemd.places)


def test_watching_does_not_start_a_stopped_engine(systemd: Systemd, listening: Responder, pulse: Pulse) -> None:
    """Background questions say that Docker is stopped and connect to nobody; "Check again" connects."""
    posted: list[object] = []
    watch = Watch(Profile("local", Endpoint("unix", path=str(listening.path))), 1, posted.append, pulse, systemd.places)
    watch.ask(do.Ask("local", 3.0))
    watch.ask(do.Ask("local", 3.0, fresh=True))
    wait_until(lambda: len(posted) == 2, what="two looks")
    for message in posted:
        assert isinstance(message, m.Probed) and isinstance(message.outcome, m.Failed)
        found = message.outcome.diagnosis
        assert (found.code, found.cause, found.next) == ("stopped_activatable", *STOPPED)
    assert listening.connections == 0
    watch.ask(do.Ask("local", 3.0, fresh=True, wake=True))
    wait_until(lambda: len(posted) == 3, what="the answer")
    assert isinstance(posted[2], m.Probed) and isinstance(posted[2].outcome, m.Answered)
    watch.stop()


def test_a_stop_is_not_undone(systemd: Systemd, listening: Responder, pulse: Pulse) -> None:
    """When the engine is stopped under a held connection, the next question finds it stopped and does not connect."""
    systemd.running()
    systemd.says("active", "active")
    posted: list[object] = []
    watch = Watch(Profile("local", Endpoint("unix", path=str(listening.path))), 1, posted.append, pulse, systemd.places)
    watch.ask(do.Ask("local", 3.0))
    wait_until(lambda: len(posted) == 1, what="the answer")
    watch.listen()  # this stand-in refuses the stream, which is an end like any other
    wait_until(lambda: len(posted) == 2, what="the stream's end")
    systemd.says("deactivating", "active")
    before = listening.connections
    watch.ask(do.Ask("local", 3.0))
    wait_until(lambda: len(posted) == 3, what="the look")
    assert isinstance(posted[2], m.Probed) and isinstance(posted[2].outcome, m.Failed)
    assert posted[2].outcome.diagnosis.code == "stopped_activatable"
    assert listening.connections == before
    watch.stop()


def test_only_waiting_for_an_engine_starts_it(
    systemd: Systemd, listening: Responder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`trayd wait --down` takes a stopped engine for what it is and leaves it so; `--up` asks as docker would."""
    monkeypatch.setattr(watcher, "Watch", partial(Watch, places=systemd.places))
    profile("office", listening.url, "")
    (office,) = choosing.load().profiles
    assert wait(office, up=False, timeout=20) == 0
    assert wait(office, up=False, timeout=0) == 0
    assert listening.connections == 0
    assert wait(office, up=True, timeout=20) == 0
    assert listening.connections


def _dead() -> int:
    ended = subprocess.Popen(["true"])
    ended.wait()
    return ended.pid


# --- Docker Desktop


def desktop(method: str, path: str) -> Reply:
    """Docker Desktop's engine, as its /version tells."""
    reply = Reply(*responder.engine()(method, path))
    if path != "/version":
        return reply
    assert isinstance(reply.body, bytes)
    body = reply.body.replace(b"{", b'{"Platform": {"Name": "Docker Desktop 4.34.0 (165256)"}, ', 1)
    return reply._replace(body=body)


def _asked(server: Responder) -> list[str]:
    return [request.path.partition("?")[0].rpartition("/v1.41")[2] for request in server.requests]


def test_docker_desktop_is_only_pinged_until_the_menu_opens() -> None:
    """In the background Docker Desktop gets pings and one /version; the menu asks for images, and once for its name."""
    with Responder(desktop, unix=True) as server:
        profile("office", server.url, "health: {interval: 1s}")
        with trayd() as shown:
            shown.wait(State.REACHABLE)
            shown.until(lambda: _asked(server).count("/_ping") >= 3, "three pings")
            assert set(_asked(server)) == {"/_ping", "/version"}
            assert all(request.headers["user-agent"].startswith("trayd/") for request in server.requests)
            shown.app.post(m.MenuOpened())
            shown.until(lambda: shown.engine().images is not None, "the images")
            pings = _asked(server).count("/_ping")
            shown.until(lambda: _asked(server).count("/_ping") > pings + 1, "more pings")
            assert _asked(server).count("/images/json") == 1
            assert "/events" not in _asked(server)


@pytest.mark.parametrize(("setting", "handler"), [("true", desktop), ("false", responder.engine())])
def test_a_setting_says_otherwise(setting: str, handler: responder.Handler) -> None:
    """`events: true` treats Docker Desktop as any engine, `events: false` any engine as Docker Desktop."""
    with Responder(handler, unix=True) as server:
        profile("office", server.url, f"health: {{interval: 1s, events: {setting}}}")
        with trayd() as shown:
            shown.wait(State.REACHABLE)
            shown.until(lambda: _asked(server).count("/_ping") >= 3, "three pings")
            more = {"/events", "/images/json", "/info"} & set(_asked(server))
            assert more == ({"/events", "/images/json", "/info"} if setting == "true" else set())
