"""Each stand-in does what it says, on every kind of socket it offers."""

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness import responder, standin
from tests.harness.ask import ask, connect
from tests.harness.dockerd import Dockerd
from tests.harness.responder import Reply, Responder, always
from tests.harness.standin import StandIn, unanswered
from tests.harness.tls import DAY, Authority, Style, client_context, now

BOTH = pytest.mark.parametrize("unix", [False, True], ids=["tcp", "unix"])


@BOTH
def test_a_silent_server_accepts_and_never_answers(unix: bool) -> None:
    """The silent server takes the request and lets the client wait."""
    with standin.silent(unix) as server:
        with pytest.raises(TimeoutError):
            ask(server.url, timeout=0.2)
        assert server.connections == 1


@BOTH
def test_a_closing_server_closes_without_an_answer(unix: bool) -> None:
    """The closing server reads the request and closes, which http.client calls RemoteDisconnected."""
    with standin.closing(unix) as server, pytest.raises(http.client.RemoteDisconnected):
        ask(server.url)
    with standin.closing(unix, at_once=True) as server, pytest.raises(ConnectionError):
        ask(server.url)


@BOTH
def test_a_resetting_server_resets(unix: bool) -> None:
    """The resetting server answers a request with RST."""
    with standin.resetting(unix) as server:
        with pytest.raises(ConnectionResetError) as failure:
            ask(server.url)
        assert failure.value.errno == 104


@BOTH
def test_a_garbage_server_is_not_http(unix: bool) -> None:
    """The garbage server greets with an SSH banner."""
    with standin.garbage(unix=unix) as server, pytest.raises(http.client.BadStatusLine, match="SSH-2"):
        ask(server.url)


@BOTH
def test_a_dripping_server_outlives_the_timeout_of_each_read(unix: bool) -> None:
    """The dripping server answers properly in the end although no single read ever times out."""
    with standin.drip(every=0.01, unix=unix) as server:
        before = time.monotonic()
        assert ask(server.url, timeout=0.5).body == b"OK"
        assert time.monotonic() - before > 0.5


def test_a_full_queue_leaves_the_syn_unanswered() -> None:
    """Connecting to the unanswered port times out, again and again."""
    with unanswered() as (host, port):
        for _ in range(2):
            with pytest.raises(TimeoutError):
                socket.create_connection((host, port), timeout=0.3)


@pytest.mark.parametrize("kind", [standin.silent, standin.closing, standin.resetting, standin.garbage, standin.drip])
@BOTH
def test_a_stand_in_leaves_no_thread_and_refuses_after_its_end(kind: Callable[..., StandIn], unix: bool) -> None:
    """A stand-in with a client in the middle of a request ends at once, with its threads and its socket."""
    before = set(threading.enumerate())
    with kind(unix=unix) as server:
        connection = connect(server.url)
        connection.request("GET", "/_ping")
    connection.close()
    assert set(threading.enumerate()) - before == set()
    with pytest.raises(FileNotFoundError if unix else ConnectionRefusedError):
        ask(server.url)
    assert not unix or not server.directory.exists()


def test_a_stand_in_ends_during_a_tls_handshake(tmp_path: Path) -> None:
    """A client that never begins the TLS handshake does not keep a stand-in alive."""
    with standin.silent(tls=Authority(tmp_path).server()) as server:
        waiting = socket.create_connection((server.host, server.port))
        before = time.monotonic()
    assert time.monotonic() - before < 2
    waiting.close()


@BOTH
def test_a_responder_answers_keeps_the_connection_and_notes_the_requests(unix: bool) -> None:
    """The responder answers several requests on one connection and notes each with its headers."""
    with Responder(responder.engine(), unix=unix) as server:
        connection = connect(server.url)
        for path in ("/_ping", "/v1.41/_ping?x=1"):
            connection.request("GET", path, headers={"User-Agent": "me"})
            assert connection.getresponse().read() == b"OK"
        connection.request("HEAD", "/_ping")
        assert connection.getresponse().read() == b""
        connection.request("POST", "/x", body=b"y" * 100_000)
        assert connection.getresponse().status == 404
        connection.close()
        assert [r.path for r in server.requests] == ["/_ping", "/v1.41/_ping?x=1", "/_ping", "/x"]
        assert server.requests[0].headers["user-agent"] == "me"
        assert server.connections == 1


@pytest.mark.parametrize(
    ("reply", "status", "of_docker", "part"),
    [
        (responder.daemon_error(), 500, True, b'{"message":"containerd is gone"}'),
        (responder.daemon_error(None), 500, True, b""),
        (responder.unavailable(), 503, False, b"unavailable"),
        (responder.forbidden(), 403, True, b"authorization denied by plugin"),
        (responder.forbidden(by_engine=False), 403, False, b"<html>"),
        (responder.web_page(), 200, False, b"<html>"),
        (responder.web_page(404), 404, False, b"<html>"),
        (responder.redirect("http://127.0.0.1:1/"), 302, False, b""),
        ((418, {"X": "y"}, b"plain tuple"), 418, False, b"plain tuple"),
        (Reply(body=iter([b"in ", b"chunks"])), 200, False, b"in chunks"),
    ],
)
def test_a_ready_made_answer_is_what_its_name_says(reply: Reply, status: int, of_docker: bool, part: bytes) -> None:
    """Each ready-made answer has its status, an engine's headers or not, and its body."""
    with Responder(always(reply)) as server:
        answer = ask(server.url)
    assert (answer.status, "Api-Version" in answer.headers) == (status, of_docker)
    assert part in answer.body
    assert bool(part) == bool(answer.body)


