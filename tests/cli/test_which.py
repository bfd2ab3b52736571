"""`trayd which` against the real docker CLI: who is really asked, in more than eighty situations."""

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest

from tests.cli.program import profile, trayd
from tests.harness.need import need
from tests.harness.responder import Responder, engine
from tests.harness.tls import Authority
from trayd.config.dockercli import read_cli_config
from trayd.core.precedence import Destination, destination
from trayd.core.profile import DEFAULT_SOCKET

CLIS = [path for path in ("/usr/local/bin/docker", "/usr/bin/docker") if os.access(path, os.X_OK)]
_UNREACHED = re.compile(r"Cannot connect to the Docker daemon at (\S+)\. Is the")


class World(NamedTuple):
    """Stand-ins for engines: two plain ones, two sockets, one that wants client certificates, one that wants none."""

    a: Responder
    b: Responder
    u: Responder
    v: Responder
    strict: Responder
    open: Responder
    folder: Path
    places: dict[str, str]

    @property
    def servers(self) -> dict[str, Responder]:
        return {name: getattr(self, name) for name in ("a", "b", "u", "v", "strict", "open")}

    def fill(self, text: str) -> str:
        """Put addresses and folders in for {a}, {certs} …"""
        return text.format_map(self.places)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    need(bool(CLIS), "sudo apt install docker.io")
    folder = tmp_path_factory.mktemp("which")
    ours, theirs = Authority(folder / "ours"), Authority(folder / "theirs", name="another CA")
    certs, other = ours.client("certs"), theirs.client("other")
    ca_only = folder / "ca_only"
    ca_only.mkdir()
    (ca_only / "ca.pem").write_bytes((certs / "ca.pem").read_bytes())
    server = ours.server()
    with ExitStack() as stack:
        plain = [stack.enter_context(Responder(engine(), unix=unix)) for unix in (False, False, True, True)]
        strict = stack.enter_context(Responder(engine(), tls=server))
        opened = stack.enter_context(Responder(engine(), tls=server, verify_clients=False))
        a, b, u, v = plain
        places = {"a": a.url, "b": b.url, "u": u.url, "v": v.url, "strict": strict.url, "open": opened.url}
        places |= {"certs": str(certs), "other": str(other), "ca_only": str(ca_only), "none": str(folder / "none")}
        places |= {"a_port": str(a.port), "u_path": str(u.path)}
        made = World(a, b, u, v, strict, opened, folder, places)
        for name, host in CONTEXTS.items():
            command = [CLIS[0], "context", "create", name, "--docker", made.fill(host)]
            environ = {"PATH": os.defpath, "HOME": str(folder), "DOCKER_CONFIG": str(folder / "config")}
            subprocess.run(command, env=environ, check=True, capture_output=True, timeout=30)
        yield made


CONTEXTS = {
    "plain": "host={b}",
    "socket": "host={v}",
    "secure": "host={strict},ca={certs}/ca.pem,cert={certs}/cert.pem,key={certs}/key.pem",
    "careless": "host={open},skip-tls-verify=true",
    "server-only": "host={open},ca={certs}/ca.pem",
    "mistrusting": "host={open},ca={other}/ca.pem",
    "portless": "host=tcp://127.0.0.1",
    "portless-tls": "host=tcp://127.0.0.1,skip-tls-verify=true",
}


class Case(NamedTuple):
    """One situation; before the major version `since` docker does something else: refuses, or fails on a socket."""

    title: str
    environ: Mapping[str, str] = MappingProxyType({})
    options: tuple[str, ...] = ()
    current: str = ""
    home_certs: bool = False
    since: int = 0


def env(**values: str) -> dict[str, str]:
    return {f"DOCKER_{name}": value for name, value in values.items()}


