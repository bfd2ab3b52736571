"""`trayd completion` in the real shells: a person presses Tab, and the command that stands there then is run."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import environment, profile, trayd
from tests.cli.screen import Screen
from tests.harness.need import find, need
from tests.harness.poll import wait_until

pytestmark = pytest.mark.desktop

DEAD = "host: tcp://127.0.0.1:9\n"
NASTY = "x $(touch executed) 'y'"
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(trayd completion bash)"'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -U compinit; compinit -u -D; eval "$(trayd completion zsh)"'),
    "tcsh": (["tcsh", "-f", "-i"], "trayd completion tcsh > c.tcsh; source c.tcsh"),
}


class Shell:
    """A shell with trayd's completion in a terminal."""

    def __init__(self, terminal: Screen) -> None:
        self._terminal = terminal
        self._lines = 0

    def ready(self, words: str = "") -> None:
        """Run a line, and wait until the shell has done it."""
        self._lines += 1
        self._terminal.press(f"{words + '; ' if words else ''}echo read''y{self._lines}\n")
        wait_until(lambda: f"ready{self._lines}" in self._terminal.output, 30, self._terminal.output)

    def complete(self, typed: str, completed: str) -> None:
        """Type, press Tab, and see a whole word there."""
        before = len(self._terminal.output)
        self._terminal.press(f"{typed}\t")
        wait_until(
            lambda: completed in self._terminal.output[before:],
            20,
            f"{completed!r} after {typed!r} and Tab",
            every=0.05,
        )

    def enter(self) -> None:
        """Run what stands there."""
        self._terminal.press("\n")
        self.ready()


def remembered() -> str:
    path = Path(os.environ["XDG_STATE_HOME"], "trayd", "state.json")
    return str(json.loads(path.read_text())["active"]) if path.exists() else ""


@pytest.fixture
def shell(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    name = request.param
    command, start = SHELLS[name]
    need(name, f"apt-get install {name}")
    for other in ("office", "lab", NASTY):
        profile(other, DEAD)
    monkeypatch.chdir(tmp_path)
    program = str(find(name))
    with Screen([program, *command[1:]], environment(SHELL=program, PS1="> "), columns=200) as terminal:
        running = Shell(terminal)
        running.ready(start)
        yield running


EVERY = pytest.mark.parametrize("shell", SHELLS, indirect=True)
# tcsh splits what a command prints at blanks.
EXACT = pytest.mark.parametrize("shell", ["bash", "zsh"], indirect=True)


@EVERY
def test_tab_completes_a_profile(shell: Shell) -> None:
    """Two letters of a profile and Tab are its name, which runs."""
    shell.complete("trayd use of", "fice")
    shell.enter()
    assert remembered() == "office"


@EVERY
def test_a_new_profile_is_known_at_once(shell: Shell) -> None:
    """Profiles are asked for at every Tab, not when the shell started."""
    profile("workshop", DEAD)
    shell.complete("trayd use wo", "rkshop")
    shell.enter()
    assert remembered() == "workshop"


@EVERY
def test_tab_completes_commands_and_options(shell: Shell) -> None:
    """Commands, their parts, their words and their options are completed."""
    shell.complete("trayd autos", "tart")
    shell.complete("sta", "tus")
    shell.enter()
    shell.complete("trayd config sc", "hema")
    shell.enter()
    shell.complete("trayd config sample rem", "ote-tls")
    shell.enter()
    shell.complete("trayd env --sh", "ell")


@EXACT
def test_a_name_is_never_evaluated(shell: Shell, tmp_path: Path) -> None:
    """A name with blanks, quotes and a command in it is completed to exactly that name, and nothing runs."""
    shell.complete("trayd use x", "touch")
    shell.enter()
    assert remembered() == NASTY
    assert not (tmp_path / "executed").exists()


def test_fish_completes_a_profile() -> None:
    """fish, by its own way to ask for completions, gets profiles, commands and options."""
    need("fish", "apt-get install fish")
    profile("office", DEAD)
    lines = '"use of" "auto" "autostart st" "config sample rem" "env --sh"'
    ask = f'trayd completion fish | source; for line in {lines}; complete -C "trayd $line"; end'
    done = subprocess.run(
        ["fish", "--no-config", "-c", ask], env=environment(), capture_output=True, encoding="utf-8", timeout=60
    )
    told = [line.split("\t")[0] for line in done.stdout.splitlines()]
    assert told == ["office", "autostart", "status", "remote-tls", "--shell"], done.stdout + done.stderr


def test_only_names_are_printed() -> None:
    """`trayd profiles --names` is a list for programs: one name on each line, and no word about problems."""
    profile("office", DEAD)
    profile("lab", "hots: x\n")
    told = trayd("profiles", "--names")
    assert (told.returncode, told.stdout, told.stderr) == (0, "office\n", "")
