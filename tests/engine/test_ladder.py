"""Climbing to real engines, and falling at the right rung in every situation in which one cannot be reached."""

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.engine.asking import NOBODY, OFFLINE, ROOT, ask, endpoint
from tests.engine.situations import NEEDS_ENGINE, SITUATIONS, Here
from tests.engine.test_diagnosis import WORDS, expected
from tests.harness import responder, standin
from tests.harness.dockerd import Dockerd
from tests.harness.need import need
from tests.harness.responder import Reply, Responder
from tests.harness.tls import DAY, Authority, now
from trayd.core.certificates import days_left
from trayd.core.ladder import NAMES, Rung, RungState, text
from trayd.core.messages import Answered
from trayd.core.profile import Endpoint, HealthSettings, Profile
from trayd.engine.certificates import end_of, own_certificates
from trayd.engine.ladder import climb

TIMEOUT = 0.6

RUNGS = {
    "address": "no_socket file_on_the_way file_in_its_place folder_in_its_place long_path other_system",
    "tls files": "no_ca_file no_folder no_key_file no_cert_file key_of_another_certificate encrypted_key damaged_ca "
    "damaged_key",
    "connection": "stale_socket killed_engine full_queue closed_port unanswered_port",
    "tls": "tls_engine_asked_in_plain other_tls_server_asked_in_plain plain_engine_asked_with_tls outdated_tls "
    "machine_made_anew frozen_tls_engine ssh_port_asked_with_tls ill_tls_server silent_handshake unknown_authority "
    "expired_certificate early_certificate certificate_for_another_address certificate_for_another_name "
    "weak_certificate certificate_of_a_client certificate_signed_by_no_authority no_client_certificate "
    "foreign_client_certificate expired_client_certificate",
    "http": "frozen_engine closing_socket resetting_socket silent_port closing_port resetting_port cut_answer ssh_port "
    "closing_tls",
    "docker": "redirect web_page missing_web_page endless_body refusing_proxy starting_desktop",
    "api": "old_engine future_engine",
    "permission": "refusing_plugin",
    "engine": "ill_engine unexpected_refusal",
}
RUNG_OF = {situation: rung for rung, situations in RUNGS.items() for situation in situations.split()}


@pytest.fixture
def here(
    tmp_path: Path, authority: Authority, stranger: Authority, certs: Path, request: pytest.FixtureRequest
) -> Iterator[Here]:
    folder = tmp_path / "h"
    folder.mkdir()
    yield Here(folder, authority, stranger, certs, request)


def profile(place: Endpoint, timeout: float = 5.0) -> Profile:
    return Profile("office", place, health=HealthSettings(timeout=timeout))


def states(rungs: list[Rung]) -> dict[str, str]:
    return {rung.name: str(rung.state) for rung in rungs}


def finding(rungs: list[Rung], name: str) -> str:
    (found,) = [rung.finding for rung in rungs if rung.name == name]
    return found


@pytest.mark.engine
@pytest.mark.parametrize("way", ["unix", "tcp", "tls"])
def test_a_good_engine_is_climbed_to_the_top(way: str, engine: Dockerd, tls_engine: Dockerd, certs: Path) -> None:
    """On every way to a real engine no rung fails, each is told in order, and none that applies is left out."""
    places = {
        "unix": endpoint(engine.unix_url),
        "tcp": endpoint(engine.tcp_url),
        "tls": endpoint(tls_engine.tcp_url, certs),
    }
    told: list[Rung] = []
    rungs = climb(profile(places[way]), told.append)
    assert told == rungs
    assert tuple(rung.name for rung in rungs) == NAMES
    skipped = {"unix": {"name", "tls files", "ssh", "tls"}, "tcp": {"name", "tls files", "ssh", "tls"}}
    expected_skips = skipped.get(way, {"name", "ssh"})
    # The certificates of the tests end in exactly 30 days, so they are warned of.
    allowed = {"ok", "warning"} if way == "tls" else {"ok"}
    for name, state in states(rungs).items():
        assert state in ({"skipped"} if name in expected_skips else allowed), text(profile(places[way]), rungs)
    assert finding(rungs, "api").startswith("API 1.")
    assert "Docker/" in finding(rungs, "docker")
    assert finding(rungs, "clock") == "the same time"


@pytest.mark.filterwarnings("ignore:ssl.OP_NO:DeprecationWarning")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.engine] if name in NEEDS_ENGINE else []) for name in SITUATIONS]
)
def test_each_failure_breaks_its_rung_with_the_words_of_the_menu(name: str, here: Here) -> None:
    """The first broken rung is the right one and says what the menu says; below it nothing failed, above it nothing
    was asked, and no rung took longer than the timeout."""
    with contextmanager(SITUATIONS[name])(here) as place:
        rungs = climb(profile(place, TIMEOUT))
        words = expected(WORDS[name], place)
    shown = text(profile(place), rungs)
    assert tuple(rung.name for rung in rungs) == NAMES, shown
    (failed,) = [rung for rung in rungs if rung.state is RungState.FAILED]
    assert failed.name == RUNG_OF[name], shown
    assert failed.diagnosis
    assert (failed.diagnosis.code, failed.diagnosis.cause, failed.diagnosis.next) == words
    assert {rung.state for rung in rungs[rungs.index(failed) + 1 :]} <= {RungState.SKIPPED}
    assert all(rung.seconds is None or rung.seconds < TIMEOUT + 0.5 for rung in rungs), shown


