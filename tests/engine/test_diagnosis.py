"""Every way in which an engine cannot be reached, made with the real thing, and the words a person then reads."""

import grp
import os
import pty
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.engine.asking import NOBODY, OFFLINE, Told, ask, ask_elsewhere, connected, diagnosis, endpoint
from tests.engine.situations import CLIENTS, NEEDS_ENGINE, SITUATIONS, Here
from tests.engine.test_ssh_diagnosis import READ as SSH_WORDS
from tests.harness import responder, standin
from tests.harness.dockerd import Dockerd
from tests.harness.responder import Responder
from tests.harness.standin import StandIn
from tests.harness.tls import Authority
from trayd.core.messages import Answered, Failed
from trayd.core.profile import Endpoint, HealthSettings, Profile
from trayd.core.sentences import SENTENCES
from trayd.engine import probe
from trayd.engine.survey import survey

TIMEOUT = 0.6
SPARE = 0.5  # what a diagnosis may take longer than the timeout

# situation: (code, what is, what to do next), as they stand in the menu.
WORDS = {
    # --- Unix sockets
    "no_socket": (
        "socket_missing",
        "Docker is not running, or it listens elsewhere: {address} does not exist.",
        "Start it: sudo systemctl start docker (or correct 'host' in the profile)",
    ),
    "file_on_the_way": (
        "socket_missing",
        "Docker is not running, or it listens elsewhere: {address} does not exist.",
        "Start it: sudo systemctl start docker (or correct 'host' in the profile)",
    ),
    "stale_socket": (
        "refused",
        "The engine is installed but stopped: {address} refuses connections.",
        "Start it: sudo systemctl start docker",
    ),
    "killed_engine": (
        "refused",
        "The engine is installed but stopped: {address} refuses connections.",
        "Start it: sudo systemctl start docker",
    ),
    "file_in_its_place": (
        "not_a_socket",
        "{address} is not a socket: a file or folder is in its place.",
        "Move it away, then restart the engine: sudo systemctl restart docker",
    ),
    "folder_in_its_place": (
        "not_a_socket",
        "{address} is not a socket: a file or folder is in its place.",
        "Move it away, then restart the engine: sudo systemctl restart docker",
    ),
    "long_path": (
        "socket_path_too_long",
        "The path of the socket is too long, about 100 characters is the most: {address}",
        "Make a short link and use it as 'host': ln -s LONG-PATH ~/docker.sock",
    ),
    "full_queue": (
        "busy",
        "The engine is stuck: its queue of waiting connections is full.",
        "Wait a moment; if it stays so, restart the engine: sudo systemctl restart docker",
    ),
    "frozen_engine": (
        "no_answer",
        "The engine accepts connections but does not answer.",
        "It may still be starting; if it stays so, restart it: sudo systemctl restart docker",
    ),
    "closing_socket": (
        "closed",
        "{address} takes connections but closes them without an answer.",
        "The engine may be restarting; if it stays so, look into its log: journalctl -u docker",
    ),
    "resetting_socket": (
        "closed",
        "{address} takes connections but closes them without an answer.",
        "The engine may be restarting; if it stays so, look into its log: journalctl -u docker",
    ),
    "other_system": (
        "unsupported",
        "{address} cannot be reached from this system.",
        "Correct 'host' in the profile: npipe:// works on Windows only.",
    ),
    # --- TCP
    "closed_port": (
        "refused",
        "{host} is up, but nothing listens on port {port}.",
        "Start the engine there, or check the port; dockerd listens on TCP only with -H tcp://…",
    ),
    "unanswered_port": (
        "connect_timeout",
        "{host} does not answer at all: it is off, asleep, or a firewall is in between.",
        "Check that the machine is on, that your VPN is up, and that the firewall lets port {port} through.",
    ),
    "silent_port": (
        "no_answer",
        "{address} accepts connections but does not answer.",
        "The engine may still be starting; if it stays so, restart it on that machine.",
    ),
    "closing_port": (
        "closed",
        "{address} takes connections but closes them without an answer.",
        "The engine may be restarting, or this port only forwards to an engine that is off.",
    ),
    "resetting_port": (
        "closed",
        "{address} takes connections but closes them without an answer.",
        "The engine may be restarting, or this port only forwards to an engine that is off.",
    ),
    "cut_answer": (
        "closed",
        "{address} takes connections but closes them without an answer.",
        "The engine may be restarting, or this port only forwards to an engine that is off.",
    ),
    "ssh_port": (
        "not_http",
        "Something answers at {address}, but it is not Docker: it does not speak HTTP.",
        "Correct 'host' in the profile: another service, such as ssh, listens there.",
    ),
    # --- what answers is not an engine, or an ill one
    "web_page": (
        "not_docker",
        "A web server answers at {address}, but it is not Docker.",
        "Correct 'host' in the profile; in a hotel or a train, log in to its network first.",
    ),
    "missing_web_page": (
        "not_docker",
        "A web server answers at {address}, but it is not Docker.",
        "Correct 'host' in the profile; in a hotel or a train, log in to its network first.",
    ),
    "redirect": (
        "not_docker",
        "A web server answers at {address}, but it is not Docker.",
        "Correct 'host' in the profile; in a hotel or a train, log in to its network first.",
    ),
    "endless_body": (
        "not_docker",
        "A web server answers at {address}, but it is not Docker.",
        "Correct 'host' in the profile; in a hotel or a train, log in to its network first.",
    ),
    "refusing_plugin": (
        "denied",
        "The engine refuses your requests (HTTP 403): an authorisation plugin says no.",
        "Ask whoever runs this engine for access.",
    ),
    "refusing_proxy": (
        "denied_or_proxy",
        "Something in front of the engine refuses your requests (HTTP 403).",
        "Ask whoever runs the proxy at {address} for access.",
    ),
    "ill_engine": (
        "engine_error",
        "The engine is ill: it answers with an error of its own (HTTP 500).",
        "Look into its log: journalctl -u docker",
    ),
    "starting_desktop": (
        "proxy_or_starting",
        "Something answers in place of the engine at {address}, with an error (HTTP 503).",
        "The engine may be starting; if it stays so, restart Docker Desktop, or check the proxy in front of it.",
    ),
    "unexpected_refusal": (
        "http_error",
        "The engine does not accept trayd's question (HTTP 429).",
        "Copy the details and report them: trayd did not expect this.",
    ),
    "old_engine": (
        "api_too_old",
        "The engine is too old: it speaks API 1.18, and trayd needs 1.24 or newer.",
        "Update Docker there to version 1.12 or newer.",
    ),
    "future_engine": (
        "api_client_too_old",
        "trayd is too old for this engine: it wants API 9.9 or newer, and trayd speaks 1.45 at most.",
        "Update trayd: pipx upgrade trayd",
    ),
    # --- TLS: what is spoken
    "tls_engine_asked_in_plain": (
        "tls_needed",
        "The engine at {address} wants TLS, and this profile has none.",
        "Add this line to the profile, with the folder of its ca.pem, cert.pem and key.pem: tls: {cert_path: FOLDER}",
    ),
    "other_tls_server_asked_in_plain": (
        "tls_needed",
        "The engine at {address} wants TLS, and this profile has none.",
        "Add this line to the profile, with the folder of its ca.pem, cert.pem and key.pem: tls: {cert_path: FOLDER}",
    ),
    "plain_engine_asked_with_tls": (
        "tls_not_spoken",
        "The profile asks for TLS, but {address} does not speak it.",
        "Remove 'tls' from the profile, or correct the port: usually 2376 with TLS, 2375 without.",
    ),
    "ssh_port_asked_with_tls": (
        "tls_not_spoken",
        "The profile asks for TLS, but {address} does not speak it.",
        "Remove 'tls' from the profile, or correct the port: usually 2376 with TLS, 2375 without.",
    ),
    "outdated_tls": (
        "tls_too_old",
        "{address} speaks only an outdated TLS.",
        "Update Docker there: TLS 1.2 or newer is needed.",
    ),
    "ill_tls_server": (
        "tls_failed",
        "The TLS connection to {address} fails before the engine can answer.",
        "Copy the details, and look for the other side of it in the engine's log: journalctl -u docker",
    ),
    "silent_handshake": (
        "no_answer",
        "{address} accepts connections but does not answer.",
        "The engine may still be starting; if it stays so, restart it on that machine.",
    ),
    "frozen_tls_engine": (
        "no_answer",
        "{address} accepts connections but does not answer.",
        "The engine may still be starting; if it stays so, restart it on that machine.",
    ),
    "closing_tls": (
        "closed",
        "{address} takes connections but closes them without an answer.",
        "The engine may be restarting, or it refuses the certificate in {certs}.",
    ),
    # --- TLS: the engine's certificate
    "unknown_authority": (
        "cert_unknown_ca",
        "The certificate of {address} was not signed by the ca.pem in {certs}.",
        "Copy the engine's ca.pem there; when its machine was made anew, so was its ca.pem.",
    ),
    "machine_made_anew": (
        "cert_unknown_ca",
        "The certificate of {address} was not signed by the ca.pem in {certs}.",
        "Copy the engine's ca.pem there; when its machine was made anew, so was its ca.pem.",
    ),
    "expired_certificate": (
        "cert_expired",
        "The engine's certificate has expired.",
        "Renew it there; docker-machine does it, and restarts the engine: docker-machine regenerate-certs NAME",
    ),
    "early_certificate": (
        "cert_not_yet_valid",
        "The engine's certificate is not valid yet: a clock is wrong, here or on {host}.",
        "Set the wrong clock right: sudo timedatectl set-ntp true",
    ),
    "certificate_for_another_address": (
        "cert_wrong_host",
        "The engine's certificate is for another address than {host}.",
        "Use an address that is in the certificate, or make a new one: docker-machine regenerate-certs NAME",
    ),
    "certificate_for_another_name": (
        "cert_wrong_host",
        "The engine's certificate is for another address than {host}.",
        "Use an address that is in the certificate, or make a new one: docker-machine regenerate-certs NAME",
    ),
    "weak_certificate": (
        "cert_weak",
        "The engine's certificate is too weak to be trusted.",
        "Make a new one with an RSA key of 2048 bits or more, or an elliptic curve.",
    ),
    "certificate_of_a_client": (
        "cert_wrong_purpose",
        "The engine shows a certificate that was not made for a server.",
        "Make a new one for it, with extendedKeyUsage = serverAuth.",
    ),
    "certificate_signed_by_no_authority": (
        "cert_invalid",
        "The engine's certificate cannot be trusted.",
        "Make a new one for it; the details say what is wrong with this one.",
    ),
    # --- TLS: our own
    "no_client_certificate": (
        "client_cert_missing",
        "The engine at {address} wants a certificate from you, and {certs} has none.",
        "Put cert.pem and key.pem for this engine into {certs}.",
    ),
    "foreign_client_certificate": (
        "client_cert_rejected",
        "The engine at {address} does not accept your certificate.",
        "Put its cert.pem and key.pem into {certs}. Expired? openssl x509 -noout -enddate -in {certs}/cert.pem",
    ),
    "expired_client_certificate": (
        "client_cert_rejected",
        "The engine at {address} does not accept your certificate.",
        "Put its cert.pem and key.pem into {certs}. Expired? openssl x509 -noout -enddate -in {certs}/cert.pem",
    ),
    "no_ca_file": (
        "tls_files",
        "There is no ca.pem in {certs}.",
        "Put ca.pem, cert.pem and key.pem of this engine there, or correct 'cert_path' in the profile.",
    ),
    "no_folder": (
        "tls_files",
        "There is no ca.pem in {certs}.",
        "Put ca.pem, cert.pem and key.pem of this engine there, or correct 'cert_path' in the profile.",
    ),
    "no_key_file": (
        "tls_files",
        "There is only one of cert.pem and key.pem in {certs}.",
        "Put the other one there too: they are made together.",
    ),
    "no_cert_file": (
        "tls_files",
        "There is only one of cert.pem and key.pem in {certs}.",
        "Put the other one there too: they are made together.",
    ),
    "key_of_another_certificate": (
        "tls_files",
        "cert.pem and key.pem in {certs} do not belong together.",
        "Copy both again from the same place: they are made together.",
    ),
    "encrypted_key": (
        "tls_files",
        "The key in {certs} is locked with a password, which trayd cannot ask for.",
        "Unlock it there: openssl pkey -in key.pem -out open.pem && mv open.pem key.pem",
    ),
    "damaged_ca": (
        "tls_files",
        "A TLS file in {certs} is damaged, or not in PEM form.",
        "Copy ca.pem, cert.pem and key.pem of this engine there again; the details name the file.",
    ),
    "damaged_key": (
        "tls_files",
        "A TLS file in {certs} is damaged, or not in PEM form.",
        "Copy ca.pem, cert.pem and key.pem of this engine there again; the details name the file.",
    ),
}

