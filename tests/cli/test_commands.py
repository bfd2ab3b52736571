"""The commands as a newcomer meets them: the installed program in an empty home."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import environment, profile, trayd

COMMANDS = ["run", "status", "env", "use", "profiles", "config", "config path", "config check", "config schema"]
COMMANDS += ["config sample"]
COMMANDS += ["which", "autostart", "check", "doctor", "log", "wait", "menu", "completion"]
DEAD = "host: tcp://127.0.0.1:9\n"


# --- help


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_teaches(command: str) -> None:
    """Every command says what it does and shows an example to copy, each on its own line, in 80 columns."""
    told = trayd(*command.split(), "--help")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith(f"usage: trayd {command} ")
    _, _, examples = told.stdout.partition("examples:\n")
    assert re.search(rf"^  .*trayd {command}", examples, re.MULTILINE), told.stdout
    assert max(map(len, told.stdout.splitlines())) <= 80


def test_the_first_help_shows_the_way() -> None:
    """`trayd --help` names every command with a sentence, three examples and the exit codes, in 80 columns."""
    told = trayd("--help")
    assert told.returncode == 0
    for command in COMMANDS:
        if " " not in command:
            assert re.search(rf"^  {command} +\w.* ", told.stdout, re.MULTILINE), command
    assert '\n  eval "$(trayd env)"' in told.stdout
    assert "130 Ctrl-C" in told.stdout
    assert max(map(len, told.stdout.splitlines())) <= 80


@pytest.mark.parametrize("columns", ["40", "200"])
def test_help_is_readable_in_any_window(columns: str) -> None:
    """Neither a narrow nor a very wide terminal breaks the help, whose lines stay short enough to read."""
    told = trayd("env", "--help", COLUMNS=columns)
    assert told.returncode == 0
    assert max(map(len, told.stdout.splitlines())) <= 80


def test_the_version_is_one_line() -> None:
    """`trayd --version` prints name and version and nothing else."""
    told = trayd("--version")
    assert (told.returncode, told.stderr) == (0, "")
    assert re.fullmatch(r"trayd \d+\.\d+\.\d+\S*\n", told.stdout)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["satus"], "there is no command 'satus' (did you mean 'status'?)"),
        (["frobnicate"], "there is no command 'frobnicate'"),
        (["config", "chek"], "there is no command 'chek' (did you mean 'check'?)"),
        (["config"], "say what: path, check, schema, sample"),
        (["status", "--jsn"], "unknown: --jsn"),
        (["profiles", "office"], "unknown: office"),
        (["use"], "required: P"),
        (["autostart", "maybe"], "'maybe'"),
        (["\x1b[31m"], "there is no command '[31m'"),
    ],
)
def test_a_mistake_in_the_command_line_is_explained(arguments: list[str], words: str) -> None:
    """A wrong command or option ends with 2, one sentence and where to read more; nothing goes to stdout."""
    told = trayd(*arguments)
    assert (told.returncode, told.stdout) == (2, "")
    first, second = told.stderr.splitlines()
    assert words in first
    assert second.startswith("  → ")
    assert second.endswith("--help")


# --- profiles and config


def test_without_any_file_there_is_the_local_engine() -> None:
    """In an empty home `trayd profiles` lists the local engine, active, and writes nothing."""
    told = trayd("profiles")
    assert (told.returncode, told.stderr) == (0, "")
    assert re.search(r"^\* local    unix:///\S+ +local$", told.stdout, re.MULTILINE)
    assert list(Path(os.environ["HOME"]).iterdir()) == []


def test_profiles_are_an_aligned_table() -> None:
    """Names of any width and script leave address and file below each other."""
    paths = [profile(name, DEAD) for name in ("a", "日本", "quite-a-long-name")]
    lines = trayd("profiles").stdout.splitlines()
    assert lines[0].split() == ["PROFILE", "ENDPOINT", "FROM"]
    cells = [sum(2 if c in "日本" else 1 for c in line.partition("tcp://")[0]) for line in lines[1:]]
    assert len(set(cells)) == 1, lines
    assert sorted(line.split("  ")[-1] for line in lines[1:]) == sorted(map(str, paths))


def test_profiles_for_programs() -> None:
    """`trayd profiles --json` is the names, addresses, sources and files, and which is active."""
    path = profile("office", DEAD)
    told = json.loads(trayd("profiles", "--json").stdout)
    entry = {"name": "office", "host": "tcp://127.0.0.1:9", "source": "file", "path": str(path), "active": True}
    assert told == {"active": "office", "profiles": [entry]}


def test_the_folder_can_be_elsewhere(tmp_path: Path) -> None:
    """TRAYD_CONFIG_DIR is where profiles are read, without it the config folder of the desktop's standard."""
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    (elsewhere / "lab.yaml").write_text(DEAD)
    assert trayd("config", "path", TRAYD_CONFIG_DIR=str(elsewhere)).stdout == f"{elsewhere}\n"
    assert json.loads(trayd("profiles", "--json", TRAYD_CONFIG_DIR=str(elsewhere)).stdout)["active"] == "lab"
    told = trayd("config", "path", TRAYD_CONFIG_DIR=None, XDG_CONFIG_HOME=None, HOME="/home/nobody-here")
    assert told.stdout == "/home/nobody-here/.config/trayd\n"


