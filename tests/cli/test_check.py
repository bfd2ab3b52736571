"""`trayd check`: the installed program climbs to real engines, dead ones and slow ones."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.program import Watching, profile, trayd
from tests.harness import responder
from tests.harness.ask import free_port
from tests.harness.dockerd import Dockerd
from tests.harness.responder import Responder
from tests.harness.standin import silent
from tests.harness.tls import DAY, Authority, now

NAMES = ["name", "address", "tls files", "connection", "ssh", "tls", "http", "docker", "api", "permission", "engine"]
NAMES += ["clock"]


@pytest.mark.engine
def test_a_good_engine_is_a_ladder_without_a_break(engine) -> None:
    """Exit code 0: a head line, then a line for each rung with mark, name, time and finding below each other."""
    profile("office", f"host: {engine.tcp_url}\n")
    told = trayd("check", "office")
    assert (told.returncode, told.stderr) == (0, "")
    head, *lines = told.stdout.splitlines()
    assert head == f"office: {engine.tcp_url}"
    assert [line[2:13].strip() for line in lines] == NAMES
    assert {line[0] for line in lines} == {"✓", "–"}
    assert all(line[1] == " " and line[21:23].strip() == "" for line in lines)
    assert re.fullmatch(r"✓ api +(<1|\d+) ms  API 1\.\d+ \(1\.\d+ to 1\.\d+\)", lines[NAMES.index("api")])


def test_a_dead_engine_breaks_its_rung() -> None:
    """Exit code 1: the broken rung with cause, next step and raw text, all above it not asked."""
    port = free_port()
    profile("lab", f"host: tcp://127.0.0.1:{port}\n")
    told = trayd("check", "lab")
    assert (told.returncode, told.stderr) == (1, "")
    before, _, after = told.stdout.partition("✗ connection ")
    assert "✗" not in before + after
    _, cause, step, raw, *rest = after.splitlines()
    assert cause == f"  127.0.0.1 is up, but nothing listens on port {port}. [refused]"
    assert step.startswith("  → Start the engine there")
    assert raw.startswith("  raw: ConnectionRefusedError")
    assert [line[0] for line in rest] == ["–"] * 8


@pytest.mark.engine
def test_the_json_is_what_is_documented(engine) -> None:
    """`--json`: all rungs in their order, with the documented keys, states and types; exit codes as in text."""
    profile("office", f"host: {engine.unix_url}\n")
    profile("lab", "host: unix:///nowhere.sock\n")
    for name, host, code in (("office", engine.unix_url, 0), ("lab", "unix:///nowhere.sock", 1)):
        ran = trayd("check", name, "--json")
        assert (ran.returncode, ran.stderr) == (code, "")
        told = json.loads(ran.stdout)
        assert list(told) == ["profile", "host", "ok", "rungs"]
        assert (told["profile"], told["host"], told["ok"]) == (name, host, not code)
        assert [rung["name"] for rung in told["rungs"]] == NAMES
        for rung in told["rungs"]:
            assert list(rung) == ["name", "state", "ms", "finding", "diagnosis"]
            assert rung["state"] in ("ok", "failed", "skipped", "warning")
            assert rung["ms"] is None or type(rung["ms"]) is float
            assert (rung["diagnosis"] is not None) == (rung["state"] == "failed")
    (failed,) = [rung for rung in told["rungs"] if rung["state"] == "failed"]
    assert failed["name"] == "address"
    assert list(failed["diagnosis"]) == ["code", "cause", "next", "detail"]
    assert failed["diagnosis"]["code"] == "socket_missing"


def test_rungs_are_told_while_climbing() -> None:
    """While an engine does not answer, the rungs below are there already; Ctrl-C ends it with 130."""
    with silent() as hangs:
        profile("hangs", f"host: {hangs.url}\nhealth: {{timeout: 60s}}\n")
        with Watching("check", "hangs") as program:
            assert program.line() == f"hangs: {hangs.url}\n"
            told = [program.line() for _ in range(5)]
            assert [line[2:13].strip() for line in told] == NAMES[:5]
            assert program.interrupt() == (130, "")


def test_without_a_name_it_is_the_active_one() -> None:
    """`trayd check` climbs to the active profile, and refuses a name that does not exist with the nearest one."""
    profile("a", "host: unix:///nowhere/a.sock\n")
    profile("b", "host: unix:///nowhere/b.sock\n")
    trayd("use", "b")
    assert trayd("check").stdout.startswith("b: unix:///nowhere/b.sock\n")
    told = trayd("check", "bb")
    assert (told.returncode, told.stdout) == (1, "")
    assert "did you mean 'b'?" in told.stderr


def test_a_plain_terminal_can_show_it() -> None:
    """Where the locale knows only ASCII, the marks are plain ones."""
    profile("lab", "host: unix:///nowhere.sock\n")
    told = trayd("check", "lab", LANG="C", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert told.returncode == 1
    assert told.stdout.isascii()
    assert "\nx address " in told.stdout
    assert "\n- name " in told.stdout


@pytest.mark.engine
def test_an_ending_certificate_is_said_before_it_ends(tmp_path: Path) -> None:
    """Of a real engine whose certificate has 12 days left, `status` says so below the table and in its JSON, and
    `check` warns; both exit with 0, since it can still be used."""
    authority, soon = Authority(tmp_path / "ca"), now() + 12 * DAY
    date = soon.date().isoformat()
    folder = authority.client(not_after=now() + 300 * DAY)
    with Dockerd(unix=False, tcp=True, tls=authority.server(not_after=soon)) as running:
        profile("office", f"host: {running.tcp_url}\ntls: {{cert_path: {folder}}}\n")
        status, as_json, check = trayd("status"), trayd("status", "--json"), trayd("check")
    assert (status.returncode, as_json.returncode, check.returncode) == (0, 0, 0)
    assert status.stdout.endswith(f"\n\n⚠ certificate of office ends in 12 days ({date})\n")
    (office,) = json.loads(as_json.stdout)["profiles"]
    server, client, ca = office["certificates"]
    assert list(server) == ["what", "ends", "days"]
    assert (server["what"], server["ends"][:10], server["days"]) == ("server", date, 12)
    assert (client["what"], ca["what"]) == ("client", "ca")
    assert re.search(rf"^⚠ tls .* certificate until {date} \(12 days\)", check.stdout, re.MULTILINE)


def test_nothing_secret_is_shown(tmp_path: Path) -> None:
    """Neither the text nor the JSON holds a line of the key or of the profile's own variables."""
    authority = Authority(tmp_path / "ca")
    folder = authority.client()
    with Responder(responder.engine(), tls=authority.server()) as server:
        profile("office", f"host: {server.url}\ntls: {{cert_path: {folder}}}\nenv: {{TOKEN: hunter2}}\n")
        shown = trayd("check").stdout + trayd("check", "--json").stdout
    assert "hunter2" not in shown
    assert not any(line in shown for line in (folder / "key.pem").read_text().splitlines())
