"""Sentences of docs/security.md, held against the running program: what it sends, what it opens, what it keeps."""

import base64
import json
import os
import re
import stat
from pathlib import Path

import pytest

from tests.harness.need import need
from tests.harness.poll import wait_until
from tests.harness.program import Trayd
from tests.harness.responder import Responder, engine

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
TOLD = set(re.findall(r"`(/\w[\w/]*)`", PAGE.partition("**It only asks.**")[2].partition("\n-")[0]))
SECRETS = ("opensesame", "in-my-header", "in-my-variable")


@pytest.fixture
def engines():
    """Two engines on which everything that is asked is noted."""
    with Responder(engine(), unix=True) as local, Responder(engine()) as remote:
        yield local, remote


@pytest.fixture
def program(engines):
    """trayd with a profile for each, in a home whose docker settings hold a login and a header."""
    running = Trayd("run", "--verbose")
    login = base64.b64encode(b"ann:opensesame").decode()
    settings = {"auths": {"https://index.docker.io/v1/": {"auth": login}}, "HttpHeaders": {"X-Mine": "in-my-header"}}
    (running.home / ".docker").mkdir()
    (running.home / ".docker" / "config.json").write_text(json.dumps(settings))
    for name, one in zip(("local", "remote"), engines, strict=True):
        running.profile(name, f"host: {one.url}\nhealth: {{interval: 1s}}\nenv: {{TOKEN: in-my-variable}}\n")
    with running:
        for name, one in zip(("local", "remote"), engines, strict=True):
            running.say("use", name)  # images are listed for the active one alone
            wait_until(lambda one=one: asked(one) >= TOLD, 60, f"each of {sorted(TOLD)} at {name}")
        yield running


def asked(one):
    """Which questions came, without the version of the API."""
    return {re.sub(r"^/v[0-9.]+|\?.*", "", request.path) for request in one.requests}


def test_an_engine_is_only_asked(program, engines):
    """All that comes to an engine are GET requests for the paths that the page names, and no other."""
    for command in (("status",), ("check", "local"), ("check", "remote"), ("which",)):
        program.say(*command)
    for one in engines:
        assert {request.method for request in one.requests} == {"GET"}
        assert asked(one) == TOLD


def test_no_login_and_no_header_of_dockers_settings_is_sent(program, engines):
    """What config.json holds for registries and proxies goes to no engine; trayd's own name does."""
    for one in engines:
        for request in one.requests:
            assert set(request.headers) <= {"host", "user-agent", "accept", "accept-encoding", "connection"}
            assert request.headers["user-agent"].startswith("trayd/")


def test_nothing_listens(program):
    """The running program has no socket on which somebody could call it, of no kind."""
    need(os.path.isdir("/proc/self/net"), "Linux")
    own = set()
    for entry in Path(f"/proc/{program.pid}/fd").iterdir():
        if found := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(entry)):
            own.add(found[1])
    assert own  # its connections to the engines
    listening = set()
    for kind in ("tcp", "tcp6"):
        rows = [line.split() for line in Path(f"/proc/{program.pid}/net/{kind}").read_text().splitlines()[1:]]
        listening |= {row[9] for row in rows if row[3] == "0A"}
    for kind in ("udp", "udp6", "raw", "raw6"):
        rows = [line.split() for line in Path(f"/proc/{program.pid}/net/{kind}").read_text().splitlines()[1:]]
        listening |= {row[9] for row in rows}
    rows = [line.split() for line in Path(f"/proc/{program.pid}/net/unix").read_text().splitlines()[1:]]
    listening |= {row[6] for row in rows if int(row[3], 16) & 0x10000}  # __SO_ACCEPTCON
    assert listening  # the engines of this test, at least
    assert own & listening == set()


def test_its_files_are_private_and_hold_no_secret(program, engines):
    """All that trayd writes is 0600 in folders 0700, and neither log nor state nor a command shows a secret."""
    shown = [program.output()]
    for command in (("log",), ("status", "--json"), ("check", "remote"), ("doctor",), ("profiles",), ("which",)):
        told = program.say(*command)
        shown.append(told.stdout + told.stderr)
    folder = Path(program.say("log", "--path").stdout.strip()).parent
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.name for path in written} >= {"trayd.log", "state.json"}
    for path in [*written, folder]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    shown += [path.read_text(encoding="utf-8") for path in written]
    for secret in (*SECRETS, base64.b64encode(b"ann:opensesame").decode()):
        assert not [text for text in shown if secret in text], secret
    log = (folder / "trayd.log").read_text(encoding="utf-8")
    assert "remote: reachable" in log
    for one in engines:
        assert one.url.partition("://")[2] not in log