SECURE = {"TLS_VERIFY": "1", "CERT_PATH": "{certs}"}
CASES = [
    Case("nothing"),
    Case("host", env(HOST="{a}")),
    Case("host socket", env(HOST="{u}")),
    Case("context variable", env(CONTEXT="plain")),
    Case("context variable, a socket", env(CONTEXT="socket")),
    Case("current", current="plain"),
    Case("current default", current="default"),
    Case("current gone", current="gone"),
    Case("context variable gone", env(CONTEXT="gone")),
    Case("context option gone", options=("--context", "gone")),
    Case("host before context variable", env(HOST="{a}", CONTEXT="plain")),
    Case("host before a context that is gone", env(HOST="{a}", CONTEXT="gone")),
    Case("host before current", env(HOST="{a}"), current="plain"),
    Case("context variable before current", env(CONTEXT="socket"), current="plain"),
    Case("context variable default before current", env(CONTEXT="default"), current="plain"),
    Case("context option", options=("--context", "plain")),
    Case("context option before host", env(HOST="{a}"), ("--context", "plain")),
    Case("context option before everything", env(HOST="{a}", CONTEXT="plain"), ("--context", "socket"), "gone"),
    Case("context option default means host", env(HOST="{a}"), ("--context", "default"), "plain"),
    Case("context option default", options=("--context", "default"), current="plain"),
    Case("context option empty", env(HOST="{a}"), ("--context", "")),
    Case("host option", options=("--host", "{u}")),
    Case("host option before host", env(HOST="{a}"), ("--host", "{b}")),
    Case("host option before context", env(CONTEXT="plain"), ("--host", "{a}"), "socket"),
    Case("host option empty", env(HOST="{a}"), ("--host", ""), "plain"),
    Case("host and context option", options=("--host", "{a}", "--context", "plain")),
    Case("host and default context option", options=("--host", "{a}", "--context", "default")),
    Case("host and empty context option", options=("--host", "{a}", "--context", "")),
    Case("empty host", env(HOST=""), current="plain", since=23),
    Case("empty context", env(CONTEXT=""), current="plain", since=23),
    Case("empty host, context", env(HOST="", CONTEXT="plain"), since=23),
    Case("blank host", env(HOST="  "), current="plain"),
    Case("blank context", env(CONTEXT=" "), current="plain"),
    Case("context in capitals", env(CONTEXT="Plain")),
    Case("host with blanks", env(HOST=" {a} ")),
    Case("host without scheme", env(HOST="127.0.0.1:{a_port}")),
    Case("host only a port", env(HOST=":{a_port}")),
    Case("tcp only a port", env(HOST="tcp://:{a_port}")),
    Case("host without port", env(HOST="tcp://127.0.0.1")),
    Case("host with a user", env(HOST="tcp://me:word@127.0.0.1:{a_port}")),
    Case("a path for a host", env(HOST="{u_path}")),
    Case("host in capitals", env(HOST="TCP://127.0.0.1:{a_port}")),
    Case("host http", env(HOST="http://127.0.0.1:{a_port}")),
    Case("host of an unknown kind", env(HOST="foo://x")),
    Case("host with a word for a port", env(HOST="tcp://127.0.0.1:abc")),
    Case("host v6 without port", env(HOST="tcp://[::1]")),
    Case("host v6", env(HOST="tcp://[::1]:9")),
    Case("host unix without path", env(HOST="unix://")),
    Case("host tcp without name", env(HOST="tcp://")),
    Case("tls verified", env(HOST="{strict}", **SECURE)),
    Case("tls not verified", env(HOST="{strict}", TLS="1", CERT_PATH="{certs}")),
    Case("tls 0 is on", env(HOST="{open}", TLS="0", CERT_PATH="{other}")),
    Case("tls_verify 0 is on", env(HOST="{strict}", TLS_VERIFY="0", CERT_PATH="{certs}")),
    Case("tls_verify false is on", env(HOST="{open}", TLS_VERIFY="false", CERT_PATH="{other}")),
    Case("tls_verify before tls", env(HOST="{open}", TLS="1", TLS_VERIFY="1", CERT_PATH="{other}")),
    Case("tls of another authority, not verified", env(HOST="{open}", TLS="1", CERT_PATH="{other}")),
    Case("tls with the authority only", env(HOST="{open}", TLS_VERIFY="1", CERT_PATH="{ca_only}")),
    Case("tls with the authority only, refused", env(HOST="{strict}", TLS_VERIFY="1", CERT_PATH="{ca_only}")),
    Case("empty tls_verify is off", env(HOST="{a}", TLS_VERIFY="", CERT_PATH="{certs}")),
    Case("cert_path alone is off", env(HOST="{a}", CERT_PATH="{certs}")),
    Case("cert_path alone to a TLS engine", env(HOST="{strict}", CERT_PATH="{certs}")),
    Case("tls without files", env(HOST="{strict}", TLS_VERIFY="1")),
    Case("tls without verification, without files", env(HOST="{open}", TLS="1")),
    Case("tls with missing files", env(HOST="{strict}", TLS_VERIFY="1", CERT_PATH="{none}")),
    Case("tls with the files of the config folder", env(HOST="{strict}", TLS_VERIFY="1"), home_certs=True),
    # Measured: 20.10 and 26.1 (Debian 13) take the socket's path for a name of the network, 28 does not.
    Case("tls to a socket", env(HOST="{u}", **SECURE), since=28),
    Case("tls to a socket, missing files", env(HOST="{u}", TLS="1", CERT_PATH="{none}")),
    Case("tls without host", env(**SECURE)),
    Case("tls with a blank host", env(HOST=" ", **SECURE)),
    Case("tls with an empty host option", env(HOST="{a}", **SECURE), ("--host", "")),
    Case("tls without port", env(HOST="tcp://127.0.0.1", **SECURE)),
    Case("tls with host option", env(**SECURE), ("--host", "{strict}")),
    Case("tls with default context option", env(HOST="{strict}", **SECURE), ("--context", "default")),
    Case("tls variables mean nothing to a context", env(CONTEXT="plain", **SECURE)),
    Case("tls variables without files mean nothing to a context", env(CONTEXT="plain", TLS="1", CERT_PATH="{none}")),
    Case("context with certificates", env(CONTEXT="secure")),
    Case("context with certificates, current", current="secure"),
    Case("context without verification", env(CONTEXT="careless")),
    Case("context with the authority only", env(CONTEXT="server-only")),
    Case("context of another authority", env(CONTEXT="mistrusting")),
    Case("tls=0 does not loosen a context", env(CONTEXT="mistrusting", TLS="0", CERT_PATH="{certs}")),
    Case("context without a port", env(CONTEXT="portless")),
    Case("context without a port, TLS", env(CONTEXT="portless-tls")),
    Case("API version", env(HOST="{a}", API_VERSION="1.40")),
    Case("broken config file", current="{{broken"),
]


