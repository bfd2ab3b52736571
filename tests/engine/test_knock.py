"""Asking a silent engine again: at little cost, and its return is seen at once on the connection that waits."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.asking import endpoint
from tests.harness import standin
from tests.harness.dockerd import Dockerd
from tests.harness.poll import wait_until
from tests.harness.responder import Reply, Responder
from tests.harness.tls import Authority
from trayd.core import effects as do
from trayd.core import messages as m
from trayd.core.profile import Endpoint, Profile
from trayd.engine.pulse import Pulse
from trayd.engine.watcher import Watch

BRIEF = 0.4  # a probe's timeout here
GOOD = Reply(200, {"Api-Version": "1.41"}, b"OK")


class Watched:
    """A watch, and what it posts."""

    def __init__(self, place: Endpoint, pulse: Pulse) -> None:
        self.posted: list[object] = []
        self.watch = Watch(Profile("office", place), 1, self.posted.append, pulse)

    def ask(self, timeout: float = 20.0) -> m.Answered | m.Failed:
        """Send a probe and wait for what comes of it."""
        before = self.probed
        self.watch.ask(do.Ask("office", timeout))
        return self.outcome(before, timeout)

    @property
    def probed(self) -> int:
        """How many probes are over."""
        return len([message for message in self.posted if isinstance(message, m.Probed)])

    def outcome(self, before: int, timeout: float) -> m.Answered | m.Failed:
        """What comes of the next probe after so many."""
        wait_until(lambda: self.probed > before, timeout + 5, "the outcome")
        return [message for message in self.posted if isinstance(message, m.Probed)][before].outcome

    def hints(self) -> int:
        """How often something came unasked."""
        return self.posted.count(m.Hinted("office", 1))

    def hold(self) -> None:
        """Ask until a connection waits: the first silence is docker-py's or the pulse's, the second one a knock's."""
        silent(self.ask(BRIEF), held=False)
        silent(self.ask(BRIEF), held=True)
        assert not self.hints()


def silent(outcome: m.Answered | m.Failed, held: bool) -> None:
    """Hold an outcome to be that of an engine that does not answer."""
    assert isinstance(outcome, m.Failed) and outcome.diagnosis.code == "no_answer", outcome
    assert outcome.held is held


@pytest.fixture(scope="module")
def engines(authority: Authority) -> Iterator[dict[str, Dockerd]]:
    """Two real engines, one of them with TLS, for all tests."""
    with Dockerd(tcp=True) as plain, Dockerd(tcp=True, tls=authority.server()) as secure:
        yield {"unix": plain, "tcp": plain, "tls": secure}


@pytest.fixture(params=["unix", "tcp", "tls"])
def frozen(
    request: pytest.FixtureRequest, engines: dict[str, Dockerd], certs: Path, pulse: Pulse
) -> Iterator[tuple[Watched, Dockerd]]:
    """A watch of a real engine that answered, was frozen, and on whose return a connection waits."""
    engine = engines[request.param]
    url = engine.unix_url if request.param == "unix" else engine.tcp_url
    watched = Watched(endpoint(url, certs if request.param == "tls" else None), pulse)
    assert isinstance(watched.ask(), m.Answered)
    engine.freeze()
    try:
        watched.hold()
        yield watched, engine
    finally:
        watched.watch.stop()
        if engine.running:
            engine.thaw()
        else:
            engine.start()


@pytest.mark.engine
def test_an_engine_that_goes_on_is_seen_although_nobody_asks(frozen: tuple[Watched, Dockerd]) -> None:
    """It answers what it was asked long ago: a hint, after which it is asked what it is."""
    watched, engine = frozen
    engine.thaw()
    wait_until(watched.hints, 10, "the hint")
    outcome = watched.ask()
    assert isinstance(outcome, m.Answered) and outcome.engine is not None and outcome.engine.version


@pytest.mark.engine
def test_a_frozen_engine_that_is_killed_is_seen_although_nobody_asks(frozen: tuple[Watched, Dockerd]) -> None:
    """The end of the connection is a hint too, and the next probe says that it is gone."""
    watched, engine = frozen
    engine.kill()
    wait_until(watched.hints, 10, "the hint")
    outcome = watched.ask()
    assert isinstance(outcome, m.Failed) and outcome.diagnosis.code == "refused", outcome