# Asked from a process of its own: another user, or a network that is not there.
WORDS_ELSEWHERE = {
    "socket_permission": (
        "You may not use Docker: {address} is open only to root and the group 'docker'.",
        "Join the group, then log in again: sudo usermod -aG docker $USER (its members are as good as root)",
    ),
    "socket_permission.root_only": (
        "You may not use Docker: {address} is open only to root.",
        "Make the group docker, join it, restart the computer: sudo groupadd docker; sudo usermod -aG docker $USER",
    ),
    "socket_permission.closed_folder": (
        "You may not use Docker: the folder of {address} is closed to you.",
        "It may be another user's own engine: correct 'host' in the profile, or ask them.",
    ),
    "tls_files.unreadable": (
        "You may not read the TLS files in {certs}.",
        "Make them yours: sudo chown -R $USER {certs}",
    ),
    "dns": (
        "The name no-such-host.invalid is not known.",
        "Check its spelling, your network and your VPN.",
    ),
    "no_route": (
        "There is no way to 192.0.2.1 from here.",
        "Check your network and VPN, and that the machine is on.",
    ),
    "connection_lost": (
        "The network connection to {address} broke.",
        "Check your network and VPN; trayd keeps trying.",
    ),
}

# Rows that cannot happen here.
ELSEWHERE = {
    "socket_missing.npipe": "Windows; test_windows.py has such a pipe",
    "no_answer.npipe": "Windows; test_windows.py has such a pipe",
    "closed.npipe": "Windows; test_windows.py has such a pipe",
    "busy.npipe": "Windows",
    "socket_permission.npipe": "Windows",
    "proxy": "no proxy is ever used; it is for the day a profile may ask for one",
    "unsupported.ssh": "Windows",
    "tls_files": "every file that cannot be used falls under one of its variants",
    "stopped_activatable": "needs systemd; test_polite.py reads it with a stand-in",
    "unknown": "whatever nobody has seen yet",
}


