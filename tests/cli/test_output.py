"""Where the output goes, what the locale knows, what the home allows, and what becomes of a bug."""

import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import TRAYD, Result, environment, profile, read_only, trayd
from tests.harness.ask import free_port
from tests.harness.need import need
from tests.harness.responder import Responder, engine

PROGRAM = shlex.join(TRAYD)
DEAD = "host: unix:///nowhere/docker.sock\n"
SECRET = "hunter2-is-my-password"
# What a bug looks like: the innermost function that the command calls fails with whatever it holds.
CRASH = f"""
import sys, trayd.core.profile as p
def broken(profile):
    password = dict(profile.env)["PASSWORD"]
    raise KeyError(f"no way to tcp://me:{SECRET}@build.example:2376")
p.variables = broken
from trayd.cli import main
sys.exit(main(["env", "office", "--shell", "sh"]))
"""


def shell(line: str, **more: str | None) -> Result:
    """Run a line of bash, which is where a person redirects and pipes."""
    need("bash", "sudo apt-get install bash")
    return subprocess.run(
        ["bash", "-c", line], env=environment(**more), capture_output=True, encoding="utf-8", timeout=60
    )


# --- where it goes


@pytest.mark.parametrize("command", ["status", "profiles", "config schema", "--help", "env", "status --json"])
def test_whoever_stops_reading_breaks_nothing(command: str) -> None:
    """`trayd … | head -1`, or a reader that is gone already, ends without a traceback and without a word."""
    profile("office", DEAD)
    told = shell(f"{PROGRAM} {command} | head -1; {PROGRAM} {command} | true; {PROGRAM} {command} | exec 0<&-")
    assert told.stderr == ""
    assert told.stdout.count("\n") == 1


def test_watching_ends_when_nobody_reads_on() -> None:
    """`trayd status --watch | head -1` is the first change, and the program ends at the next one."""
    port = free_port()
    profile("office", f"host: tcp://127.0.0.1:{port}\nhealth: {{interval: 1s, timeout: 1s}}\n")
    pipe = subprocess.PIPE
    command = [*TRAYD, "status", "--watch"]
    with subprocess.Popen(command, env=environment(), stdout=pipe, stderr=pipe, text=True) as program:
        try:
            assert program.stdout is not None
            assert program.stderr is not None
            assert " stopped: " in program.stdout.readline()
            program.stdout.close()
            with Responder(engine(), port=port):
                assert program.wait(15) == 1
            assert program.stderr.read() == ""
        finally:
            program.kill()


@pytest.mark.parametrize("command", ["status", "profiles", "env", "--help", "status --watch", "config schema"])
def test_a_full_disk_is_a_sentence(command: str) -> None:
    """Output that cannot be written ends with 1 and a sentence."""
    need(Path("/dev/full").exists(), "a Linux with /dev/full")
    profile("office", DEAD)
    told = shell(f"timeout 20 {PROGRAM} {command} >/dev/full; echo $?")
    assert told.stdout == "1\n"
    first, second = told.stderr.splitlines()
    assert first == "trayd: the output cannot be written (No space left on device)"
    assert second.startswith("  → ")


@pytest.mark.parametrize("command", ["status", "profiles", "env", "config check", "--help", "nosuch"])
def test_without_any_output_it_works_in_silence(command: str) -> None:
    """With stdout and stderr closed, as without a console on Windows, a command still does its work."""
    profile("office", DEAD)
    told = shell(f"{PROGRAM} {command} >&- 2>&-; echo $?")
    assert told.stdout == {"status": "1\n", "nosuch": "2\n"}.get(command, "0\n")


# --- what the locale knows


@pytest.mark.parametrize("locale", [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
                                    {"PYTHONIOENCODING": "latin-1"}], ids=["C", "latin-1"])  # fmt: skip
@pytest.mark.parametrize("command", ["status", "profiles", "--help", "nosuch", "use nosuch", "env office"])
def test_no_locale_is_too_small(command: str, locale: dict[str, str]) -> None:
    """Where the locale has no ● or →, plain marks stand for them, and nothing dies of an encoding."""
    profile("office", DEAD)
    told = subprocess.run([*TRAYD, *command.split()], env=environment(**locale), capture_output=True, timeout=60)
    assert told.returncode == {"status": 1, "nosuch": 2, "use nosuch": 1}.get(command, 0)
    text = (told.stdout + told.stderr).decode("ascii")
    assert "Traceback" not in text
    assert "?" not in text.replace("Docker engine am I talking to, does it answer, and if not, why?", "").replace(
        "is everything up?", ""
    )
    if command == "status":
        assert "x not running" in text