@pytest.mark.engine
def test_an_engine_that_goes_on_while_it_is_asked_has_answered(frozen: tuple[Watched, Dockerd]) -> None:
    """Whatever comes within the time of a knock, docker-py asks in what is left of it."""
    watched, engine = frozen
    before = watched.probed
    watched.watch.ask(do.Ask("office", 20.0))
    engine.thaw()
    outcome = watched.outcome(before, 20.0)
    assert isinstance(outcome, m.Answered) and outcome.engine is not None, outcome


@pytest.mark.engine
def test_an_engine_that_stays_silent_is_asked_on_one_connection_at_a_time(frozen: tuple[Watched, Dockerd]) -> None:
    """Each question lets the one before it go, and the last goes with the watch."""
    watched, _ = frozen
    files = _files()
    for _ in range(3):
        silent(watched.ask(BRIEF), held=True)
    wait_until(lambda: len(_files()) == len(files), 5, f"the closing of {_files() - files}")
    watched.watch.stop()
    wait_until(lambda: len(_files()) < len(files), 5, "the closing of the last")
    assert not watched.hints(), "our own closing was taken for a sign of the engine"


def _files() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("unix", [True, False], ids=["unix", "tcp"])
def test_a_silent_engine_is_asked_the_same_question(unix: bool, pulse: Pulse) -> None:
    """An engine, and a proxy before it that chooses by Host, cannot tell a knock from docker-py's own ping."""
    with Responder(lambda method, path: GOOD._replace(delay=30), unix=unix) as server:
        watched = Watched(endpoint(server.url), pulse)
        watched.hold()
        wait_until(lambda: len(server.requests) == 2, 5, "both questions")
        first, second = server.requests
        assert (first.method, first.path, first.headers) == (second.method, second.path, second.headers)
        watched.watch.stop()


@pytest.mark.parametrize("unix", [True, False], ids=["unix", "tcp"])
def test_what_says_something_and_never_answers_is_trusted_once(unix: bool, pulse: Pulse) -> None:
    """After one hint in vain it is asked as before: no hint of it makes anybody ask more often."""

    def behave(connection: socket.socket, ended: threading.Event) -> None:
        standin.read_head(connection)
        if not ended.wait(2.5 * BRIEF):
            connection.sendall(b"H")
            ended.wait(60)

    with standin.StandIn(behave, unix=unix) as server:
        watched = Watched(endpoint(server.url), pulse)
        watched.hold()
        wait_until(watched.hints, 10, "the hint")
        for _ in range(3):
            silent(watched.ask(BRIEF), held=False)
        time.sleep(3 * BRIEF)
        assert watched.hints() == 1
        assert server.connections == 5
        watched.watch.stop()


def test_a_good_engine_is_told_as_soon_while_others_are_knocked_at(pulse: Pulse) -> None:
    """The answers of good engines do not wait for knocks that nobody answers."""
    with standin.silent(unix=True) as server, Responder(lambda method, path: GOOD, unix=True) as good:
        hung, other = Watched(endpoint(server.url), pulse), Watched(endpoint(good.url), pulse)
        hung.hold()
        hung.watch.ask(do.Ask("office", 20.0))
        assert isinstance(other.ask(), m.Answered)
        begun = time.monotonic()
        assert isinstance(other.ask(), m.Answered)
        assert time.monotonic() - begun < 5
        hung.watch.stop()
        other.watch.stop()


@pytest.mark.parametrize("left_over", [False, True], ids=["missing", "refused"])
def test_a_socket_without_a_listener_is_told_the_same_each_time(left_over: bool, pulse: Pulse, tmp_path: Path) -> None:
    """docker-py finds the cause once, a look at the socket finds it again, and whoever listens then is asked."""
    path = tmp_path / "d.sock"
    if left_over:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
    watched = Watched(endpoint(f"unix://{path}"), pulse)
    first, second, third = (watched.ask() for _ in range(3))
    assert isinstance(first, m.Failed)
    assert first.diagnosis.code == ("refused" if left_over else "socket_missing")
    assert first == second == third
    path.unlink(missing_ok=True)
    path.touch()
    other = watched.ask()
    assert isinstance(other, m.Failed) and other.diagnosis.code == "not_a_socket", other
    path.unlink()
    with Responder(lambda method, path: GOOD, unix=True) as server:
        path.symlink_to(server.path)
        assert isinstance(watched.ask(), m.Answered)
    watched.watch.stop()