@pytest.fixture
def here(
    tmp_path: Path, authority: Authority, stranger: Authority, certs: Path, request: pytest.FixtureRequest
) -> Iterator[Here]:
    """A short folder, and what can be had for a situation."""
    folder = tmp_path / "h"
    folder.mkdir()
    yield Here(folder, authority, stranger, certs, request)


def made(name: str, here: Here) -> AbstractContextManager[Endpoint]:
    return contextmanager(SITUATIONS[name])(here)


def filled(sentence: str, place: Endpoint) -> str:
    """The sentence of the table for this endpoint."""
    certs = place.tls.cert_path if place.tls else ""
    for field, value in (("address", place.address), ("host", place.host), ("port", place.port), ("certs", certs)):
        sentence = sentence.replace(f"{{{field}}}", str(value))
    return sentence


def expected(words: tuple[str, ...], place: Endpoint) -> tuple[str, ...]:
    return tuple(filled(text, place) for text in words)


@pytest.mark.filterwarnings("ignore:ssl.OP_NO:DeprecationWarning")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.engine] if name in NEEDS_ENGINE else []) for name in WORDS]
)
def test_each_failure_is_told_in_its_own_words_and_in_time(name: str, here: Here) -> None:
    """A person reads what is wrong and what to do next, hardly later than the timeout."""
    with made(name, here) as place:
        told = diagnosis(place, TIMEOUT)
    assert told[:3] == expected(WORDS[name], place)
    assert told.seconds < TIMEOUT + SPARE


