"""Every way in which an engine behind ssh cannot be reached, made with a real sshd, and the words for it."""

import json
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.engine.asking import OFFLINE, ROOT, ask, ask_elsewhere, connected, diagnosis, endpoint
from tests.harness import responder, standin
from tests.harness.ask import free_port
from tests.harness.dockerd import Dockerd
from tests.harness.poll import wait_until
from tests.harness.responder import Responder
from tests.harness.sshd import Sshd, clients
from trayd.core.messages import Answered, Failed
from trayd.core.profile import Endpoint
from trayd.engine import probe

pytestmark = pytest.mark.engine

TIMEOUT = 2.0
SPARE = 1.0  # what a diagnosis may take longer than the timeout

# situation: (code, what is, what to do next), as they stand in the menu.
WORDS = {
    "new_host": (
        "ssh_hostkey_unknown",
        "127.0.0.1 is not known to ssh yet, and trayd never trusts a new host by itself.",
        "Connect once in a terminal and compare the fingerprint: {login}",
    ),
    "changed_host": (
        "ssh_hostkey_changed",
        "127.0.0.1 shows another host key than before: it was made anew, or somebody is in between.",
        "Ask whoever runs it which is true before you do anything; then connect once in a terminal: {login}",
    ),
    "foreign_key": (
        "ssh_auth",
        "127.0.0.1 does not accept your ssh key.",
        "Try it in a terminal: {login} (ssh-copy-id puts your key there; trayd can type no password)",
    ),
    "locked_key": (
        "ssh_key_passphrase",
        "Your ssh key is locked with a passphrase, and no agent has it open.",
        "Unlock it for this session: ssh-add",
    ),
    "unknown_name": (
        "dns",
        "The name no-such-host.invalid is not known.",
        "Check its spelling, your network and your VPN.",
    ),
    "closed_port": (
        "refused",
        "127.0.0.1 is up, but its ssh port is closed.",
        "Start sshd there, or correct the port in the profile or in ~/.ssh/config.",
    ),
    "unanswered_port": (
        "connect_timeout",
        "127.0.0.1 does not answer at all: it is off, asleep, or a firewall is in between.",
        "Check that the machine is on, that your VPN is up, and that the firewall lets ssh through.",
    ),
    "no_program": (
        "ssh_missing",
        "The program ssh is not installed here.",
        "Install it: sudo apt install openssh-client",
    ),
    "wrong_settings": (
        "ssh_config",
        "Your own ssh settings cannot be used.",
        "Try it in a terminal, ssh names the file and the line: {login}",
    ),
    "silent_server": (
        "ssh_protocol",
        "Something answers at {address}, but the ssh connection does not come about.",
        "Correct the port in the profile, or look into the log there: journalctl -u ssh",
    ),
    "closing_server": (
        "ssh_protocol",
        "Something answers at {address}, but the ssh connection does not come about.",
        "Correct the port in the profile, or look into the log there: journalctl -u ssh",
    ),
    "web_server": (
        "ssh_protocol",
        "Something answers at {address}, but the ssh connection does not come about.",
        "Correct the port in the profile, or look into the log there: journalctl -u ssh",
    ),
    "stuck_login": (
        "ssh_login_slow",
        "The login at 127.0.0.1 by ssh takes longer than this profile waits.",
        "Try it in a terminal: {login} (and raise health.timeout in the profile if that is its usual pace)",
    ),
    "no_forwarding": (
        "ssh_forward_refused",
        "The ssh server of 127.0.0.1 does not pass connections on to {socket}.",
        "Allow it there: AllowStreamLocalForwarding yes in sshd_config, no 'restrict' before your key.",
    ),
    "restricted_key": (
        "ssh_forward_refused",
        "The ssh server of 127.0.0.1 does not pass connections on to {socket}.",
        "Allow it there: AllowStreamLocalForwarding yes in sshd_config, no 'restrict' before your key.",
    ),
    "no_docker": (
        "ssh_remote_docker_missing",
        "Docker is not installed on 127.0.0.1, or not for everybody to find.",
        "Install it there, or correct the path of its socket in the profile: {socket}",
    ),
    "no_socket": (
        "ssh_remote_socket_missing",
        "Docker is not running on 127.0.0.1, or it listens elsewhere: there is no {socket}.",
        "Start it there: sudo systemctl start docker (or add its path to 'host' in the profile)",
    ),
    "killed_engine": (
        "ssh_remote_stopped",
        "Docker is installed but stopped on 127.0.0.1: {socket} refuses connections.",
        "Start it there: sudo systemctl start docker",
    ),
    "closed_socket": (
        "ssh_remote_permission",
        "On 127.0.0.1 you may not use Docker: {socket} is closed to you.",
        "Join its group there, then log in again: sudo usermod -aG docker $USER (its members are as good as root)",
    ),
    "closed_folder": (
        "ssh_remote_permission",
        "On 127.0.0.1 you may not use Docker: {socket} is closed to you.",
        "Join its group there, then log in again: sudo usermod -aG docker $USER (its members are as good as root)",
    ),
    "frozen_engine": (
        "no_answer",
        "The engine on 127.0.0.1 accepts connections but does not answer.",
        "It may still be starting; if it stays so, restart it there: sudo systemctl restart docker",
    ),
    "closing_engine": (
        "closed",
        "{address} takes connections but closes them without an answer.",
        "The engine may be restarting; if it stays so, look into its log: journalctl -u docker",
    ),
}
LOST = ("The ssh connection to 127.0.0.1 broke.", "Check your network and VPN; trayd connects again by itself.")
NO_ROUTE = ("There is no way to 192.0.2.1 from here.", "Check your network and VPN, and that the machine is on.")
GONE = (
    "The engine on 127.0.0.1 has just ended its connections, and takes no new ones.",
    "It may be restarting; in a moment trayd knows more.",
)
READ = {words[1:] for words in WORDS.values()} | {LOST, NO_ROUTE, GONE}