def test_a_profile_begins_with_a_sample() -> None:
    """`trayd config sample` lists the samples; with a name it prints that one, which is a profile as it stands."""
    listed = trayd("config", "sample")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "remote-tls " in listed.stdout
    profile("office", trayd("config", "sample", "remote-tls").stdout)
    assert trayd("config", "check").returncode == 0
    assert json.loads(trayd("profiles", "--json").stdout)["profiles"][0]["host"] == "tcp://build.example:2376"
    told = trayd("config", "sample", "remot-tls")
    assert (told.returncode, told.stdout) == (1, "")
    assert "did you mean 'remote-tls'?" in told.stderr


def test_all_problems_are_found_at_once() -> None:
    """`trayd config check` names every problem of every file with its line and a suggestion, and ends with 1."""
    profile("good", DEAD)
    profile("office", "host: tcp://build.example:2376\ntls:\n  cert_pth: ~/.docker\nhealth: {interval: never}\n")
    profile("lab", "hots: tcp://lab\n")
    told = trayd("config", "check")
    assert told.returncode == 1
    found = told.stdout.splitlines()
    assert any(line.startswith("office.yaml:3: ") and "did you mean 'cert_path'?" in line for line in found)
    assert any(line.startswith("office.yaml:4: ") for line in found)
    assert any(line.startswith("lab.yaml:1: ") and "did you mean 'host'?" in line for line in found)
    assert told.stderr.startswith("1 profile in ")


def test_good_profiles_pass_the_check() -> None:
    """`trayd config check` ends with 0, says how many profiles there are, and prints no data."""
    profile("office", DEAD)
    profile("lab", DEAD)
    told = trayd("config", "check")
    assert (told.returncode, told.stdout) == (0, "")
    assert re.fullmatch(r"2 profiles in \S+, no problems\n", told.stderr)


def test_an_empty_folder_is_no_mistake() -> None:
    """`trayd config check` in an empty home says that the local engine is used, and how to write a profile."""
    told = trayd("config", "check")
    assert told.returncode == 0
    assert "the local engine is used\n  → Samples to begin with: trayd config sample" in told.stderr


def test_the_schema_is_a_json_schema() -> None:
    """`trayd config schema` prints the JSON Schema by which an editor completes and checks a profile."""
    schema = json.loads(trayd("config", "schema").stdout)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert {"host", "tls", "env", "health"} <= schema["properties"].keys()


# --- use


def test_use_goes_back_and_forth() -> None:
    """`trayd use P` chooses, `trayd use -` goes back to the previous one, and back again."""
    for name in ("lab", "office", "zoo"):
        profile(name, DEAD)

    def use(name: str) -> str:
        told = trayd("use", name)
        assert (told.returncode, told.stdout) == (0, ""), told.stderr
        assert "For this terminal: eval" in told.stderr
        return json.loads(trayd("profiles", "--json").stdout)["active"]

    assert use("office") == "office"
    assert use("zoo") == "zoo"
    assert use("zoo") == "zoo"
    assert use("-") == "office"
    assert use("-") == "zoo"


def test_there_is_nothing_to_go_back_to_at_first() -> None:
    """`trayd use -` in a new home says so and what to type."""
    told = trayd("use", "-")
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == "trayd: there is no previous profile to go back to\n  → Say which one: trayd use PROFILE\n"


