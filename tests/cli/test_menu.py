"""`trayd menu` as a person and a script meet it: numbers in a terminal, fzf, and any program that picks a line."""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import TRAYD, Result, environment, profile, trayd
from tests.cli.screen import CTRL_C, Screen
from tests.harness.dockerd import Dockerd
from tests.harness.need import need
from tests.harness.poll import wait_until

DEAD = "host: tcp://127.0.0.1:9\n"
PLAIN = [*TRAYD, "menu", "--plain"]
MENU = [*TRAYD, "menu"]


@pytest.fixture(autouse=True)
def profiles() -> None:
    profile("lab", DEAD)
    profile("office", "host: unix:///nowhere/docker.sock\n")


def answered(text: str, *arguments: str, **more: str | None) -> Result:
    """Run the menu with answers on its standard input."""
    return subprocess.run(
        [*MENU, *arguments], env=environment(**more), input=text, capture_output=True, encoding="utf-8", timeout=60
    )


def remembered() -> dict[str, object]:
    path = Path(os.environ["XDG_STATE_HOME"], "trayd", "state.json")
    return json.loads(path.read_text()) if path.exists() else {}


def number(shown: str, words: str) -> str:
    """The number of the last shown line with these words."""
    return re.findall(rf"^ *(\d+)  .*{re.escape(words)}", shown, re.MULTILINE)[-1]


# --- numbers


def test_the_list_says_what_the_tray_says() -> None:
    """The engine's state in words, its cause, the profiles with marks, submenus: all without choosing anything."""
    told = answered("")
    assert told.returncode == 0
    lines = told.stdout.splitlines()
    assert re.fullmatch(r" +lab — not reachable since .+", lines[0])
    assert "127.0.0.1 is up, but nothing listens on port 9." in told.stdout
    assert " 3  (•) lab ✖ stopped" in lines
    assert " 4  ( ) office ✖ not running" in lines
    assert any(re.fullmatch(r" \d  Copy environment ▸", line) for line in lines)
    assert "Quit" not in told.stdout, "there is no tray to quit"
    assert "Images" not in told.stdout, "nothing is known of them"


def test_looking_chooses_nothing() -> None:
    """A menu that was only looked at leaves no choice behind: trayd goes on following the docker CLI."""
    for text in ("", "\n", "99\n", "5\n0\n"):
        assert answered(text).returncode == 0
        assert remembered() == {}


def test_a_number_makes_a_profile_the_active_one() -> None:
    """The number of a profile is `trayd use`, and what a terminal has to do about it is said."""
    told = answered("4\n")
    assert told.returncode == 0
    assert remembered()["active"] == "office"
    assert 'office is the active profile. For this terminal: eval "$(trayd env)"' in told.stderr


def test_the_profile_that_is_active_by_itself_can_be_chosen() -> None:
    """Choosing what is already active makes it a choice, which a new file does not change."""
    assert answered("3\n").returncode == 0
    assert remembered()["active"] == "lab"


def test_a_wrong_number_is_explained() -> None:
    """What is no number of the list is said, and asked for again; the answer after it counts."""
    told = answered("0\n99\n²\n--help\n4\n")
    assert told.returncode == 0
    assert told.stderr.count("There is no line") == 4
    assert "say one of the numbers 1 to 7" in told.stderr
    assert remembered()["active"] == "office"


def test_submenus_open_and_lead_back() -> None:
    """A submenu opens as a list of its own; 0 leads back to the list it came from."""
    top = answered("").stdout
    settings = number(top, "Settings")
    told = answered(f"{settings}\n0\n4\n")
    assert "0  ‹ Back\n1  [ ] Start at login\n2  [✓] Notifications" in told.stdout
    assert told.stdout.count("(•) lab") == 2
    assert remembered()["active"] == "office"


def test_a_switch_comes_back_and_shows_itself() -> None:
    """A check mark that was chosen is shown in its new state, in the same submenu, and is really set."""
    settings = number(answered("").stdout, "Settings")
    told = answered(f"{settings}\n1\n2\n")
    assert "1  [✓] Start at login\n2  [✓] Notifications" in told.stdout
    assert "1  [✓] Start at login\n2  [ ] Notifications" in told.stdout
    assert remembered()["notifications"] is False
    assert trayd("autostart", "status").stdout == "enabled\n"


