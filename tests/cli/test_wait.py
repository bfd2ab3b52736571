"""`trayd wait`: a script goes on when an engine is there, or is gone, and hears why when it has waited in vain."""

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cli.program import TRAYD, Watching, environment, profile, trayd
from tests.cli.screen import CTRL_C, Screen
from tests.harness.dockerd import Dockerd
from tests.harness.poll import wait_until
from tests.harness.responder import Responder
from tests.harness.responder import engine as small_engine
from tests.harness.standin import silent

Start = Callable[..., Dockerd]
GONE = "host: unix:///nowhere.sock\n"


def ended(program: Watching, seconds: float = 20.0) -> tuple[int, float]:
    """The exit code, and when the program ended."""
    return program.process.wait(seconds), time.monotonic()


@pytest.mark.engine
def test_what_is_already_so_is_not_waited_for(engine) -> None:
    """An engine that answers is up, one that is not there is down: exit code 0 at once, without a word."""
    profile("office", f"host: {engine.unix_url}\n")
    profile("lab", GONE)
    for arguments in (["office"], ["office", "--up"], ["lab", "--down"], ["office", "--timeout", "0"]):
        start = time.monotonic()
        told = trayd("wait", *arguments)
        assert (told.returncode, told.stdout, told.stderr) == (0, "", ""), arguments
        assert time.monotonic() - start < 10


@pytest.mark.engine
def test_a_returning_engine_is_seen_at_once(dockerd: Start, record_testsuite_property) -> None:
    """A script that waits for a real engine goes on within moments of its first answer, not at the next look."""
    office = dockerd()
    profile("office", f"host: {office.unix_url}\nhealth: {{interval: 60m}}\n")
    office.stop()
    with Watching("wait", "office", "--timeout", "2m") as program:
        time.sleep(3)  # its quick first tries are over: from here on it looks twice a second, or is woken
        assert program.process.poll() is None
        office.start()
        answered = time.monotonic()
        code, at = ended(program)
    assert code == 0
    record_testsuite_property("wait_up_s", round(at - answered, 3))
    print(f"ended {at - answered:+.3f} s after the harness saw an answer")
    assert at - answered < 1.5


@pytest.mark.engine
def test_the_end_of_an_engine_is_seen_at_once(dockerd: Start, record_testsuite_property) -> None:
    """`--down` ends with the engine: its event stream breaks, and nobody waits for an interval or a grace."""
    office = dockerd()
    profile("office", f"host: {office.unix_url}\nhealth: {{interval: 60m, grace: 10m}}\n")
    with Watching("wait", "office", "--down", "--timeout", "2m") as program:
        wait_until(lambda: held(office), 20, "the event stream")
        assert program.process.poll() is None
        killed = office.kill()
        code, at = ended(program)
    assert code == 0
    record_testsuite_property("wait_down_s", round(at - killed, 3))
    print(f"ended {at - killed:.3f} s after the kill")
    assert at - killed < 2


def held(engine: Dockerd) -> bool:
    """Whether somebody holds the engine's event stream: dockerd counts them."""
    return bool(json.loads(engine.ask("/info").body)["NEventsListener"])


def test_a_short_restart_is_a_down() -> None:
    """Inside the grace, where the tray raises no alarm, a script that waits for the end goes on."""
    with ExitStack() as stack:
        with Responder(small_engine(), unix=True) as office:
            profile("office", f"host: {office.url}\nhealth: {{interval: 1s, grace: 10m}}\n")
            program = stack.enter_context(Watching("wait", "office", "--down"))
            wait_until(lambda: office.requests, what="the question")
        assert ended(program)[0] == 0


def test_a_wait_in_vain_says_why() -> None:
    """When the time is over: exit code 1, the state, the cause and the next step; nothing on stdout."""
    profile("office", GONE)
    start = time.monotonic()
    told = trayd("wait", "office", "--timeout", "700ms")
    assert 0.7 <= time.monotonic() - start < 10
    assert (told.returncode, told.stdout) == (1, "")
    first, second = told.stderr.splitlines()
    assert first.startswith("trayd: office is not reachable after 700ms: ")
    assert "/nowhere.sock" in first
    assert second.startswith("  → ")


