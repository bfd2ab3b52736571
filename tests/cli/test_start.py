"""`trayd run` where there is no desktop: in a terminal the live view, without one silence; a second one says so."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import TRAYD, environment, profile, trayd
from tests.cli.screen import CTRL_C, Screen
from tests.harness.poll import wait_until
from tests.harness.processes import descendants

DEAD = "host: unix:///nowhere/docker.sock\n"


def lock() -> Path:
    return Path(os.environ["XDG_RUNTIME_DIR"], "trayd", "trayd.lock")


@pytest.fixture
def running() -> Iterator["subprocess.Popen[str]"]:
    """A `trayd run` without terminal, bus and display, once it is the one that runs."""
    profile("office", DEAD)
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*TRAYD, "run"],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        text=True,
        start_new_session=True,
    ) as program:
        try:
            wait_until(lambda: lock().exists() and lock().read_text() == f"{program.pid}\n", what="the lock")
            yield program
        finally:
            program.kill()


def assert_quiet(program: "subprocess.Popen[str]") -> None:
    """No data, and one sentence for the session's log at most."""
    data, words = program.communicate()
    assert data == ""
    assert words == "" or (words.startswith("trayd: ") and words.count("\n") == 1), words


def test_a_second_trayd_says_so(running: "subprocess.Popen[str]") -> None:
    """While one runs, `trayd` and `trayd run` end with 1, a sentence with its process number, and the first stays."""
    for command in ([], ["run"], ["run", "--profile", "office"]):
        told = trayd(*command)
        assert (told.returncode, told.stdout) == (1, "")
        first, second = told.stderr.splitlines()
        assert first == f"trayd: trayd is already running (process {running.pid})"
        assert second.startswith("  → ")
    assert running.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_without_a_terminal_it_waits_quietly(running: "subprocess.Popen[str]", number: signal.Signals) -> None:
    """Started by a session without a tray yet, trayd waits, with a sentence in the log at most, and leaves nothing."""
    with pytest.raises(subprocess.TimeoutExpired):
        running.wait(0.6)
    assert [process.pid for process in descendants({running.pid})] == [running.pid]
    running.send_signal(number)
    assert running.wait(5) == 0
    assert_quiet(running)
    assert lock().read_text() == ""
    left = [path.name for path in Path(os.environ["HOME"]).rglob("*") if path.is_file()]
    assert set(left) <= {"office.yaml", "state.json", "trayd.log"}


def test_an_unknown_profile_does_not_start() -> None:
    """`trayd run --profile` with a wrong name ends with 1 and the right one, and does not block the next start."""
    profile("office", DEAD)
    told = trayd("run", "--profile", "ofice")
    assert told.returncode == 1
    assert "there is no profile 'ofice' (did you mean 'office'?)" in told.stderr
    assert lock().read_text() == ""


def test_a_terminal_without_a_tray_gets_the_live_view() -> None:
    """In a terminal without bus, display and tray: one sentence why, then the live table; Ctrl-C ends with 130."""
    profile("office", DEAD)
    with Screen([*TRAYD], environment()) as screen:
        seen = screen.wait_for("✖ not running")
        sentence, _, table = seen.partition("  PROFILE")
        assert sentence.count("trayd: ") == 1
        assert "icon" in sentence
        assert "* office" in table
        screen.press(CTRL_C)
        assert screen.ended() == 130
        assert screen.unchanged()
        assert "Traceback" not in screen.output
        assert screen.seen().endswith("^C\n")


def test_a_closed_terminal_ends_it_in_order() -> None:
    """When the terminal's window closes, trayd ends with 0 and without a report of a bug."""
    profile("office", DEAD)
    with Screen([*TRAYD, "run"], environment()) as screen:
        screen.wait_for("✖ not running")
        screen.hang_up()
        assert screen.ended() == 0
    assert not Path(os.environ["XDG_STATE_HOME"], "trayd", "crash.log").exists()


def test_ctrl_c_without_a_terminal_is_130(running: "subprocess.Popen[str]") -> None:
    """Interrupted, it ends with 130 and no traceback."""
    running.send_signal(signal.SIGINT)
    assert running.wait(5) == 130
    assert_quiet(running)