def test_without_a_clipboard_it_is_said() -> None:
    """In a terminal without a screen a copy fails with 1, and the words say what to do instead."""
    told = answered(f"{number(answered('').stdout, 'Copy environment')}\n1\n")
    assert told.returncode == 1
    assert "There is no clipboard here" in told.stderr
    assert "trayd env" in told.stderr


@pytest.mark.engine
def test_check_again_shows_what_is_so_now() -> None:
    """Check again asks the engine and comes back with the truth of this moment, its version among it."""
    with Dockerd() as running:
        profile("lab", f"host: {running.unix_url}\n")
        with Screen(PLAIN, environment(), rows=50) as terminal:
            terminal.wait_for("A number")
            assert "lab — reachable" in terminal.seen()
            running.kill()
            terminal.press("1\n")
            wait_until(
                lambda: (
                    re.search(r"^ *lab — (?!reachable)", terminal.seen().split("A number")[-2], re.MULTILINE)
                    and terminal.seen().count("A number") == 2
                ),
                20,
                "the menu with the killed engine",
            )
            terminal.press("\n")
            assert terminal.ended() == 0


@pytest.mark.engine
def test_images_are_listed_as_in_the_tray() -> None:
    """The images of the active engine are a submenu, listed before the menu is shown."""
    with Dockerd() as running:
        running.load_busybox()
        profile("lab", f"host: {running.unix_url}\n")
        top = answered("").stdout
        told = answered(f"{number(top, 'Images (1) ▸')}\n")
    assert re.search(r"^1  busybox:test \d.* [kM]B$", told.stdout, re.MULTILINE), told.stdout


def test_ctrl_c_leaves_at_once() -> None:
    """Ctrl-C ends it with 130, without a word, and the terminal is as it was."""
    with Screen(PLAIN, environment(), rows=50) as terminal:
        terminal.wait_for("A number")
        terminal.press(CTRL_C)
        assert terminal.ended() == 130
        assert terminal.unchanged()
        assert "Traceback" not in terminal.output


def test_the_running_tray_can_be_quit() -> None:
    """With a trayd in the tray, "Quit" names it and ends it, cleanly and without touching anything else."""
    running = subprocess.Popen(
        [*TRAYD, "run"],
        env=environment(DBUS_SESSION_BUS_ADDRESS="unix:path=/nonexistent"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        told = wait_until(lambda: (t := answered("")) and "Quit the running" in t.stdout and t, 30, "the line for it")
        line = f"Quit the running trayd (process {running.pid})"
        told = answered(f"{number(told.stdout, line)}\n")
        assert (told.returncode, running.wait(10)) == (0, 0)
        assert "trayd has left the tray" in told.stderr
    finally:
        if running.poll() is None:
            running.kill()
            running.wait()


# --- any program


def script(tmp_path: Path, text: str) -> str:
    path = tmp_path / "pick me"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return f"'{path}'"


def test_any_program_that_prints_a_line_will_do(tmp_path: Path) -> None:
    """`--with` takes a program with options, without a shell; what it prints is what is chosen."""
    chooser = script(tmp_path, 'shift; grep -F "$1"')
    told = answered("", "--with", f"{chooser} ignored '( ) office'")
    assert (told.returncode, told.stderr) == (0, "")
    assert remembered()["active"] == "office"


def test_a_script_comes_to_an_end(tmp_path: Path) -> None:
    """A program that always prints its first line chooses "Check again" once, not for ever."""
    told = answered("", "--with", script(tmp_path, f"echo >> '{tmp_path}/runs'; head -n 1"))
    assert (told.returncode, told.stderr) == (0, "")
    assert (tmp_path / "runs").read_text() == "\n"


def test_a_program_sees_only_lines_to_choose_and_then_what_is_told(tmp_path: Path) -> None:
    """Separators are left out, and what cannot be chosen stands behind the rest, where no search finds it first."""
    seen = tmp_path / "seen"
    assert answered("", "--with", script(tmp_path, f"cat > {seen}")).returncode == 0
    lines = seen.read_text().splitlines()
    assert lines[:4] == ["Check again", "Copy details", "(•) lab ✖ stopped", "( ) office ✖ not running"]
    told = [line for line in lines if line.startswith("· ")]
    assert lines[-len(told) :] == told
    assert "· 127.0.0.1 is up, but nothing listens on port 9." in told
    assert "─────" not in "".join(lines)


def test_a_note_that_is_chosen_does_nothing(tmp_path: Path) -> None:
    """A line that only tells ends the menu quietly, as a click on a greyed line does."""
    told = answered("", "--with", script(tmp_path, "tail -n 1"))
    assert (told.returncode, told.stderr, remembered()) == (0, "", {})


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("true", 0, ""),
        ("cat >/dev/null; exit 1", 0, ""),
        ("exit 130", 0, ""),
        ("exit 3", 1, "could not show the menu: it ended with 3"),
        ("echo; echo", 0, ""),
        ("echo rubbish", 1, "answered with a line that is not in the menu: 'rubbish'"),
        ("kill -9 $$", 1, "could not show the menu: it ended with -9"),
    ],
)
def test_a_program_that_chooses_nothing(tmp_path: Path, text: str, code: int, words: str) -> None:
    """No choice is no failure; a program that breaks, or answers something else, is told in words."""
    told = answered("", "--with", script(tmp_path, text))
    assert told.returncode == code, told.stderr
    assert words in told.stderr
    assert bool(told.stderr) == bool(words)
    assert remembered() == {}


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("rofy", "there is no program 'rofy' (did you mean 'rofi'?)"),
        ("'", "is no command"),
        ("", "no program is installed"),
    ],
)
def test_a_program_that_is_not_there(command: str, words: str, tmp_path: Path) -> None:
    """A missing program is a sentence with the next step, before any engine is asked."""
    more = ["--with", command] if command else []
    told = answered("", *more, DISPLAY=":99", PATH=str(tmp_path))
    assert told.returncode == 1
    assert words in told.stderr
    assert "  → " in told.stderr
    assert told.stdout == ""


