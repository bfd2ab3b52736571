"""A real engine is reachable over every kind of address, whatever else is in the environment."""

import base64
import json
import os
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.asking import ROOT, ask, connected, endpoint
from tests.harness import ask as http
from tests.harness import responder
from tests.harness.dockerd import Dockerd
from tests.harness.poll import wait_until
from tests.harness.responder import Responder
from tests.harness.standin import silent
from tests.harness.tls import Authority, Style, client_context
from trayd import __version__
from trayd.core import effects as do
from trayd.core import messages as m
from trayd.core.profile import Endpoint, Profile
from trayd.core.value import replace
from trayd.engine import probe, transport
from trayd.engine.pulse import Pulse
from trayd.engine.watcher import Watch

# What Python 3.13's strict mode says of them (OpenSSL's verify codes); the docker CLI takes both.
OLD_STYLES: dict[Style, int] = {"docker-machine": 85, "docs": 92}


@pytest.fixture(params=["unix", "tcp", "tls"])
def reached(
    request: pytest.FixtureRequest, engine: Dockerd, tls_engine: Dockerd, certs: Path
) -> tuple[Endpoint, Dockerd]:
    """An endpoint of each kind, and the real engine behind it."""
    if request.param == "tls":
        return endpoint(tls_engine.tcp_url, certs), tls_engine
    return endpoint(engine.unix_url if request.param == "unix" else engine.tcp_url), engine


@pytest.mark.engine
def test_a_real_engine_is_reachable_and_says_what_it_is(reached: tuple[Endpoint, Dockerd]) -> None:
    """Version, API, system, name and ID of an engine are its own, over unix, tcp and TLS."""
    place, engine = reached
    version, info = (json.loads(engine.ask(path).body) for path in ("/version", "/info"))
    client = connected(place)
    answer = probe.probe(client, 5.0)
    assert isinstance(answer, m.Answered) and answer.engine
    facts = m.EngineInfo(version["Version"], version["ApiVersion"], version["Os"], version["Arch"])
    shown = _fingerprint(engine.tls.cert) if place.tls and engine.tls else ""
    assert answer.engine == replace(facts, fingerprint=shown)
    assert 0 < answer.latency < 1
    described = probe.describe(client, answer.engine, 5.0)
    assert (described.name, described.id) == (info["Name"], info["ID"])
    assert described.version == version["Version"]
    again = probe.probe(client, 5.0)
    assert isinstance(again, m.Answered) and again.engine is None, "a kept connection leads to the same engine"
    client.abort()