@pytest.mark.engine
@pytest.mark.parametrize(
    ("key", "mode", "gid"),
    [("socket_permission", 0o660, "docker"), ("socket_permission.root_only", 0o660, "root")],
)
def test_a_socket_that_is_closed_to_the_person_names_the_group_to_join(
    key: str, mode: int, gid: str, dockerd: Callable[..., Dockerd]
) -> None:
    """Without the right to a real engine's socket a person is told which group has it, but never to join root."""
    running = dockerd()
    assert running.socket
    running.directory.chmod(0o711)
    with _group(gid) as group:
        shutil.chown(running.socket, group=group)
        running.socket.chmod(mode)
        told = ask_elsewhere(running.unix_url, f"--user={NOBODY}")
    cause, step = WORDS_ELSEWHERE[key]
    place = endpoint(running.unix_url)
    assert told[:3] == ("socket_permission", filled(cause, place), filled(step, place))


@contextmanager
def _group(name: str) -> Iterator[str]:
    """The name of a group that exists, or a skip."""
    try:
        grp.getgrnam(name)
    except KeyError:
        pytest.skip(f"there is no group {name}: sudo groupadd {name}")
    yield name


@pytest.mark.engine
def test_a_socket_in_a_closed_folder_is_somebody_elses(dockerd: Callable[..., Dockerd]) -> None:
    """The socket of another user's rootless engine is not explained with the group docker."""
    running = dockerd()
    running.directory.chmod(0o700)
    told = ask_elsewhere(running.unix_url, f"--user={NOBODY}")
    _says(told, "socket_permission.closed_folder", endpoint(running.unix_url))