@pytest.mark.parametrize("command", ["use", "env", "status"])
def test_a_misspelt_profile_is_met_with_the_right_one(command: str) -> None:
    """An unknown profile ends with 1, the nearest name, and the list of those that exist."""
    profile("office", DEAD)
    profile("lab", DEAD)
    told = trayd(command, "ofice")
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == (
        "trayd: there is no profile 'ofice' (did you mean 'office'?)\n  → These exist: lab, office\n"
    )


@pytest.mark.parametrize("command", ["use", "env", "status"])
def test_a_broken_profile_says_what_is_wrong_with_it(command: str) -> None:
    """A profile whose file is broken ends with 1 and all its problems, with their lines."""
    profile("lab", DEAD)
    profile("office", "host: tcp://x\ncert_pth: y\nenf: {}\n")
    told = trayd(command, "office")
    assert (told.returncode, told.stdout) == (1, "")
    first, *problems = told.stderr.splitlines()
    assert first == "trayd: the profile 'office' cannot be used"
    assert [problem[:18] for problem in problems] == ["  → office.yaml:2:", "  → office.yaml:3:"]


# --- env


def test_env_prints_only_what_a_shell_evaluates() -> None:
    """`trayd env P` puts nothing but the text for eval on stdout, and nothing on stderr."""
    profile("office", "host: tcp://127.0.0.1:9\nenv: {A: b c}\n")
    told = trayd("env", "office", "--shell", "bash")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("export DOCKER_HOST='tcp://127.0.0.1:9' A='b c'; unset ")
    assert told.stdout.count("\n") == 1


def test_env_never_leads_to_another_engine_without_a_word() -> None:
    """If the active profile is broken, `trayd env` refuses; if it is gone, it says which one it is now."""
    profile("lab", DEAD)
    path = profile("office", "host: tcp://127.0.0.1:10\n")
    trayd("use", "office")
    profile("office", "hots: x\n")
    told = trayd("env")
    assert (told.returncode, told.stdout) == (1, "")
    assert "the profile 'office' cannot be used\n  → office.yaml:1:" in told.stderr
    path.unlink()
    told = trayd("env")
    assert told.returncode == 0
    assert "127.0.0.1:9'" in told.stdout
    assert told.stderr == "trayd: the active profile 'office' does not exist any more; this is 'lab'\n"


def test_cmd_gets_a_line_for_each_variable() -> None:
    """In `for /f … do @%i` an & would become a part of the value, so there cmd gets one SET a line."""
    profile("office", DEAD)
    lines = trayd("env", "office", "--shell", "cmd").stdout.splitlines()
    assert lines[0] == 'SET "DOCKER_HOST=tcp://127.0.0.1:9"'
    assert all(re.fullmatch(r'SET "[A-Z_]+=[^"&]*"', line) for line in lines)


def test_an_unknown_shell_is_not_guessed() -> None:
    """`--shell` with an unknown name ends with 1, the nearest name, and no text that a wrong shell would run."""
    told = trayd("env", "--shell", "bsh")
    assert (told.returncode, told.stdout) == (1, "")
    assert "there is no shell 'bsh' that trayd knows (did you mean 'bash'?)" in told.stderr


def test_env_starts_fast() -> None:
    """`trayd env` loads neither docker nor requests, Pillow or pystray, which would cost every prompt a second."""
    profile("office", DEAD)
    command = [sys.executable, "-X", "importtime", "-m", "trayd", "env", "office"]
    told = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60)
    assert told.returncode == 0
    loaded = {line.rsplit("|", 1)[-1].strip() for line in told.stderr.splitlines() if line.startswith("import time:")}
    assert "yaml" in loaded
    slow = {"docker", "PIL", "pystray", "requests", "urllib3", "jeepney", "watchdog", "platformdirs", "asyncio", "ssl"}
    assert not loaded & (slow | {"subprocess", "dataclasses", "difflib", "ctypes", "tempfile"})


# --- autostart


def test_start_at_login_from_the_command_line() -> None:
    """`trayd autostart` says disabled (1), enables, says enabled (0) with the command, and disables again."""
    assert (told := trayd("autostart", "status")).stdout == "disabled\n"
    assert told.returncode == 1
    assert "trayd autostart enable" in told.stderr
    where = trayd("autostart", "enable").stdout.strip()
    assert Path(where).exists()
    assert (told := trayd("autostart", "status")).stdout == "enabled\n"
    assert (told.returncode, where in told.stderr) == (0, True)
    assert trayd("autostart", "disable").returncode == 0
    assert not Path(where).exists()