def test_every_situation_has_its_rung() -> None:
    """No way of failing is left out."""
    assert RUNG_OF.keys() == SITUATIONS.keys()


@pytest.mark.engine
def test_a_certificate_for_another_name_tells_for_which(here: Here) -> None:
    """The broken rung names whom the certificate is for, which is what to put into the profile."""
    with contextmanager(SITUATIONS["certificate_for_another_name"])(here) as place:
        rungs = climb(profile(place))
    assert finding(rungs, "tls") == "certificate for another host: for docker.example"


@pytest.mark.engine
def test_certificates_that_end_in_twelve_days_are_warned_of(authority: Authority) -> None:
    """The server's, which its own TLS connection shows, and the client's are both said, in ladder and probe."""
    soon = now() + 12 * DAY
    folder = authority.client("short", not_after=soon)
    with Dockerd(unix=False, tcp=True, tls=authority.server("short-server", not_after=soon)) as running:
        place = endpoint(running.tcp_url, folder)
        rungs = climb(profile(place))
        outcome = ask(place)
    date = soon.date().isoformat()
    assert (states(rungs)["tls files"], states(rungs)["tls"]) == ("warning", "warning")
    assert f"certificate until {date} (12 days), for " in finding(rungs, "tls")
    assert f"cert.pem until {date} (12 days), key.pem fits it" in finding(rungs, "tls files")
    assert isinstance(outcome, Answered) and outcome.certificates
    found = {c.what: days_left(c.ends, time.time()) for c in outcome.certificates}
    assert (found["server"], found["client"]) == (12, 12)
    assert found["ca"] > 300


def test_a_probe_makes_no_handshake_of_its_own_to_see_a_certificate(authority: Authority, certs: Path) -> None:
    """One connection is all that a probe needs, certificate included."""
    with Responder(responder.engine(), tls=authority.server("one")) as server:
        outcome = ask(endpoint(server.url, certs))
        assert server.connections == 1
    assert isinstance(outcome, Answered) and outcome.certificates
    assert [c.what for c in outcome.certificates] == ["server", "client", "ca"]


@pytest.mark.parametrize("style", ["clean", "docker-machine", "docs"])
@pytest.mark.parametrize("end", [now() + 12 * DAY, now() - DAY, now().replace(year=2049), now().replace(year=2051)])
def test_the_end_of_a_file_is_read_right(style: str, end: object, tmp_path: Path) -> None:
    """Of every style, expired or not, before and after 2050, where the form of the date changes."""
    made = Authority(tmp_path, style)  # type: ignore[arg-type]
    start = now() - 90 * DAY
    folder = made.client(not_before=start, not_after=end)  # type: ignore[arg-type]
    client, _ = own_certificates(endpoint("tcp://x:1", folder).tls)  # type: ignore[arg-type]
    assert client.ends == int(end.timestamp())  # type: ignore[attr-defined]


@pytest.mark.parametrize("damaged", [b"", b"\x30", b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", b"no", os.urandom(500)])
def test_what_is_no_certificate_has_no_end(damaged: bytes) -> None:
    """A damaged certificate is never an exception."""
    assert end_of(damaged) is None


def test_every_cut_of_a_certificate_is_survived(certs: Path) -> None:
    """Wherever a certificate is cut off, it has an end or none, and nothing else happens."""
    import ssl

    der = ssl.PEM_cert_to_DER_cert((certs / "cert.pem").read_text())
    whole = end_of(der)
    assert {end_of(der[:n]) for n in range(len(der))} <= {None, whole}


def test_a_key_that_others_may_read_is_a_warning(authority: Authority, certs: Path, tmp_path: Path) -> None:
    """Modes that let others read the key or replace the files are said with the command that closes them."""
    folder = Path(shutil.copytree(certs, tmp_path / "loose"))
    with Responder(responder.engine(), tls=authority.server("modes")) as server:
        (folder / "key.pem").chmod(0o644)
        folder.chmod(0o777)
        rungs = climb(profile(endpoint(server.url, folder)))
    assert states(rungs)["tls files"] == "warning"
    assert f"others may read key.pem: chmod 600 {folder}/key.pem" in finding(rungs, "tls files")
    assert f"others may write into its folder: chmod 700 {folder}" in finding(rungs, "tls files")


def test_an_unverified_engine_is_a_warning(authority: Authority, certs: Path) -> None:
    """With `verify: false` the ladder holds, and says that anybody could answer."""
    with Responder(responder.engine(), tls=authority.expired("old")) as server:
        rungs = climb(profile(endpoint(server.url, certs, verify=False)))
    assert states(rungs)["tls"] == "warning"
    assert "ended yesterday" in finding(rungs, "tls")
    assert "not verified" in finding(rungs, "tls")
    assert states(rungs)["docker"] == "ok"


def test_a_wrong_clock_is_a_warning() -> None:
    """An engine whose Date header is three hours behind is climbed to the top, with a warning there."""
    small, json_head = responder.engine(), responder.docker_headers(kind="application/json")

    def late(method: str, path: str) -> Reply:
        reply = Reply(*small(method, path)) if not path.endswith("/info") else Reply(200, json_head, b"{}")
        then = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() - 3 * 3600))
        return reply._replace(headers={**reply.headers, "Date": then})

    with Responder(late) as server:
        rungs = climb(profile(endpoint(server.url)))
    assert states(rungs)["clock"] == "warning"
    assert finding(rungs, "clock").startswith("the engine's clock is 3 h behind ours")