def test_a_key_that_the_person_may_not_read_is_told_before_anybody_is_asked(certs: Path) -> None:
    """Certificates that belong to root are told as such, with the command to change it."""
    with _readable_copy(certs) as folder:
        told = ask_elsewhere("tcp://127.0.0.1:2376", f"--user={NOBODY}", f"--certs={folder}")
        _says(told, "tls_files.unreadable", endpoint("tcp://127.0.0.1:2376", folder))


@contextmanager
def _readable_copy(certs: Path) -> Iterator[Path]:
    """Everything but the key is open to everybody; pytest's own folders are closed to others."""
    with tempfile.TemporaryDirectory(dir="/tmp") as parent:
        folder = Path(shutil.copytree(certs, f"{parent}/certs"))
        Path(parent).chmod(0o755)
        folder.chmod(0o755)
        (folder / "key.pem").chmod(0o600)
        yield folder


def test_a_name_that_nobody_knows_and_a_network_that_is_not_there_are_told() -> None:
    """A wrong name and a missing route are told apart, at once, and nothing leaves the machine."""
    _says(ask_elsewhere("tcp://no-such-host.invalid:2375", within=OFFLINE), "dns")
    _says(ask_elsewhere("tcp://192.0.2.1:2375", within=OFFLINE), "no_route")


def test_a_name_that_nobody_knows_is_told_also_by_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is forgotten between two probes is a matter of the name, not of the engine."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    outcome = probe.probe(connected(endpoint("tcp://no-such-host.invalid:2375")), TIMEOUT)
    assert isinstance(outcome, Failed) and outcome.diagnosis.code == "dns"


def test_a_network_that_goes_away_while_an_engine_is_asked_is_told() -> None:
    """A cable that is pulled is noticed by keep-alive, and not taken for a hung engine."""
    told = ask_elsewhere("", "--cut", within=OFFLINE)
    _says(told, "connection_lost")
    assert told.seconds < 5


def _says(told: Told, key: str, place: Endpoint | None = None) -> None:
    cause, step = WORDS_ELSEWHERE[key]
    if place is None and "{address}" in cause:  # the address is known there only
        before, after = cause.split("{address}")
        assert told.cause.startswith(before) and told.cause.endswith(after)
        place = endpoint(f"tcp://{told.cause.removeprefix(before).removesuffix(after)}")
    place = place or endpoint("tcp://unused:1")
    assert told[:3] == (key.partition(".")[0], filled(cause, place), filled(step, place))


