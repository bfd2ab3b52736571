"""The cheap ping on a connection that is there: it says "as before" or hands over, and costs no truth."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.asking import endpoint
from tests.harness.poll import wait_until
from tests.harness.responder import Reply, Responder
from tests.harness.tls import Authority
from trayd.core import effects as do
from trayd.core import messages as m
from trayd.core.profile import Endpoint, Profile
from trayd.engine.pulse import Line, Pulse
from trayd.engine.watcher import Watch

GOOD = Reply(200, {"Api-Version": "1.41"}, b"OK")
ANSWER = (
    b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nServer: Docker/20.10.24 (linux)\r\nContent-Length: 2\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\nOK"
)


class Engine:
    """What the stand-in engine says; a test changes its answer to a ping."""

    ping = GOOD

    def __call__(self, method: str, path: str) -> Reply:
        if path == "/_ping":
            return self.ping
        return Reply(200, {"Content-Type": "application/json"}, b'{"Version": "20.10.24", "ApiVersion": "1.41"}')


class Asked:
    """A watch of a stand-in engine, and what it posts."""

    def __init__(self, place: Endpoint, pulse: Pulse, says: Engine, server: Responder) -> None:
        self.says, self.server = says, server
        self.posted: list[object] = []
        self.watch = Watch(Profile("office", place), 1, self.posted.append, pulse)

    def ask(self, timeout: float = 3.0) -> m.Answered | m.Failed:
        """Send a probe and wait for what comes of it."""
        before = len(self.posted)
        self.watch.ask(do.Ask("office", timeout))
        wait_until(lambda: len(self.posted) > before, timeout + 2, "the outcome")
        message = self.posted[before]
        assert isinstance(message, m.Probed)
        return message.outcome


@pytest.fixture(params=["unix", "tcp", "tls"])
def asked(request: pytest.FixtureRequest, authority: Authority, certs: Path, pulse: Pulse) -> Iterator[Asked]:
    """A watch over each transport that was answered once, on a connection that is kept."""
    says, tls = Engine(), request.param == "tls"
    with Responder(says, unix=request.param == "unix", tls=authority.server() if tls else None) as server:
        asking = Asked(endpoint(server.url, certs if tls else None), pulse, says, server)
        assert isinstance(asking.ask(), m.Answered)
        yield asking
        asking.watch.stop()


def test_it_asks_the_same_question_on_the_same_connection(asked: Asked) -> None:
    """An engine, and a proxy before it that chooses by Host, cannot tell a cheap ping from docker-py's own."""
    for _ in range(3):
        assert asked.ask() == m.Answered(asked.posted[-1].outcome.latency)  # type: ignore[attr-defined]
    pings = [request for request in asked.server.requests if request.path == "/_ping"]
    assert len(pings) == 4
    assert all(ping.headers == pings[0].headers for ping in pings)
    assert asked.server.connections == 1


@pytest.mark.parametrize(
    ("ping", "code"),
    [
        (Reply(500, {"Api-Version": "1.41"}, b"no"), "engine_error"),
        (Reply(503, {}, b""), "proxy_or_starting"),
        (Reply(200, {"Api-Version": "1.41"}, b"KO"), "not_docker"),
        (Reply(200, {}, b"OK"), "not_docker"),
        (Reply(302, {"Location": "http://elsewhere.example/"}, b""), "not_docker"),
        (Reply(200, {"Api-Version": "1.12"}, b"OK"), "api_too_old"),
    ],
)
def test_whatever_is_not_the_good_answer_gets_its_diagnosis(asked: Asked, ping: Reply, code: str) -> None:
    """What is wrong on a connection that was good is named as on a new one."""
    asked.says.ping = ping
    outcome = asked.ask()
    assert isinstance(outcome, m.Failed), outcome
    assert outcome.diagnosis.code == code


def test_another_good_answer_is_good(asked: Asked) -> None:
    """An engine that speaks a newer API, or in chunks, still answers."""
    for ping in (Reply(200, {"Api-Version": "1.43"}, b"OK"), Reply(200, {"Api-Version": "1.43"}, [b"O", b"K"])):
        asked.says.ping = ping
        assert isinstance(asked.ask(), m.Answered)


def test_silence_takes_as_long_as_the_timeout(asked: Asked) -> None:
    """An engine that accepts and says nothing is hung after the timeout, not after two of them."""
    asked.says.ping = GOOD._replace(delay=30)
    start = time.monotonic()
    outcome = asked.ask(0.5)
    assert isinstance(outcome, m.Failed) and outcome.diagnosis.code == "no_answer", outcome
    assert 0.45 < time.monotonic() - start < 2


def test_a_hanging_engine_keeps_nobody_waiting(asked: Asked, pulse: Pulse) -> None:
    """While one engine says nothing, the others are told at once."""
    with Responder(Engine(), unix=True) as server:
        other = Asked(endpoint(server.url), pulse, Engine(), server)
        other.ask()
        asked.says.ping = GOOD._replace(delay=30)
        asked.watch.ask(do.Ask("office", 3.0))
        start = time.monotonic()
        assert isinstance(other.ask(), m.Answered)
        assert time.monotonic() - start < 1
        other.watch.stop()


def test_a_connection_that_was_closed_meanwhile_is_made_anew(asked: Asked) -> None:
    """A server that closes idle connections is no outage; the new connection is asked what engine it leads to."""
    before = asked.server.connections
    asked.server.hang_up()
    outcome = asked.ask()
    assert isinstance(outcome, m.Answered) and outcome.engine is not None
    assert asked.server.connections == before + 1


@given(st.integers(0, len(ANSWER)))
def test_an_answer_in_pieces_is_neither_good_nor_bad_until_it_is_whole(cut: int) -> None:
    """However the network cuts the answer, only the whole of it is one."""
    line = Line(None, None, "1.41")
    assert line.is_good(ANSWER[:cut]) is (True if cut == len(ANSWER) else None)


@given(st.binary(max_size=6000))
def test_garbage_is_never_good(garbage: bytes) -> None:
    """No bytes but an engine's are taken for an engine's."""
    line = Line(None, None, "1.41")
    assert line.is_good(garbage) is not True
    assert line.is_good(ANSWER + garbage) is (not garbage)