Situation = Iterator[Endpoint]


def _settings(sshd: Sshd, **settings: str) -> None:
    sshd.kill()
    sshd._settings = settings
    sshd.start()


def new_host(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> Situation:
    (sshd.directory / "known_hosts").write_text("")
    yield endpoint(sshd.url())
    assert (sshd.directory / "known_hosts").read_text() == "", "a host key was accepted"


def changed_host(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> Situation:
    sshd.make_key("host")
    _settings(sshd)
    yield endpoint(sshd.url())


def foreign_key(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> Situation:
    sshd.make_key("other")
    sshd.authorize("other")
    yield endpoint(sshd.url())


def locked_key(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> Situation:
    sshd.make_key("locked", "secret")
    sshd.authorize("locked")
    sshd.client("locked")
    yield endpoint(sshd.url())


def unknown_name(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> Situation:
    yield endpoint("ssh://me@no-such-host.invalid")


def closed_port(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> Situation:
    yield endpoint(sshd.url(port=free_port()))


def unanswered_port(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> Situation:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        # A full queue: the kernel answers no more greetings.
        port = server.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        yield endpoint(sshd.url(port=port))
        for one in waiting:
            one.close()


def no_program(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> Situation:
    path, os.environ["PATH"] = os.environ["PATH"], "/nonexistent"
    yield endpoint("ssh://build")
    os.environ["PATH"] = path


def wrong_settings(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> Situation:
    sshd.client(more="NoSuchWord yes")
    yield endpoint(sshd.url())


def silent_server(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> Situation:
    with standin.silent() as server:
        yield endpoint(sshd.url(port=server.port))


def closing_server(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> Situation:
    with standin.closing() as server:
        yield endpoint(sshd.url(port=server.port))


def web_server(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> Situation:
    with standin.garbage(b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
        yield endpoint(sshd.url(port=server.port))


def stuck_login(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> Situation:
    with standin.garbage() as server:
        yield endpoint(sshd.url(port=server.port))


def no_forwarding(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> Situation:
    _settings(sshd, AllowStreamLocalForwarding="no")
    yield endpoint(sshd.url(dockerd().socket))


def restricted_key(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> Situation:
    sshd.authorize("mine", options="restrict")
    yield endpoint(sshd.url(dockerd().socket))


def no_docker(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> Situation:
    programs = sshd.directory / "programs"
    programs.mkdir()
    (programs / "sh").symlink_to("/bin/sh")
    _settings(sshd, SetEnv=f"PATH={programs}")
    yield endpoint(sshd.url("/run/no/docker.sock"))


def no_socket(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> Situation:
    yield endpoint(sshd.url("/run/no/docker.sock"))


def killed_engine(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> Situation:
    running = dockerd()
    running.kill()
    yield endpoint(sshd.url(running.socket))


def closed_socket(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> Situation:
    running = dockerd()
    running.directory.chmod(0o755)
    yield endpoint(sshd.url(running.socket, user="builder"))


def closed_folder(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> Situation:
    running = dockerd()
    running.directory.chmod(0o700)
    yield endpoint(sshd.url(running.socket, user="builder"))


def frozen_engine(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> Situation:
    running = dockerd()
    running.freeze()
    yield endpoint(sshd.url(running.socket))


def closing_engine(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> Situation:
    with standin.closing(unix=True) as server:
        yield endpoint(sshd.url(server.url.removeprefix("unix://")))


@pytest.mark.parametrize("name", WORDS)
def test_each_failure_is_told_in_its_own_words_and_in_time(
    name: str, sshd: Sshd, dockerd: Callable[..., Dockerd]
) -> None:
    """Whatever goes wrong on the way, the person reads what it is and what to type, and no ssh is left."""
    with contextmanager(globals()[name])(sshd, dockerd) as place:
        told = diagnosis(place, TIMEOUT)
        code, cause, step = WORDS[name]
        facts = {"login": place.login, "address": place.address, "socket": place.remote_socket}
        assert told[:3] == (code, cause.format_map(facts), step.format_map(facts))
        assert told.seconds < TIMEOUT + SPARE
        wait_until(lambda: not clients(sshd), 2, "the end of ssh")
    wait_until(lambda: not _folders(), 2, "the end of the tunnel's folder")


def _folders() -> list[Path]:
    return list(Path(os.environ["XDG_RUNTIME_DIR"], "trayd").glob("*"))


def test_without_a_network_there_is_no_way(sshd: Sshd) -> None:
    """A computer without a network says so."""
    told = ask_elsewhere("ssh://192.0.2.1", within=OFFLINE)
    assert told[:3] == ("no_route", *NO_ROUTE)


def test_a_session_that_dies_is_told_as_such(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> None:
    """A question to an engine whose ssh connection broke says that; and a new client says what is with sshd."""
    place = endpoint(sshd.url(dockerd().socket))
    client = connected(place)
    try:
        assert isinstance(probe.probe(client, TIMEOUT), Answered)
        sshd.kill()
        outcome = probe.probe(client, TIMEOUT)
        assert isinstance(outcome, Failed)
        found = outcome.diagnosis
        assert (found.code, found.cause, found.next) == ("connection_lost", *LOST)
    finally:
        client.abort()
    assert diagnosis(place, TIMEOUT).code == "refused"


def test_an_engine_that_just_went_is_told_before_anybody_looks_why(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> None:
    """The loss itself comes first and fast; the next question to the same client finds out why."""
    running = dockerd()
    client = connected(endpoint(sshd.url(running.socket)))
    try:
        for _ in range(2):
            assert isinstance(probe.probe(client, TIMEOUT), Answered)
            running.kill()
            outcome = probe.probe(client, TIMEOUT)
            assert isinstance(outcome, Failed)
            found = outcome.diagnosis
            assert (found.code, found.cause, found.next) == ("ssh_remote_gone", *GONE)
            assert client.outlasts(found)
            outcome = probe.probe(client, TIMEOUT)
            assert isinstance(outcome, Failed) and outcome.diagnosis.code == "ssh_remote_stopped"
            running.start()
    finally:
        client.abort()


def test_an_engine_that_comes_back_while_it_is_looked_for_is_not_forbidden(sshd: Sshd) -> None:
    """When the look finds an engine that did not let us through just before, it is asked again, not sshd blamed."""
    path = sshd.directory / "docker.sock"
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(path))
    with Responder(responder.engine(), unix=True) as engine:
        # What the look begins with: the engine takes the place of the socket on which nobody listened.
        sshd.authorize("mine", options=f'command="ln -sf {engine.path} {path}; eval \\"$SSH_ORIGINAL_COMMAND\\""')
        client = connected(endpoint(sshd.url(path)))
        try:
            outcome = probe.probe(client, TIMEOUT)
            assert isinstance(outcome, Failed)
            assert outcome.diagnosis.code == "ssh_remote_gone"
            assert "trayd:listening" in outcome.diagnosis.detail
            assert client.outlasts(outcome.diagnosis)
            assert isinstance(probe.probe(client, TIMEOUT), Answered)
        finally:
            client.abort()


def test_a_host_that_has_no_time_to_look_is_asked_again(sshd: Sshd) -> None:
    """Where the look takes too long, nothing is known but that nobody gets through; sshd is not blamed for it."""
    sshd.authorize("mine", options='command="sleep 20"')
    told = diagnosis(endpoint(sshd.url("/run/no/docker.sock")), TIMEOUT)
    assert told[:3] == ("ssh_remote_gone", *(text.format(host="127.0.0.1") for text in GONE))
    assert told.seconds < TIMEOUT + SPARE


def test_noise_on_the_way_is_no_reason(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> None:
    """A banner, even one with the words of a failure, and a talkative login shell change nothing."""
    banner = sshd.directory / "banner"
    banner.write_text("you@here: Permission denied (publickey).\nHost key verification failed.\nopen failed\n" * 50)
    (sshd.directory / "home" / ".profile").write_text("echo welcome\n")
    _settings(sshd, Banner=str(banner))
    running = dockerd()
    assert isinstance(ask(endpoint(sshd.url(running.socket)), 5), Answered)
    running.kill()
    assert diagnosis(endpoint(sshd.url(running.socket)), TIMEOUT).code == "ssh_remote_stopped"
    running.directory.chmod(0o755)
    assert diagnosis(endpoint(sshd.url(running.socket, "builder")), TIMEOUT).code in (
        "ssh_remote_permission",
        "ssh_remote_stopped",
    )


def test_nothing_but_the_engine_is_taken_from_the_settings(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> None:
    """Forwardings, commands, terminals and shared connections of the person's settings stay theirs."""
    port = free_port()
    shared = sshd.directory / "shared"
    sshd.client(
        more=f"Host *\n  LocalForward {port} 127.0.0.1:{sshd.port}\n  RemoteCommand touch {sshd.directory}/ran\n"
        f"  RequestTTY force\n  ControlMaster auto\n  ControlPath {shared}\n  ControlPersist yes\n"
        f"  PermitLocalCommand yes\n  LocalCommand touch {sshd.directory}/ran\n  LogLevel QUIET\n"
        "  ForkAfterAuthentication yes"
    )
    client = connected(endpoint(sshd.url(dockerd().socket)))
    try:
        assert isinstance(probe.probe(client, 5), Answered)
        assert not shared.exists()
        assert not (sshd.directory / "ran").exists()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 1)
    finally:
        client.abort()
    wait_until(lambda: not clients(sshd), 3, "the end of ssh")


def test_settings_and_names_of_ssh_are_used(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> None:
    """A host that only ~/.ssh/config knows, with its user and port, and through a jump host, is reached."""
    jump = f"Host gate\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User root\n"
    sshd.client(more=f"{jump}Host build\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User root\n  ProxyJump gate")
    place = endpoint(f"ssh://build{dockerd().socket}")
    client = connected(place)
    try:
        outcome = probe.probe(client, 5)
        assert isinstance(outcome, Answered), outcome
    finally:
        client.abort()
    wait_until(lambda: not any("build" in p.argv for p in clients(sshd)), 2, "the end of ssh")
    wait_until(lambda: len(sshd.sessions()) == 1, 2, "the end of both sessions")


@pytest.mark.parametrize("name", ["new_host", "locked_key", "foreign_key"])
def test_nobody_is_asked_anything(
    name: str, sshd: Sshd, dockerd: Callable[..., Dockerd], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a terminal and on a screen with a program for asking, ssh asks on neither."""
    asker = sshd.directory / "asker"
    asker.write_text(f"#!/bin/sh\ntouch {sshd.directory}/asked\necho yes\n")
    asker.chmod(0o755)
    for variable, value in {"SSH_ASKPASS": str(asker), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":9"}.items():
        monkeypatch.setenv(variable, value)
    with contextmanager(globals()[name])(sshd, dockerd) as place:
        asking = shlex.join([sys.executable, "-m", "tests.engine.asking", place.url])
        # `script` gives it a terminal of its own, and what is shown there.
        done = subprocess.run(["script", "-qec", asking, "/dev/null"], cwd=ROOT, capture_output=True, timeout=30)
        assert json.loads(done.stdout)[0] == WORDS[name][0], done
    assert not (sshd.directory / "asked").exists()


def test_a_told_failure_has_what_ssh_said(sshd: Sshd, dockerd: Callable[..., Dockerd]) -> None:
    """Behind the plain words ssh's own ones stand, one click away, without its chatter."""
    (sshd.directory / "known_hosts").write_text("")
    outcome = ask(endpoint(sshd.url()), TIMEOUT)
    assert isinstance(outcome, Failed)
    assert outcome.diagnosis.detail == "Host key verification failed."
