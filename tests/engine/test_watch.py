"""trayd watching real engines: what is shown, how soon, and what is left when it ends."""

import itertools
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.engine.asking import ROOT
from tests.engine.running import QUICK, profile, trayd
from tests.harness import responder, standin
from tests.harness.dockerd import Dockerd
from tests.harness.poll import wait_until
from tests.harness.responder import Responder
from tests.harness.tls import Authority
from trayd.core import messages as m
from trayd.core.health import State

Start = Callable[..., Dockerd]
Record = Callable[[str, object], None]


@pytest.fixture(autouse=True)
def leaves_nothing() -> Iterator[None]:
    """Every test here ends with a Quit, after which no thread and no open file of trayd's is left."""
    threads, files = set(threading.enumerate()), _files()
    yield
    wait_until(lambda: not set(threading.enumerate()) - threads, 5, "the end of every thread")
    wait_until(lambda: len(_files()) <= len(files), 5, f"the closing of {_files() - files}")


def _files() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


@pytest.mark.engine
def test_a_killed_engine_is_missed_at_once_and_told_once(dockerd: Start, record_testsuite_property: Record) -> None:
    """The icon turns within a tenth of a second, the one notification waits for the grace, the return is seen soon."""
    running = dockerd()
    # A dockerd 26 that starts is silent for 1.1 s on its open socket (20.10: 0.1 s), which is not slow here.
    profile("office", running.unix_url, "health: {interval: 1s, timeout: 4s, slow: 3s, grace: 1s}")
    with trayd() as shown:
        shown.wait(State.REACHABLE)
        shown.until(lambda: shown.info().name, "the engine's name")
        killed = running.kill()
        missed = shown.wait(State.RECONNECTING, after=killed)
        assert missed - killed < 0.1
        told = shown.wait(State.UNREACHABLE, after=killed)
        assert 0.9 < told - missed < 1.5
        assert [note[::2] for note in shown.shown.notes] == [("office: not reachable", "office")]
        starting = time.monotonic()
        running.start()
        started = time.monotonic()
        back = shown.wait(State.REACHABLE, after=starting)
        assert back - started < 0.5
        shown.until(lambda: len(shown.shown.notes) == 2, "the good news")
        assert shown.states() == ["connecting", "reachable", "reconnecting", "unreachable", "reachable"]
        assert [note[0] for note in shown.shown.notes] == ["office: not reachable", "office is reachable again"]
    record_testsuite_property("kill to reconnecting, ms", round(1000 * (missed - killed), 1))
    record_testsuite_property("restarted to reachable, ms", round(1000 * (back - started), 1))


@pytest.mark.engine
@pytest.mark.parametrize("kind", ["tcp", "tls"])
def test_a_killed_engine_on_the_network_is_missed_at_once_too(
    kind: str, dockerd: Start, authority: Authority, certs: Path
) -> None:
    """Over tcp and TLS a kill is seen as fast as over the socket, and so is the return."""
    running = dockerd(unix=False, tcp=True, tls=authority.server() if kind == "tls" else None)
    more = f"{QUICK}\ntls: {{cert_path: {certs}}}" if kind == "tls" else QUICK
    profile("office", running.tcp_url, more)
    with trayd() as shown:
        shown.wait(State.REACHABLE)
        shown.until(lambda: shown.info().name, "the engine's name")
        killed = running.kill()
        assert shown.wait(State.RECONNECTING, after=killed) - killed < 0.1
        running.start()
        started = time.monotonic()
        assert shown.wait(State.REACHABLE, after=killed) - started < 3.0


@pytest.mark.parametrize("unix", [False, True], ids=["tcp", "unix"])
def test_a_dripping_server_is_overtaken_and_its_connection_closed(unix: bool) -> None:
    """A probe that never ends is given up: its thread ends, its connection is closed, the engine counts as hung."""
    left: list[float] = []

    def behave(connection: socket.socket, ended: threading.Event) -> None:
        standin.read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not ended.wait(0.05):
            try:
                connection.sendall(b"x")
            except OSError:
                left.append(time.monotonic())
                return

    with standin.StandIn(behave, unix=unix) as dripping:
        profile("drip", dripping.url)
        with trayd() as shown:
            shown.until(lambda: dripping.connections, "the first question")
            (asking,) = _threads("probe drip")
            hung = shown.wait(State.HUNG, "drip")
            wait_until(lambda: not asking.is_alive(), 1, "the end of the abandoned probe")
            wait_until(lambda: left, 1, "the closing of the abandoned connection")
            assert left[0] - hung < 0.5
            # It is asked again and again, and never by more than one thread.
            assert dripping.connections == 1, "what was given up began again"
            shown.until(lambda: dripping.connections == 2, "the second question")
            assert len(_threads("probe drip")) == 1
            assert shown.state("drip") == "hung"


