"""`trayd status`: the installed program asks real engines, dead ones and silent ones."""

import itertools
import json
import os
import re
import time
from datetime import datetime

import pytest

from tests.cli.program import TRAYD, Watching, environment, profile, trayd
from tests.cli.screen import CTRL_C, Screen
from tests.harness.ask import free_port
from tests.harness.poll import wait_until
from tests.harness.responder import Responder
from tests.harness.responder import engine as small_engine
from tests.harness.standin import silent, unanswered

QUICK = "health: {interval: 1s, timeout: 1s, grace: 0s}\n"
PROFILE_KEYS = ["name", "source", "host", "state", "since", "latency_ms", "engine"]
PROFILE_KEYS += ["another_engine", "diagnosis", "certificates"]
ENGINE_KEYS = ["version", "api_version", "os", "arch", "name", "id"]
DIAGNOSIS_KEYS = ["code", "cause", "next", "detail"]
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.mark.engine
def test_the_table_tells_what_a_real_engine_says(engine) -> None:
    """All reachable: an aligned table with state, latency, version and address, exit code 0, and no other words."""
    profile("office", f"host: {engine.unix_url}\n")
    profile("the-same-by-tcp", f"host: {engine.tcp_url}\n")
    told = trayd("status")
    assert (told.returncode, told.stderr) == (0, "")
    head, *rows = told.stdout.splitlines()
    starts = [head.index(word) for word in ("PROFILE", "STATE", "LATENCY", "ENGINE", "ENDPOINT")]
    for row, name, url in zip(rows, ("office", "the-same-by-tcp"), (engine.unix_url, engine.tcp_url), strict=True):
        cells = [row[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)]
        assert cells[:2] == [name, "● reachable"]
        assert re.fullmatch(r"(<1|\d+) ms", cells[2])
        assert re.match(r"\d+\.\d+", cells[3])
        assert cells[4] == url
    assert [row[0] for row in rows] == ["*", " "]


def test_a_dead_engine_is_a_reason_and_a_step() -> None:
    """Not reachable: exit code 1, and below the table the cause and the next step in plain words."""
    profile("lab", f"host: tcp://127.0.0.1:{free_port()}\n")
    told = trayd("status")
    assert told.returncode == 1
    assert "✖ stopped" in told.stdout
    _, reason, step = told.stdout.rsplit("\n", 3)[:3]
    assert reason.startswith("lab: 127.0.0.1 is up, but nothing listens on port")
    assert step.startswith("  → Start the engine there")
    assert "Error" not in told.stdout


def test_only_the_chosen_ones_are_asked() -> None:
    """`trayd status P Q` asks these two, in the order given, each once."""
    for name in ("a", "b", "c"):
        profile(name, f"host: tcp://127.0.0.1:{free_port()}\n")
    told = json.loads(trayd("status", "c", "a", "c", "--json").stdout)
    assert [entry["name"] for entry in told["profiles"]] == ["c", "a"]


def test_a_broken_file_hides_nobody() -> None:
    """A broken profile is a word on stderr; the others are asked all the same, and --json stays JSON."""
    profile("lab", "hots: x\n")
    with Responder(small_engine(), unix=True) as office:
        profile("office", f"host: {office.url}\n")
        told = trayd("status", "--json")
    assert told.returncode == 0
    assert [entry["name"] for entry in json.loads(told.stdout)["profiles"]] == ["office"]
    assert told.stderr.startswith("⚠ lab.yaml:1: ")