def test_there_are_enough_situations() -> None:
    """The table has more than forty situations, each only once."""
    assert len({case[1:-1].__repr__() for case in CASES}) == len(CASES) > 40


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_docker_goes_where_we_say(world: World, case: Case) -> None:
    """The docker CLI asks the very server, with the very TLS, or fails, as `destination` says beforehand."""
    folder = world.folder / "config"
    text = case.current if case.current.startswith("{") else json.dumps({"currentContext": case.current})
    (folder / "config.json").write_text(text if case.current else "{}")
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (folder / name).unlink(missing_ok=True)
        if case.home_certs:
            (folder / name).write_bytes((Path(world.places["certs"]) / name).read_bytes())
    environ = {name: world.fill(value) for name, value in case.environ.items()}
    options = [world.fill(option) for option in case.options]
    given = dict(zip(options[::2], options[1::2], strict=True))
    context, host = given.get("--context"), given.get("--host")
    config = read_cli_config(str(folder), environ, False, context)
    said = destination(environ, config, context, host)
    asked = [_cli(cli, world, environ, options) for cli in CLIS if _major(cli) >= case.since]
    if not asked:
        pytest.skip("this CLI is too old for it")
    assert set(asked) == {_expected(world, said)}, (said, asked)


@cache
def _major(cli: str) -> int:
    told = subprocess.run([cli, "--version"], capture_output=True, text=True, timeout=30)
    match = re.search(r"version (\d+)", told.stdout)
    assert match
    return int(match[1])


def _cli(cli: str, world: World, environ: dict[str, str], options: list[str]) -> str:
    """Return whom the CLI asked, and whether that one could answer."""
    before = {name: (server.connections, len(server.requests)) for name, server in world.servers.items()}
    base = {"PATH": os.defpath, "HOME": str(world.folder), "DOCKER_CONFIG": str(world.folder / "config")}
    told = subprocess.run([cli, *options, "version"], env=base | environ, capture_output=True, text=True, timeout=30)
    for name, server in world.servers.items():
        if server.connections > before[name][0]:
            return f"{name} {'answers' if len(server.requests) > before[name][1] else 'is not understood'}"
    if told.returncode == 0:
        return f"nobody at unix://{DEFAULT_SOCKET}"  # the engine of whoever runs the tests
    if match := _UNREACHED.search(told.stderr):
        # A context's address is shown as it stands there; 80 and 443 are what then is dialled (measured).
        return f"nobody at {match[1]}"
    return "refused"


def _expected(world: World, said: Destination) -> str:
    if said.error:
        return "refused"
    for name, server in world.servers.items():
        if said.url.replace("localhost", "127.0.0.1") == server.url:
            return f"{name} {'answers' if _understood(world, name, said) else 'is not understood'}"
    shown = re.sub(r"^(tcp://127\.0\.0\.1):(80|443)$", r"\1", said.url)
    return f"nobody at {shown}"