def _threads(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


def test_dead_and_hanging_engines_do_not_delay_the_others() -> None:
    """With three of twenty engines hanging, dripping and closing, every other one is asked on its schedule."""
    with ExitStack() as stack:
        good = {f"good{i:02}": stack.enter_context(Responder(responder.engine(), unix=True)) for i in range(17)}
        bad = {
            "silent": stack.enter_context(standin.silent(unix=True)),
            "drip": stack.enter_context(standin.drip(every=0.3, unix=True)),
            "closing": stack.enter_context(standin.closing(unix=True)),
        }
        for name, server in {**good, **bad}.items():
            profile(name, server.url)
        start = time.monotonic()
        with trayd() as shown:
            for name in good:
                assert shown.wait(State.REACHABLE, name) - start < 2.0
            for name in bad:
                shown.until(lambda name=name: shown.state(name) in ("hung", "unreachable"), name)
            shown.until(lambda: all(len(_pings(server)) >= 5 for server in good.values()), "five questions to each")
        assert {shown.state(name) for name in good} <= {"reachable"}
        for server in good.values():
            times = _pings(server)
            # The loop's first pass is shared by twenty threads, so it is the schedule after it that counts.
            assert all(later - sooner < 1.5 for sooner, later in itertools.pairwise(times[1:])), times


def _pings(server: Responder) -> list[float]:
    return [request.at for request in server.requests if request.path == "/_ping"]


def test_an_edited_profile_is_taken_up_and_a_broken_one_keeps_the_old(record_testsuite_property: Record) -> None:
    """A saved profile is in force at once; a typing mistake leaves the engine as it was, and says where."""
    with (
        Responder(responder.engine(version="1.0"), unix=True) as one,
        Responder(responder.engine(version="2.0"), unix=True) as two,
    ):
        file = profile("office", one.url)
        with trayd() as shown:
            shown.until(lambda: shown.info().version == "1.0", "the first engine")
            edited = time.monotonic()
            profile("office", two.url)
            shown.until(lambda: shown.info().version == "2.0", "the second engine", 2)
            seconds = time.monotonic() - edited
            file.write_text("hots: nothing\n")
            shown.until(lambda: shown.snapshot.problems, "the problem", 2)
            assert shown.engine().profile.endpoint.url == two.url
            assert shown.state() == "reachable"
            assert "host" in shown.snapshot.problems[0].message
            profile("lab", one.url)
            shown.wait(State.REACHABLE, "lab", seconds=2)
            file.unlink()
            shown.until(lambda: "office" not in shown.snapshot.engines, "the end of the removed profile", 2)
    record_testsuite_property("saved to in force, ms", round(1000 * seconds))


def test_a_choice_made_elsewhere_moves_the_active_profile(record_testsuite_property: Record) -> None:
    """`trayd use lab` in a terminal moves the icon within a third of a second."""
    with Responder(responder.engine(), unix=True) as one, Responder(responder.engine(), unix=True) as two:
        profile("lab", one.url)
        profile("office", two.url)
        with trayd() as shown:
            shown.wait(State.REACHABLE, "office")
            for name in ("office", "lab"):  # the file does not exist the first time, and is replaced the second
                program = (
                    "import time; from trayd.config.memory import Memory, remember\n"
                    f"remember(Memory({name!r})); print(time.monotonic())"
                )
                done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
                assert done.returncode == 0, done.stderr
                shown.until(lambda name=name: shown.snapshot.active == name, f"{name} to be active", 2)
                seconds = time.monotonic() - float(done.stdout)
                assert seconds < 0.3
    record_testsuite_property("chosen to shown, at most ms", round(1000 * seconds, 1))


def test_quit_ends_a_loop_with_hanging_probes() -> None:
    """Quit does not wait for an engine that does not answer."""
    with standin.silent(unix=True) as silent, standin.silent() as other:
        profile("one", silent.url, "health: {timeout: 60s}")
        profile("two", other.url, "health: {timeout: 60s}")
        with trayd() as shown:
            shown.until(lambda: silent.connections and other.connections, "the questions")
            start = time.monotonic()
            shown.app.post(m.Quit())
            shown.until(lambda: shown.shown.stopped, "the end", 2)
            assert time.monotonic() - start < 0.5