@pytest.mark.engine
def test_the_json_is_what_is_documented(engine) -> None:
    """`--json`: the documented keys in their order, RFC 3339 in UTC, and null exactly where nothing is known."""
    profile("office", f"host: {engine.unix_url}\n")
    profile("lab", "host: unix:///nowhere/docker.sock\n")
    trayd("use", "office")
    ran = trayd("status", "--json")
    assert (ran.returncode, ran.stderr) == (1, "")
    told = json.loads(ran.stdout)
    assert list(told) == ["active", "profiles"]
    assert told["active"] == "office"
    lab, office = told["profiles"]
    for entry in (lab, office):
        assert list(entry) == PROFILE_KEYS
        assert entry["source"] == "file"
        assert RFC_3339.fullmatch(entry["since"])
        assert abs(datetime.fromisoformat(entry["since"]).timestamp() - time.time()) < 30
    assert (office["name"], office["host"], office["state"]) == ("office", engine.unix_url, "reachable")
    assert type(office["latency_ms"]) is float
    assert office["diagnosis"] is None
    assert list(office["engine"]) == ENGINE_KEYS
    known = json.loads(engine.ask("/version").body)
    assert office["engine"]["version"] == known["Version"]
    assert office["engine"]["api_version"] == known["ApiVersion"]
    assert all(isinstance(value, str) and value for value in office["engine"].values())
    assert (lab["name"], lab["state"], lab["latency_ms"], lab["engine"]) == ("lab", "unreachable", None, None)
    assert list(lab["diagnosis"]) == DIAGNOSIS_KEYS
    assert lab["diagnosis"]["code"] == "socket_missing"
    assert all(isinstance(value, str) and value for value in lab["diagnosis"].values())


def timed(runs: int, *arguments: str) -> float:
    """The fastest of some runs: what the program takes on a machine that does nothing else."""
    best = float("inf")
    for _ in range(runs):
        start = time.monotonic()
        trayd(*arguments)
        best = min(best, time.monotonic() - start)
    return best


@pytest.mark.engine
def test_twenty_engines_cost_no_more_than_the_slowest(engine) -> None:
    """Asking 20 engines of which 3 are dead or hang takes the slowest timeout, and half a second at most besides."""
    timeout = 1.5
    for number in range(17):
        profile(f"good{number}", f"host: {engine.unix_url if number % 2 else engine.tcp_url}\n")
    with silent() as hangs, unanswered() as (host, port):
        for name, url in {"hangs": hangs.url, "off": f"tcp://{host}:{port}", "dead": "tcp://127.0.0.1:9"}.items():
            profile(name, f"host: {url}\nhealth: {{timeout: {timeout}s}}\n")
        one = timed(3, "status", "good1")
        all_of_them = timed(2, "status")
        told = json.loads(trayd("status", "--json").stdout)
    print(f"1 engine {one:.2f} s, 20 engines {all_of_them:.2f} s, timeout {timeout} s")
    assert all_of_them <= one + timeout + 0.5
    states = {entry["name"]: entry["state"] for entry in told["profiles"]}
    assert [states.pop(name) for name in ("hangs", "off", "dead")] == ["hung", "unreachable", "unreachable"]
    assert set(states.values()) == {"reachable"}


def test_ctrl_c_does_not_wait_for_an_engine() -> None:
    """While an engine is being waited for, Ctrl-C ends at once with 130, without a traceback."""
    with silent() as hangs:
        profile("hangs", f"host: {hangs.url}\nhealth: {{timeout: 60s}}\n")
        with Watching("status") as program:
            wait_until(lambda: hangs.connections, what="the question")
            start = time.monotonic()
            assert program.interrupt() == (130, "")
            assert time.monotonic() - start < 2


# --- --watch


def test_watch_writes_a_line_for_every_change() -> None:
    """Piped, `--watch` is one line a change with time, name and words, at once; Ctrl-C ends it with 130."""
    port = free_port()
    profile("office", f"host: tcp://127.0.0.1:{port}\n{QUICK}")
    with Watching("status", "--watch") as program:
        first = program.line()
        assert re.fullmatch(rf"{RFC_3339.pattern} office stopped: 127\.0\.0\.1 is up, but nothing .*\n", first)
        with Responder(small_engine(), port=port):
            assert program.line().split(" ", 1)[1] == "office reachable\n"
        rest = [program.line().split(" ", 2)[2]]
        while not rest[-1].startswith("stopped"):
            rest.append(program.line().split(" ", 2)[2])
        assert len(rest) <= 3, rest
        assert program.interrupt() == (130, "")