def _understood(world: World, name: str, said: Destination) -> bool:
    """Whether that server and these TLS settings fit together."""
    if name not in ("strict", "open"):
        return said.security == "none"
    if said.tls is None:
        return False
    ca = Path(said.tls.cert_path) / "ca.pem"
    trusted = not said.tls.verify or ca.read_bytes() == (Path(world.places["certs"]) / "ca.pem").read_bytes()
    return trusted and (name == "open" or (Path(said.tls.cert_path) / "cert.pem").exists())


# --- what a person sees


def test_which_says_it_in_words(world: World) -> None:
    """The setting that wins, the endpoint, the profile, the state and what has no effect are said; exit code 0."""
    profile("office", f"host: {world.a.url}\n")
    told = trayd("which", DOCKER_HOST=world.a.url, DOCKER_CONTEXT="lab")
    assert (told.returncode, told.stderr) == (0, "")
    facts = dict(line.split(maxsplit=1) for line in told.stdout.splitlines()[:4])
    assert facts.pop("state").startswith(("● reachable · Engine 20.10.24 · ", "◐ slow · Engine 20.10.24 · "))
    assert facts == {"setting": "DOCKER_HOST", "endpoint": world.a.url, "profile": "office"}
    assert "\n! DOCKER_CONTEXT=lab has no effect: DOCKER_HOST wins, whatever Docker's manual says.\n" in told.stdout


def test_which_for_programs(world: World) -> None:
    """`trayd which --json` holds the same in documented keys, certificates included."""
    certs = world.places["certs"]
    told = trayd("which", "--json", DOCKER_HOST=world.strict.url, DOCKER_TLS_VERIFY="0", DOCKER_CERT_PATH=certs)
    assert told.returncode == 0
    read = json.loads(told.stdout)
    documented = (
        (Path(__file__).parents[2] / "docs/json.md").read_text(encoding="utf-8").partition("`trayd which --json`")[2]
    )
    assert all(f'"{key}"' in documented for key in read)
    assert read.pop("engine")["version"] == "20.10.24"
    assert read.pop("state") in ("reachable", "degraded")
    assert read.pop("notes") == [
        "DOCKER_TLS_VERIFY=0 turns TLS on, not off: any text does. To turn it off: unset DOCKER_TLS_VERIFY"
    ]
    assert read == {
        "setting": "DOCKER_HOST",
        "context": "default",
        "host": world.strict.url,
        "tls": "verified",
        "cert_path": certs,
        "profile": None,
        "diagnosis": None,
        "error": None,
    }


def test_which_with_a_context_that_is_gone(world: World) -> None:
    """A context that does not exist ends with 1, the nearest name, and how to get out of it."""
    folder = str(world.folder / "config")
    told = trayd("which", DOCKER_CONFIG=folder, DOCKER_CONTEXT="plan")
    assert told.returncode == 1
    assert told.stderr.startswith("trayd: the context 'plan' does not exist (did you mean 'plain'?)\n  → These exist: ")
    assert told.stderr.endswith(". Or: unset DOCKER_CONTEXT\n")


def test_which_says_why_nobody_answers() -> None:
    """An engine that does not answer ends with 1, its cause and the next step."""
    told = trayd("which", "--host", "tcp://127.0.0.1:9")
    assert told.returncode == 1
    assert "state     ✖ stopped\n\n127.0.0.1 is up, but nothing listens on port 9.\n  → Start" in told.stdout


def test_a_context_without_certificates_takes_none_from_here(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cert.pem in the current folder is not sent to the engine of a context that has none."""
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("a file that could not be used")
    monkeypatch.chdir(tmp_path)
    told = trayd("which", "--context", "careless", DOCKER_CONFIG=str(world.folder / "config"))
    assert told.returncode == 0, told.stdout
    assert f"{world.open.url}  TLS, not verified" in told.stdout


def test_a_broken_context_is_not_a_missing_one(tmp_path: Path) -> None:
    """A context whose file cannot be read is said to be broken, not absent, and harms no other."""
    folder = tmp_path / "config"
    for name in ("one", "two"):
        place = folder / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
        place.mkdir(parents=True)
        written = {"Name": name, "Endpoints": {"docker": {"Host": "tcp://127.0.0.1:9"}}}
        (place / "meta.json").write_text("{broken" if name == "one" else json.dumps(written))
    told = trayd("which", "--context", "one", DOCKER_CONFIG=str(folder))
    assert told.returncode == 1
    assert "the context 'one' cannot be used: the file is not JSON (line 1)" in told.stderr
    assert "tcp://127.0.0.1:9" in trayd("which", "--context", "two", DOCKER_CONFIG=str(folder)).stdout
