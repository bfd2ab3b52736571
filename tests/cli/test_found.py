"""Engines that are found by themselves, asked by the installed program: real engines, the real docker CLI."""

import json
import os
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from tests.cli.program import profile, trayd
from tests.harness.dockerd import Dockerd
from tests.harness.need import need
from tests.harness.tls import Authority


def docker(*arguments):
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certs"))


@pytest.fixture(scope="module")
def secure(authority):
    """An engine that wants client certificates."""
    with Dockerd(tcp=True, tls=authority.server()) as running:
        yield running


def states():
    told = json.loads(trayd("status", "--json").stdout)
    return {p["name"]: (p["source"], p["state"]) for p in told["profiles"]}


@pytest.mark.engine
@pytest.mark.parametrize("way", ["verified", "unverified", "public"])
def test_a_context_with_tls_is_reached_as_docker_reaches_it(secure, authority, way, monkeypatch):
    """A context with TLS, verified by its own or the computer's authorities or not at all, leads where docker goes."""
    need("docker", "install the docker CLI (Debian: docker.io)")
    certs = authority.client()
    tls = f",cert={certs}/cert.pem,key={certs}/key.pem"
    tls = {
        "verified": f"{tls},ca={certs}/ca.pem",
        "unverified": f"{tls},skip-tls-verify=true",
        "public": tls,
    }[way]
    if way == "public":
        monkeypatch.setenv("SSL_CERT_FILE", f"{certs}/ca.pem")  # both Go and Python take this for the computer's own
    docker("context", "create", "lab", "--docker", f"host={secure.tcp_url}{tls}")
    assert states() == {"lab": ("context", "reachable")}
    lines = trayd("env", "lab", "--shell", "sh").stdout
    script = f"DOCKER_HOST=tcp://127.0.0.1:9 DOCKER_TLS_VERIFY=1\n{lines}\ndocker version --format '{{{{.Server.Os}}}}'"
    told = subprocess.run(["sh", "-c", script], capture_output=True, text=True)
    assert (told.returncode, told.stdout) == (0, "linux\n"), told.stderr


@pytest.mark.engine
def test_a_machine_is_reached_with_its_own_certificates(secure, authority):
    """A machine of docker-machine's store is reachable, which docker-machine itself cannot see any more."""
    folder = Path(os.environ["HOME"]) / ".docker/machine/machines/box"
    folder.mkdir(parents=True)
    certs = authority.client()
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (folder / name).write_bytes((certs / name).read_bytes())
    driver = {"IPAddress": "127.0.0.1", "EnginePort": int(secure.tcp_url.rsplit(":", 1)[1])}
    content = {"ConfigVersion": 3, "DriverName": "generic", "Driver": driver, "Name": "box"}
    (folder / "config.json").write_text(json.dumps(content))
    assert states() == {"box": ("machine", "reachable")}


@pytest.mark.engine
def test_a_file_stands_for_the_context_it_names(engine):
    """A file that says `context:` is that engine's only entry, under the file's name, with the file's variables."""
    need("docker", "install the docker CLI (Debian: docker.io)")
    docker("context", "create", "lab", "--docker", f"host={engine.unix_url}")
    profile("office", "context: lab\nenv: {COMPOSE_PROJECT_NAME: demo}\n")
    assert states() == {"office": ("file", "reachable")}
    told = trayd("env", "--shell", "sh").stdout
    assert told.startswith("export DOCKER_CONTEXT='lab' COMPOSE_PROJECT_NAME='demo'; unset DOCKER_HOST")


def test_a_broken_context_is_told_by_its_name():
    """`trayd env` and `trayd config check` say what is wrong with a context instead of "there is none"."""
    folder = Path(os.environ["HOME"]) / ".docker/contexts/meta" / sha256(b"lab").hexdigest()
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text('{"Name": "lab", "Endpoints": {"docker": {"Host": 7}}}')
    told = trayd("env", "lab")
    assert told.returncode == 1
    assert "cannot be used\n  → context lab: 'Host' has the wrong type" in told.stderr
    assert trayd("config", "check").stdout == "context lab: 'Host' has the wrong type\n"