def test_an_engine_that_refuses_everything_but_pings_breaks_the_rung_of_permission() -> None:
    """A plugin that lets pings through is found by the first real question."""
    small = responder.engine()

    def refuse(method: str, path: str) -> Reply:
        return responder.forbidden() if path.endswith("/info") else Reply(*small(method, path))

    with Responder(refuse) as server:
        rungs = climb(profile(endpoint(server.url)))
    assert states(rungs)["api"] == "ok"
    (failed,) = [rung for rung in rungs if rung.state is RungState.FAILED]
    assert (failed.name, failed.diagnosis and failed.diagnosis.code) == ("permission", "denied")


@pytest.mark.parametrize("unix", [False, True], ids=["tcp", "unix"])
def test_a_dripping_engine_does_not_hold_the_ladder(unix: bool) -> None:
    """A server that sends one byte at a time, so that no read times out, breaks its rung in time."""
    with standin.drip(every=0.2, unix=unix) as server:
        start = time.monotonic()
        rungs = climb(profile(endpoint(server.url), TIMEOUT))
        assert time.monotonic() - start < 3 * TIMEOUT
    (failed,) = [rung for rung in rungs if rung.state is RungState.FAILED]
    assert (failed.name, failed.diagnosis and failed.diagnosis.code) == ("http", "no_answer")


def test_a_name_is_looked_up_on_its_own_rung() -> None:
    """The rung of a name says which addresses it has."""
    with Responder(responder.engine()) as server:
        rungs = climb(profile(endpoint(f"tcp://localhost:{server.port}")))
    assert finding(rungs, "name").startswith("localhost → ")
    assert "127.0.0.1" in finding(rungs, "name")


ELSEWHERE = """
import json, os, sys
from trayd.core.ladder import as_json
from trayd.core.profile import Profile, parse_host
from trayd.engine.ladder import climb
if user := int(sys.argv[2]):
    os.setgroups([]); os.setgid(user); os.setuid(user)
profile = Profile("office", parse_host(sys.argv[1]))
print(json.dumps(as_json(profile, climb(profile))))
"""


def climb_elsewhere(url: str, user: int = 0, within: Sequence[str] = ()) -> tuple[str, str, dict[str, str]]:
    """Climb as another user, or without a network; give the broken rung, its code and all states."""
    need(os.geteuid() == 0, "another user, or a network of one's own, wants root: sudo -E pytest …")
    command = [*within, sys.executable, "-c", ELSEWHERE, url, str(user)]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    rungs = json.loads(done.stdout)["rungs"]
    (failed,) = [rung for rung in rungs if rung["state"] == "failed"]
    return failed["name"], failed["diagnosis"]["code"], {rung["name"]: rung["state"] for rung in rungs}


@pytest.mark.engine
def test_a_socket_that_is_closed_to_the_person_breaks_at_the_connection(dockerd: Callable[..., Dockerd]) -> None:
    """Another user sees that the socket is there and whose it is, and is told that it is closed to them."""
    running = dockerd()
    running.directory.chmod(0o711)
    rung, code, all_states = climb_elsewhere(running.unix_url, NOBODY)
    assert (rung, code, all_states["address"]) == ("connection", "socket_permission", "ok")


def test_a_wrong_name_and_a_missing_network_break_their_rungs() -> None:
    """Offline, a name breaks at the name and an address at the address: nothing is sent, nobody waits."""
    assert climb_elsewhere("tcp://no-such-host.invalid:2375", within=OFFLINE)[:2] == ("name", "dns")
    assert climb_elsewhere("tcp://192.0.2.1:2375", within=OFFLINE)[:2] == ("address", "no_route")


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_port_that_resets_at_once_is_never_a_bug(tls: bool, certs: Path) -> None:
    """However early a reset comes, the ladder ends with connections that are closed, every time."""

    def behave(connection: socket.socket, ended: object) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with standin.StandIn(behave) as server:
        place = profile(endpoint(server.url, certs if tls else None))
        for _ in range(30):
            (failed,) = [rung for rung in climb(place) if rung.state is RungState.FAILED]
            assert failed.diagnosis and failed.diagnosis.code == "closed", failed
            assert failed.name in ("connection", "tls" if tls else "http")  # the reset may overtake connect()