def test_an_engine_that_stays_is_said_too() -> None:
    """`--down` in vain, and a single look, say that it is reachable, and how to wait longer."""
    with Responder(small_engine(), unix=True) as office:
        profile("office", f"host: {office.url}\n")
        for text, words in (("300ms", "after 300ms"), ("0", "now")):
            told = trayd("wait", "office", "--down", "--timeout", text)
            assert told.returncode == 1
            first, second = told.stderr.splitlines()
            assert first == f"trayd: office is reachable {words}, not gone"
            assert second == "  → Give it more time: trayd wait office --down --timeout 60s"


def test_an_engine_that_says_nothing_is_not_up() -> None:
    """One that hangs: it does not answer, or has not yet when the time is shorter than an answer may take."""
    with silent() as hangs:
        profile("office", f"host: {hangs.url}\nhealth: {{timeout: 1s}}\n")
        told = trayd("wait", "office", "--timeout", "3s")
        assert told.returncode == 1
        assert told.stderr.startswith("trayd: office does not answer after 3s: ")
        assert trayd("wait", "office", "--down").returncode == 0
        profile("office", f"host: {hangs.url}\nhealth: {{timeout: 60s}}\n")
        told = trayd("wait", "office", "--timeout", "300ms")
        assert told.returncode == 1
        assert told.stderr.startswith("trayd: office has not answered after 300ms\n")


def test_a_profile_that_goes_away_ends_the_wait() -> None:
    """Nobody waits for an engine whose file was removed meanwhile."""
    profile("lab", GONE)
    with silent() as hangs:
        path = profile("office", f"host: {hangs.url}\n")
        with Watching("wait", "office", "--timeout", "10m") as program:
            wait_until(lambda: hangs.connections, 20, "the question")
            path.unlink()
            assert ended(program)[0] == 1
            assert program.process.stderr is not None
            assert program.process.stderr.read().startswith("trayd: the profile 'office' does not exist any more")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["offise"], 1, "there is no profile 'offise' (did you mean 'office'?)"),
        ([], 2, "required: P"),
        (["office", "--up", "--down"], 2, "not allowed with"),
        (["office", "--timeout", "soon"], 2, "'soon' is not a duration: write it like 500ms, 60s or 2m"),
        (["office", "--timeout", "\u0661\u0662"], 2, "is not a duration"),
        (["office", "--timeout", "inf"], 2, "'inf' is not a duration"),
    ],
)
def test_a_mistake_is_explained(arguments: list[str], code: int, words: str) -> None:
    """An unknown profile, no profile, both goals, a time that is none: one sentence and the way on, at once."""
    profile("office", GONE)
    start = time.monotonic()
    told = trayd("wait", *arguments)
    assert (told.returncode, told.stdout) == (code, "")
    first, second = told.stderr.splitlines()
    assert words in first
    assert second.startswith("  → ")
    assert time.monotonic() - start < 10


def test_ctrl_c_ends_the_wait() -> None:
    """Interrupted, it ends with 130 and says nothing."""
    with silent() as hangs:
        profile("office", f"host: {hangs.url}\n")
        with Watching("wait", "office") as program:
            wait_until(lambda: hangs.connections, 20, "the question")
            assert program.interrupt() == (130, "")


def test_a_terminal_shows_what_is_waited_for() -> None:
    """A person sees on one line what the engine is; Ctrl-C leaves it there, and the terminal as it was."""
    profile("office", GONE)
    with Screen([*TRAYD, "wait", "office"], environment()) as screen:
        seen = screen.wait_for("office: not running · ")
        assert len(seen.splitlines()) == 1
        screen.press(CTRL_C)
        assert screen.ended() == 130
        assert screen.unchanged()
        assert "Traceback" not in screen.output
        assert all(len(line) <= 80 for line in screen.seen().splitlines())


def test_waiting_leaves_nothing_in_the_home() -> None:
    """A wait writes no file: the choice and the known engines are the tray's."""
    trayd("wait", "local", "--timeout", "100ms")
    assert list(Path.home().iterdir()) == []