@pytest.mark.engine
@pytest.mark.parametrize("name", CLIENTS)
def test_a_refused_client_certificate_is_told_as_such_every_time(name: str, here: Here) -> None:
    """However the engine's refusal races with our question (TLS 1.3), it is never told as a closed connection."""
    with made(name, here) as place:
        told = {diagnosis(place, 2.0).code for _ in range(30)}
    assert told == {WORDS[name][0]}


@pytest.mark.parametrize("unix", [False, True], ids=["tcp", "unix"])
def test_a_dripping_answer_ends_with_the_timeout(unix: bool) -> None:
    """A server that answers one byte at a time, so that no read ever times out, does not answer."""
    with standin.drip(every=0.2, unix=unix) as dripping:
        profile = Profile("drip", endpoint(dripping.url), health=HealthSettings(timeout=TIMEOUT))
        start = time.monotonic()
        (found,) = survey([profile])
        assert time.monotonic() - start < TIMEOUT + SPARE
    assert found.health.diagnosis and found.health.diagnosis.code == "no_answer"


@pytest.mark.parametrize("unix", [False, True], ids=["tcp", "unix"])
def test_a_kept_connection_that_dies_as_it_is_used_is_no_failure(unix: bool) -> None:
    """An engine that closes an idle connection in the moment of the next question is asked again at once."""
    answers = responder.engine()

    def behave(connection: socket.socket, ended: object) -> None:
        # The first connection answers two questions and closes at the third, without an answer.
        left = 2 if server.connections == 1 else 99
        while (asked := standin.read_head(connection)) and left:
            left -= 1
            head = b"".join(f"{k}: {v}\r\n".encode() for k, v in responder.docker_headers().items())
            body = answers("GET", asked.split(b" ")[1].decode())[2]
            assert isinstance(body, bytes)
            connection.sendall(b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body))

    with StandIn(behave, unix=unix) as server:
        client = connected(endpoint(server.url))
        assert isinstance(probe.probe(client, 2.0), Answered)
        assert server.connections == 1
        second = probe.probe(client, 2.0)
        client.abort()
    assert isinstance(second, Answered), second
    assert server.connections == 2
    assert second.engine is not None, "behind a new connection there may be another engine"


def test_an_encrypted_key_asks_nobody_for_its_password(here: Here) -> None:
    """A locked key fails at once, even where there is a terminal on which OpenSSL could ask."""
    leader, follower = pty.openpty()
    try:
        with made("encrypted_key", here) as place:
            assert place.tls
            options = f"--certs={place.tls.cert_path}"
            told = ask_elsewhere(place.url, options, within=("setsid", "--ctty", "--wait"), stdin=follower)
        assert told[:3] == expected(WORDS["encrypted_key"], place)
        os.set_blocking(leader, False)
        with pytest.raises(BlockingIOError):
            os.read(leader, 1)  # nothing was written to the terminal
    finally:
        os.close(leader)
        os.close(follower)


def test_a_server_that_is_good_again_is_reachable(here: Here) -> None:
    """The stand-ins of this file fail by what they do, not by being stand-ins."""
    with Responder(responder.engine(), tls=here.authority.server()) as good:
        assert isinstance(ask(endpoint(good.url, here.certs)), Answered)


def test_every_sentence_is_read_here_or_cannot_be() -> None:
    """No sentence is shown to people that no test has read."""
    texts = {words[1:] for words in WORDS.values()} | set(WORDS_ELSEWHERE.values()) | SSH_WORDS
    assert WORDS.keys() == SITUATIONS.keys()
    unread = [
        key for key, (cause, step) in SENTENCES.items() if not any(_same(cause, a) and _same(step, b) for a, b in texts)
    ]
    assert sorted(unread) == sorted(ELSEWHERE)


def _same(template: str, text: str) -> bool:
    pattern = re.sub(r"\\\{\w+\\\}", ".+", re.escape(template.replace("{{", "«").replace("}}", "»")))
    return re.fullmatch(pattern.replace("«", r"\{").replace("»", r"\}"), text) is not None