def _fingerprint(cert: Path) -> str:
    """As openssl tells it, in the manner of ours."""
    command = ["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", str(cert)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return "sha256:" + told.strip().rpartition("=")[2].replace(":", "").lower()


@pytest.mark.engine
def test_the_images_of_a_real_engine_have_their_names_and_sizes(tls_engine: Dockerd, certs: Path) -> None:
    """The image that an engine holds is listed by the name one copies, with its size, over TLS and the socket."""
    told = json.loads(tls_engine.ask("/images/json").body)
    sizes = {tag: entry["Size"] for entry in told for tag in entry["RepoTags"]}
    for place in (endpoint(tls_engine.tcp_url, certs), endpoint(tls_engine.unix_url)):
        client = connected(place)
        assert isinstance(probe.probe(client, 5.0), m.Answered)
        assert probe.images(client, 5.0) == (m.Image("busybox:test", sizes["busybox:test"]),)
        client.abort()


@pytest.mark.engine
@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
def test_an_engine_is_reachable_by_its_name(tls: bool, engine: Dockerd, tls_engine: Dockerd, certs: Path) -> None:
    """An address with a name in it works as one with numbers, and the name is held against the certificate."""
    port = (tls_engine if tls else engine).port
    outcome = ask(endpoint(f"tcp://localhost:{port}", certs if tls else None))
    assert isinstance(outcome, m.Answered), outcome


@pytest.mark.engine
def test_an_engine_that_changes_behind_its_address_is_described_anew(dockerd: Callable[..., Dockerd]) -> None:
    """After a restart that nobody noticed the engine is asked again what it is: it may have been upgraded."""
    running = dockerd()
    client = connected(endpoint(running.unix_url))
    assert isinstance(probe.probe(client, 5.0), m.Answered)
    running.restart()
    again = probe.probe(client, 5.0)
    assert isinstance(again, m.Answered) and again.engine and again.engine.version
    client.abort()


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
def test_nothing_in_the_environment_changes_where_or_how_an_engine_is_asked(
    tls: bool, authority: Authority, stranger: Authority, certs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxies, foreign authorities, DOCKER_* variables, ~/.netrc and ~/.docker reach no question of trayd's."""
    home = Path(os.environ["HOME"])
    (home / ".netrc").write_text("machine 127.0.0.1 login me password secret\ndefault login me password secret\n")
    (home / ".netrc").chmod(0o600)
    (home / ".docker").mkdir()
    settings = {"HttpHeaders": {"X-Secret": "1"}, "currentContext": "other", "proxies": {"default": {}}}
    (home / ".docker/config.json").write_text(json.dumps(settings))
    with (
        Responder(responder.engine()) as proxy,
        Responder(responder.engine(), tls=authority.server() if tls else None) as server,
    ):
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://me:secret@127.0.0.1:{proxy.port}")
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            monkeypatch.setenv(name, str(stranger.ca))
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("DOCKER_CONTEXT", "other")
        monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
        monkeypatch.setenv("DOCKER_CERT_PATH", str(stranger.directory))
        monkeypatch.setenv("DOCKER_API_VERSION", "1.12")
        client = connected(endpoint(server.url, certs if tls else None))
        assert isinstance(answer := probe.probe(client, 2.0), m.Answered), answer
        assert probe.images(client, 2.0) == ()
        client.abort()
    assert proxy.connections == 0
    assert [request.path for request in server.requests] == ["/_ping", "/version", "/v1.41/images/json"]
    for request in server.requests:
        assert request.headers["user-agent"] == f"trayd/{__version__}"
        assert request.headers.keys() <= {"host", "user-agent", "accept", "accept-encoding", "connection"}
        assert base64.b64encode(b"me:secret").decode() not in str(request.headers)


def test_a_right_authority_in_the_environment_does_not_help_a_wrong_ca_file(
    authority: Authority, stranger: Authority, certs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the profile's own ca.pem vouches for an engine."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(stranger.ca))
    with Responder(responder.engine(), tls=stranger.server(), verify_clients=False) as server:
        assert _code(ask(endpoint(server.url, certs))) == "cert_unknown_ca"


def test_nobody_is_asked_before_the_first_question() -> None:
    """Making a client sends nothing."""
    with Responder(responder.engine()) as server:
        connected(endpoint(server.url)).abort()
    assert server.connections == 0


@pytest.mark.parametrize("kind", ["unix", "tcp", "tls"])
def test_fifty_probes_take_one_connection(kind: str, authority: Authority, certs: Path) -> None:
    """An engine that is watched all day sees one connection, and trayd's threads and files do not grow."""
    tls = authority.server() if kind == "tls" else None
    with Responder(responder.engine(), unix=kind == "unix", tls=tls) as server:
        client = connected(endpoint(server.url, certs if tls else None))
        inner = client.docker
        assert isinstance(probe.probe(client, 2.0), m.Answered)
        before = _files(), threading.active_count()
        for _ in range(50):
            assert isinstance(probe.probe(client, 2.0), m.Answered)
        assert (_files(), threading.active_count()) == before
        assert server.connections == 1
        # 1.41 is older than what the client was made for: it is made anew once, and never again.
        settled = client.docker
        probe.probe(client, 2.0)
        assert client.docker is settled is not inner
        client.abort()


def _files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_an_engine_is_never_followed_elsewhere() -> None:
    """A redirect, as a login page of a network sends it, is not followed."""
    with Responder(responder.engine()) as target:
        to = responder.redirect(f"http://127.0.0.1:{target.port}/_ping")
        with Responder(responder.always(to)) as portal:
            assert _code(ask(endpoint(portal.url))) == "not_docker"
        assert target.connections == 0


@pytest.mark.parametrize("style", OLD_STYLES)
def test_certificates_of_docker_machine_and_of_dockers_manual_are_accepted(
    style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What docker accepts is accepted, also where Python 3.13 is stricter; a wrong authority or address never is."""
    old, other = Authority(tmp_path / "old", style), Authority(tmp_path / "other", style)
    certs = old.client()
    make = transport.create_urllib3_context

    def strict() -> ssl.SSLContext:
        context = make()
        context.verify_flags |= ssl.VERIFY_X509_STRICT  # as urllib3 does it from Python 3.13 on
        return context

    monkeypatch.setattr(transport, "create_urllib3_context", strict)
    with Responder(responder.engine(), tls=old.server()) as server:
        context = client_context(certs)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        with pytest.raises(ssl.SSLCertVerificationError) as refused:
            http.ask(server.url, tls=context)
        assert refused.value.verify_code == OLD_STYLES[style]
        assert isinstance(answer := ask(endpoint(server.url, certs)), m.Answered), answer
        assert _code(ask(endpoint(server.url, other.client()))) == "cert_unknown_ca"
    with Responder(responder.engine(), tls=old.server("far", ["203.0.113.7"]), verify_clients=False) as server:
        assert _code(ask(endpoint(server.url, certs))) == "cert_wrong_host"


def test_they_are_accepted_by_a_python_that_is_strict_by_itself(tmp_path: Path) -> None:
    """The same with a real Python 3.13 or newer, if there is one."""
    python = _strict_python()
    program = (
        "import sys; from pathlib import Path; from tests.engine.asking import ask, endpoint\n"
        "for url, certs in zip(sys.argv[1::2], sys.argv[2::2]): print(type(ask(endpoint(url, Path(certs)))).__name__)"
    )
    old = [Authority(tmp_path / style, style) for style in OLD_STYLES]
    with (
        Responder(responder.engine(), tls=old[0].server()) as one,
        Responder(responder.engine(), tls=old[1].server()) as two,
    ):
        asked = [one.url, old[0].client(), two.url, old[1].client(), one.url, old[1].client("wrong")]
        done = subprocess.run([*python, "-c", program, *map(str, asked)], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.split() == ["Answered", "Answered", "Failed"], done.stderr


def _strict_python() -> list[str]:
    """A command for Python >= 3.13 that finds our packages: this one, or another with the same pure-Python ones."""
    if sys.version_info >= (3, 13):
        return [sys.executable]
    site = next(path for path in sys.path if path.endswith("site-packages"))
    beside = sorted(Path(sys.base_prefix).parent.glob("3.1[3-9]*/bin/python3"))  # as pyenv and uv keep them
    for python in [*map(str, beside), *filter(None, map(shutil.which, ("python3.14", "python3.13")))]:
        command = ["env", f"PYTHONPATH={ROOT}{os.pathsep}{site}", python]
        proof = [*command, "-c", "import docker, cryptography, pytest, sys; sys.exit(sys.version_info < (3, 13))"]
        if subprocess.run(proof, capture_output=True).returncode == 0:
            return command
    pytest.skip("there is no Python 3.13 or newer here")


def test_an_engine_that_wants_no_client_certificate_needs_none(authority: Authority, tmp_path: Path) -> None:
    """A folder with nothing but ca.pem is enough for an engine that only shows who it is."""
    shutil.copy(authority.ca, tmp_path / "ca.pem")
    with Responder(responder.engine(), tls=authority.server(), verify_clients=False) as server:
        assert isinstance(answer := ask(endpoint(server.url, tmp_path)), m.Answered), answer


def test_verify_false_is_the_persons_word(
    authority: Authority, stranger: Authority, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without verification any certificate will do, no ca.pem is needed, and nobody is warned again and again."""
    with Responder(responder.engine(), tls=stranger.expired(), verify_clients=False) as server:
        assert isinstance(answer := ask(endpoint(server.url, tmp_path, verify=False)), m.Answered), answer
    certs = authority.client("unverifying")
    (certs / "ca.pem").unlink()
    with Responder(responder.engine(), tls=authority.server("far", ["203.0.113.7"])) as server:
        assert isinstance(answer := ask(endpoint(server.url, certs, verify=False)), m.Answered), answer
    assert capfd.readouterr() == ("", "")


@pytest.mark.engine
def test_a_replaced_ca_file_is_taken_up_after_a_failure(
    tls_engine: Dockerd, authority: Authority, stranger: Authority, pulse: Pulse
) -> None:
    """Whoever copies the right ca.pem into the folder need not start trayd again."""
    certs = authority.client("mended")
    shutil.copy(stranger.ca, certs / "ca.pem")
    posted: list[object] = []
    watch = Watch(Profile("office", endpoint(tls_engine.tcp_url, certs)), 1, posted.append, pulse)
    watch.ask(do.Ask("office", 5.0))
    wait_until(lambda: len(posted) == 1, what="the first outcome")
    shutil.copy(authority.ca, certs / "ca.pem")
    watch.ask(do.Ask("office", 5.0))
    wait_until(lambda: len(posted) == 2, what="the second outcome")
    watch.stop()
    first, second = (message.outcome for message in posted if isinstance(message, m.Probed))
    assert _code(first) == "cert_unknown_ca"
    assert isinstance(second, m.Answered)


@pytest.mark.parametrize("kind", ["unix", "tcp", "tls"])
def test_a_watch_that_ends_during_a_probe_leaves_nothing(
    kind: str, authority: Authority, certs: Path, pulse: Pulse
) -> None:
    """A profile that is removed while its hung engine is being asked ends at once, with its thread and its socket."""
    before, files = set(threading.enumerate()), _files()
    with silent(unix=kind == "unix", tls=authority.server() if kind == "tls" else None) as server:
        watch = Watch(Profile("hung", endpoint(server.url, certs if kind == "tls" else None)), 1, lambda _: None, pulse)
        watch.ask(do.Ask("hung", 60.0))
        wait_until(lambda: server.connections == 1, what="the question")
        watch.stop()
        mine = [thread for thread in threading.enumerate() if thread.name == "probe hung"]
        wait_until(lambda: not any(thread.is_alive() for thread in mine), 2, "the end of the probe")
        assert server.connections == 1, "what was ended began again"
    assert not set(threading.enumerate()) - before
    wait_until(lambda: _files() <= files, 2, "the closing of the socket")


def _code(outcome: m.Answered | m.Failed) -> str:
    assert isinstance(outcome, m.Failed), outcome
    return outcome.diagnosis.code