def test_a_value_reaches_the_shell_in_any_locale() -> None:
    """`trayd env` never replaces a character of a value: a wrong path would be worse than none."""
    profile("office", f"{DEAD}env: {{WHERE: /srv/Jörg → 東京}}\n")
    for locale in ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "ascii"}):
        told = subprocess.run([*TRAYD, "env", "office"], env=environment(**locale), capture_output=True, timeout=60)
        assert "WHERE='/srv/Jörg → 東京'".encode() in told.stdout


# --- what the home allows


def test_a_home_that_does_not_exist_is_no_reason_to_fail() -> None:
    """With a HOME that is not there every command works, and nothing is made but what was asked for."""
    away = {"HOME": "/nonexistent/home", "TRAYD_CONFIG_DIR": None, "XDG_CONFIG_HOME": None, "XDG_STATE_HOME": None}
    for command, code in {"profiles": 0, "env": 0, "config path": 0, "config check": 0, "status": 1}.items():
        told = trayd(*command.split(), **away)
        assert "Traceback" not in told.stderr
        if command != "status" or not Path("/var/run/docker.sock").exists():
            assert told.returncode == code, (command, told.stderr)
    assert trayd("config", "path", **away).stdout == "/nonexistent/home/.config/trayd\n"
    assert not Path("/nonexistent").exists()


def test_a_read_only_home_only_forgets_the_choice(tmp_path: Path) -> None:
    """In a home that cannot be written everything can be looked at; `use` says why the choice is not kept, with 1."""
    profile("office", DEAD)
    home = Path(os.environ["HOME"])
    assert read_only(home, "profiles").returncode == 0
    assert read_only(home, "env").returncode == 0
    assert "not running" in read_only(home, "status").stdout
    told = read_only(home, "use", "office")
    assert (told.returncode, told.stdout) == (1, "")
    first, second = told.stderr.splitlines()
    assert first.startswith("trayd: the choice cannot be saved (")
    assert second == f"  → It is kept in {home}/.local/state/trayd/state.json: make that writable"


# --- a bug


def crash(**more: str | None) -> Result:
    profile("office", f"{DEAD}env: {{PASSWORD: {SECRET}}}\n")
    command = [sys.executable, "-c", CRASH]
    env = environment(TOKEN=SECRET, **more)
    return subprocess.run(command, env=env, capture_output=True, encoding="utf-8", timeout=60)


def test_a_bug_leaves_a_report_without_secrets() -> None:
    """A bug ends with 3 and the path of a private report with the traceback: no password, no variable, no home."""
    told = crash()
    assert (told.returncode, told.stdout) == (3, "")
    first, second = told.stderr.splitlines()
    report = Path(first.removeprefix("trayd: this is a bug in trayd. The report is in "))
    assert report == Path(os.environ["XDG_STATE_HOME"], "trayd", "crash.log")
    assert "report it" in second
    text = report.read_text()
    assert text.startswith("trayd 0.")
    assert "Traceback (most recent call last):" in text
    assert "trayd env office --shell sh" in text
    assert "KeyError" in text
    assert "tcp://…@build.example:2376" in text
    assert SECRET not in text
    assert os.environ["HOME"] not in text
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert stat.S_IMODE(report.parent.stat().st_mode) == 0o700


def test_a_bug_in_a_home_that_cannot_be_written_is_reported_elsewhere(tmp_path: Path) -> None:
    """If the state folder cannot be made, the report is in the folder for temporary files, still private."""
    told = crash(XDG_STATE_HOME="/proc/nowhere", TMPDIR=str(tmp_path))
    assert told.returncode == 3
    path = Path(told.stderr.splitlines()[0].rpartition(" ")[2])
    assert path.parent == tmp_path
    assert "KeyError" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_desktops_settings_do_not_change_the_json() -> None:
    """`--json` is the same ASCII text whatever the locale, the colours or the width of the terminal."""
    profile("büro", DEAD)
    plain = trayd("profiles", "--json").stdout
    assert plain.isascii()
    assert json.loads(plain)["active"] == "büro"
    assert trayd("profiles", "--json", COLUMNS="20", NO_COLOR="1", PYTHONIOENCODING="latin-1").stdout == plain


def test_the_program_is_installed() -> None:
    """The script beside the interpreter is what these tests run, where there is one."""
    assert shutil.which(TRAYD[0])