def test_watch_writes_json_lines() -> None:
    """`--watch --json` is the documented object on a line for every change, and never the same line twice."""
    with Responder(small_engine(), unix=True) as office:
        profile("office", f"host: {office.url}\n{QUICK}")
        with Watching("status", "--watch", "--json") as program:
            told = [json.loads(program.line())]
            while told[-1]["profiles"][0]["state"] != "reachable":
                told.append(json.loads(program.line()))
            profile("lab", "host: unix:///nowhere.sock\n")
            while [entry["state"] for entry in told[-1]["profiles"]] != ["unreachable", "reachable"]:
                told.append(json.loads(program.line()))
            assert program.interrupt() == (130, "")
    assert all(list(entry) == PROFILE_KEYS for line in told for entry in line["profiles"])
    assert all(a != b for a, b in itertools.pairwise(told))


def test_watch_of_some_shows_only_these() -> None:
    """`trayd status P --watch` watches P alone."""
    profile("lab", "host: unix:///nowhere.sock\n")
    profile("office", "host: unix:///nowhere.sock\n")
    with Watching("status", "office", "--watch", "--json") as program:
        assert [entry["name"] for entry in json.loads(program.line())["profiles"]] == ["office"]


def test_watch_redraws_in_place() -> None:
    """In a terminal one table is kept up to date; Ctrl-C ends with 130, the table stays, the terminal is as before."""
    port = free_port()
    profile("office", f"host: tcp://127.0.0.1:{port}\n{QUICK}")
    profile("a-name-that-is-so-long-that-it-fills-the-line", f"host: unix:///{'long/' * 12}docker.sock\n")
    with Screen([*TRAYD, "status", "--watch"], environment()) as screen:
        screen.wait_for("stopped")
        with Responder(small_engine(), port=port):
            seen = screen.wait_for("● reachable")
            assert "nothing listens" not in seen, "the reason went with the outage"
            assert seen.count("PROFILE") == 1, "one table, not one below the other"
        screen.wait_for("stopped")
        screen.press(CTRL_C)
        assert screen.ended() == 130
        assert screen.unchanged()
        assert screen.seen().count("PROFILE") == 1
        assert "✖ stopped" in screen.seen()
        assert "Traceback" not in screen.output
        assert "\x1b[31m" in screen.output
        assert all(len(line) <= 80 for line in screen.seen().splitlines())
        assert screen.seen().endswith("^C\n")


def test_watch_fits_into_a_small_window() -> None:
    """More engines than lines: the table ends with how many are hidden, and is still redrawn in place."""
    for number in range(15):
        profile(f"lab{number:02}", "host: unix:///nowhere.sock\n")
    with Screen([*TRAYD, "status", "--watch"], environment(), rows=10) as screen:
        wait_until(lambda: screen.seen().count("✖") == 6, what="all states that fit")
        seen = screen.wait_for("more lines")
        assert seen.count("PROFILE") == 1
        assert len(seen.splitlines()) <= 9


def test_no_color_is_obeyed() -> None:
    """With NO_COLOR the live table has no colours, only words and marks."""
    profile("office", "host: unix:///nowhere.sock\n")
    with Screen([*TRAYD, "status", "--watch"], environment(NO_COLOR="1")) as screen:
        screen.wait_for("✖ not running")
        assert not re.search(r"\x1b\[[0-9;]*m", screen.output)


def test_nothing_is_left_in_the_home() -> None:
    """Looking, once or for a while, writes no file."""
    home = os.environ["HOME"]
    trayd("status")
    with Watching("status", "--watch") as program:
        program.line()
    assert os.listdir(home) == []