def test_a_truncated_answer_ends_too_soon() -> None:
    """The truncated answer closes before the length that it promised."""
    with Responder(always(responder.truncated())) as server, pytest.raises(http.client.IncompleteRead):
        ask(server.url)


def test_an_endless_answer_goes_on() -> None:
    """The endless answer gives megabytes for as long as one reads."""
    with Responder(lambda method, path: responder.endless()) as server:
        connection = connect(server.url)
        connection.request("GET", "/_ping")
        assert len(connection.getresponse().read(5_000_000)) == 5_000_000
        connection.close()


def test_a_slow_answer_comes_after_its_delay() -> None:
    """The slow engine answers properly, but later."""
    with Responder(responder.slow(0.3)) as server:
        before = time.monotonic()
        assert ask(server.url).body == b"OK"
        assert 0.3 <= time.monotonic() - before < 2
        with pytest.raises(TimeoutError):
            ask(server.url, timeout=0.05)


def test_an_engine_stand_in_refuses_api_versions_as_dockerd_does() -> None:
    """The engine stand-in says which API it speaks, and 400 with dockerd's texts to versions outside of it."""
    with Responder(responder.engine(api="1.18")) as server:
        assert ask(server.url).headers["Api-Version"] == "1.18"
        too_new = ask(server.url, "/v1.44/containers/json")
        assert (too_new.status, b"Maximum supported API version is 1.18" in too_new.body) == (400, True)
    with Responder(responder.engine(api="9.99", min_api="9.9")) as server:
        assert json.loads(ask(server.url, "/version").body)["MinAPIVersion"] == "9.9"
        too_old = ask(server.url, "/v1.44/containers/json")
        assert (too_old.status, b"Minimum supported API version is 9.9" in too_old.body) == (400, True)
        assert ask(server.url, "/v9.9/containers/json").body == b"[]\n"


@pytest.mark.engine
def test_the_stand_in_for_an_engine_sounds_like_a_real_one(engine: Dockerd) -> None:
    """A real engine's _ping and its words about wrong versions are those of the stand-in."""
    real = engine.ask("/version")
    known = json.loads(real.body)
    model = responder.engine(known["ApiVersion"], known["MinAPIVersion"])
    with Responder(model) as server:
        for path in ("/_ping", "/v1.99/_ping", "/v1.2/_ping", "/v1.30/containers/json"):
            mine, theirs = ask(server.url, path), engine.ask(path)
            assert mine.status == theirs.status, path
            assert set(mine.headers.keys()) <= set(theirs.headers.keys()), path
            assert mine.body == theirs.body, path
            assert mine.headers["Content-Type"] == theirs.headers["Content-Type"], path


def test_a_stand_in_comes_back_on_a_given_port() -> None:
    """A stand-in may be given a port, to take the place of another."""
    with standin.silent() as server:
        port = server.port
    with Responder(responder.engine(), port=port) as server:
        assert ask(f"tcp://127.0.0.1:{port}").body == b"OK"


STRICT = {"clean": None, "docker-machine": 85, "docs": 92}


@pytest.mark.parametrize("style", STRICT)
def test_only_the_clean_style_passes_the_strict_check(style: Style, tmp_path: Path) -> None:
    """All styles pass OpenSSL's usual check, and only the clean one the strict check of Python 3.13."""
    authority = Authority(tmp_path, style)
    folder = authority.client()
    assert sorted(file.name for file in folder.iterdir()) == ["ca.pem", "cert.pem", "key.pem"]
    assert (folder / "key.pem").stat().st_mode & 0o777 == 0o600
    with Responder(responder.engine(), tls=authority.server()) as server:
        context = client_context(folder)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        assert ask(server.url, tls=context).body == b"OK"
        context = client_context(folder)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        if STRICT[style] is None:
            assert ask(server.url, tls=context).body == b"OK"
        else:
            with pytest.raises(ssl.SSLCertVerificationError) as failure:
                ask(server.url, tls=context)
            assert failure.value.verify_code == STRICT[style]


def test_wrong_server_certificates_fail_for_the_reason_they_are_made_for(tmp_path: Path) -> None:
    """Expired, early, misnamed, weak, purposeless and foreign certificates give OpenSSL's code for just that."""
    authority, other = Authority(tmp_path / "a"), Authority(tmp_path / "b")
    wrong = {
        10: authority.expired(),
        9: authority.not_yet_valid(),
        64: authority.server("elsewhere", san=["203.0.113.7"]),
        66: authority.server("weak", bits=1024),
        26: authority.server("purpose", purpose="client"),
    }
    seen = {}
    for server_tls in (*wrong.values(), authority.server("cn", san=(), common_name="127.0.0.1"), other.server()):
        with Responder(responder.engine(), tls=server_tls, verify_clients=False) as server:
            with pytest.raises(ssl.SSLCertVerificationError) as failure:
                ask(server.url, tls=client_context(authority.client()))
            seen[server_tls.cert.parent.name] = failure.value.verify_code
    assert list(seen.values())[:5] == list(wrong)
    assert (seen["cn"], seen["server"]) == (64, 20)


def test_wrong_client_certificates_are_refused(tmp_path: Path) -> None:
    """A client of another authority or with an expired certificate is refused, an encrypted key is not read."""
    authority, other = Authority(tmp_path / "a"), Authority(tmp_path / "b")
    with Responder(responder.engine(), tls=authority.server()) as server:
        old = authority.client("old", not_before=now() - 9 * DAY, not_after=now() - DAY)
        for folder in (other.client(trusts=authority), old):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                ask(server.url, tls=client_context(folder))
    locked = authority.client("locked", passphrase="secret")
    assert b"ENCRYPTED" in (locked / "key.pem").read_bytes()