def test_a_picker_without_its_screen_is_told(tmp_path: Path) -> None:
    """dmenu on a display that is gone ends as Escape does, but with words: they are shown, and it is a failure."""
    need("dmenu", "apt-get install suckless-tools")
    told = answered("", "--with", "dmenu", DISPLAY=":77")
    assert told.returncode == 1
    assert "dmenu could not show the menu: cannot open display" in told.stderr
    assert "trayd menu --plain" in told.stderr


def test_many_profiles_open_in_a_list_of_their_own() -> None:
    """More than twelve profiles are behind one line, and the number inside chooses the right one."""
    for n in range(15):
        profile(f"p{n:02}", DEAD)
    line = number(answered("").stdout, "Profiles (17")
    inside = answered(f"{line}\n").stdout
    told = answered(f"{line}\n{number(inside, 'p07')}\n")
    assert (told.returncode, remembered()["active"]) == (0, "p07")


def test_a_silent_engine_does_not_hold_the_menu_back(tmp_path: Path) -> None:
    """An engine that says nothing is shown as connecting after a second; the menu does not wait for its timeout."""
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        profile("lab", f"host: tcp://127.0.0.1:{silent.getsockname()[1]}\nhealth: {{timeout: 30s}}\n")
        start = time.monotonic()
        told = answered("")
        assert told.returncode == 0
        assert re.search(r"lab . connecting", told.stdout), told.stdout
        assert time.monotonic() - start < 20


# --- fzf in a terminal


@pytest.fixture
def fzf() -> Iterator[Screen]:
    need("fzf", "apt-get install fzf")
    with Screen(MENU, environment(), rows=40, columns=100) as terminal:
        wait_until(lambda: "(•) lab" in terminal.output, 20, "fzf's list")
        yield terminal


def test_fzf_is_used_in_a_terminal(fzf: Screen) -> None:
    """In a terminal fzf shows the menu: what is typed finds the line, Enter chooses it."""
    assert "nothing listens on port 9" in fzf.output, "the words stand above the list"
    fzf.press("office run")
    time.sleep(0.3)  # fzf matches on a thread of its own, and Enter takes what was found so far
    fzf.press("\r")
    assert fzf.ended() == 0
    assert remembered()["active"] == "office"


def test_fzf_opens_submenus(fzf: Screen) -> None:
    """A line with ▸ opens a list of its own, with the way back on top."""
    fzf.press("settings")
    wait_until(lambda: "Settings ▸" in fzf.output, what="the line")
    time.sleep(0.3)
    fzf.press("\r")
    wait_until(lambda: "‹ Back" in fzf.output and "[✓] Notifications" in fzf.output, what="the submenu")
    fzf.press("\x1b")
    assert fzf.ended() == 0
    assert remembered() == {}


def test_escape_in_fzf_chooses_nothing(fzf: Screen) -> None:
    """Escape is no failure, and leaves the terminal as it was."""
    fzf.press("\x1b")
    assert fzf.ended() == 0
    assert fzf.unchanged()
