"""Starting at login: what is written, that it means what was meant, and what is said about it."""

import ast
import os
import plistlib
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.harness.need import need
from tests.harness.poll import wait_until
from trayd.desktop import autostart, autostart_systemd, autostart_windows
from trayd.desktop.autostart import (
    AutostartError,
    Status,
    desktop_entry,
    disable,
    enable,
    launch_agent,
    parse_desktop_entry_exec,
    run_key_value,
    status,
)
from trayd.desktop.autostart_xdg import EntryError, parse_desktop_entry

HOSTILE = st.text(
    st.one_of(
        st.sampled_from(list(" \t\n\r\"'\\`$%<>~|&;*?#()=[]éu")),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    )
)
PROGRAMS = HOSTILE.map(lambda program: "/" + re.sub(r"[=%\\]", "", program))
COMMANDS = st.tuples(PROGRAMS, st.lists(HOSTILE, max_size=5)).map(lambda parts: [parts[0], *parts[1]])


@pytest.fixture
def program(tmp_path: Path) -> str:
    """An installed trayd, in a folder with a difficult name."""
    path = tmp_path / 'my "own" $HOME' / "trayd"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def entry() -> Path:
    return Path(os.environ["XDG_CONFIG_HOME"], "autostart", "trayd.desktop")


def test_the_entry_is_what_desktops_expect() -> None:
    """The file that a desktop reads at login, as a whole."""
    assert desktop_entry(["/opt/my apps/trayd", "run"], "trayd") == (
        "[Desktop Entry]\n"
        "Type=Application\n"
        "Name=trayd\n"
        "Comment=Shows which Docker engine you are talking to and whether it answers\n"
        "Comment[zh_CN]=显示当前连接的是哪个 Docker 引擎，以及它是否有响应\n"
        'Exec="/opt/my apps/trayd" run\n'
        "TryExec=/opt/my apps/trayd\n"
        "Icon=trayd\n"
        "Terminal=false\n"
        "X-GNOME-Autostart-enabled=true\n"
    )
    assert "Icon" not in desktop_entry(["trayd"], None)


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("plain", "plain"),
        ("", '""'),
        ("100%", "100%%"),
        ("50 %u", '"50 %%u"'),
        ("$HOME", '"\\\\$HOME"'),  # the value's own escaping doubles the backslash of the quoting
        ("`id`", '"\\\\`id\\\\`"'),
        ('"', '"\\\\""'),
        ("\\", '"\\\\\\\\"'),  # four, as the specification says
        ("a\nb", '"a\\nb"'),
        ("it's", '"it\'s"'),
    ],
)
def test_every_reserved_character_is_quoted(word: str, written: str) -> None:
    """What the specification reserves reaches the program as it is."""
    assert f"Exec=/bin/trayd {written}\n" in desktop_entry(["/bin/trayd", word], None)


@given(COMMANDS)
@example([" lead", "trail ", "", "%f", "%%", "a\\nb", "\u2028", "\x85", "=", "[x]"])
def test_any_command_survives_the_entry(command: list[str]) -> None:
    """Whatever a folder or an argument is called, the desktop starts exactly that."""
    text = desktop_entry(command, None)
    assert parse_desktop_entry_exec(text) == command
    assert parse_desktop_entry(text)["TryExec"] == command[0]


@given(COMMANDS)
def test_any_command_leaves_the_other_lines_alone(command: list[str]) -> None:
    """No name can add a line of its own to the entry."""
    lines = desktop_entry(command, None).rstrip("\n").split("\n")
    assert [line.partition("=")[0] for line in lines] == [
        "[Desktop Entry]", "Type", "Name", "Comment", "Comment[zh_CN]", "Exec", "TryExec", "Terminal",
        "X-GNOME-Autostart-enabled",
    ]  # fmt: skip


@given(st.lists(HOSTILE.map(lambda word: word.replace("\n", "").replace("\r", "")), min_size=1, max_size=5))
def test_any_command_survives_the_run_key(command: list[str]) -> None:
    """Whatever a folder or an argument is called, Windows starts exactly that."""
    assert autostart_windows.split_command_line(run_key_value(command)) == command


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"])), min_size=1, max_size=5))
def test_any_command_survives_the_launch_agent(command: list[str]) -> None:
    """Whatever a folder or an argument is called, launchd starts exactly that."""
    assert plistlib.loads(launch_agent(command)) == {
        "Label": "trayd",
        "ProgramArguments": command,
        "RunAtLoad": True,
        "ProcessType": "Interactive",
        "LimitLoadToSessionType": "Aqua",
    }


@given(COMMANDS)
def test_any_command_survives_the_unit(command: list[str]) -> None:
    """Whatever is in the path and the arguments, the unit says the same command."""
    command = [word for word in command if word]
    assert list(autostart_systemd.command_of(autostart_systemd.unit(command))) == command


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux")
def test_a_unit_takes_the_place_of_the_entry(program: str, entry: Path) -> None:
    """There is one way to start at a time, whichever was chosen last; status and disable know both."""
    command = (program, "run")
    enable(command)
    unit = enable(command, unit=True)
    assert not entry.exists()
    assert status(command) == Status(True, unit, command)
    assert enable(command) == str(entry)
    assert not Path(unit).exists()
    enable(command, unit=True)
    Path(program).unlink()
    assert "not there any more" in (status(command).problem or "")
    assert disable() is True
    assert status(command) == Status(False, str(entry))


def test_field_codes_of_a_hand_written_entry_stand_for_nothing() -> None:
    """An entry that somebody wrote by hand, with %u and a comment, is read as a desktop reads it."""
    text = "# mine\n[Desktop Entry]\nExec = trayd  %u --name=%c run\n[Desktop Action x]\nExec=other\n"
    assert parse_desktop_entry_exec(text) == ["trayd", "--name=", "run"]
    assert parse_desktop_entry_exec("[Desktop Entry]\nName=x\n") == []


@pytest.mark.parametrize("line", ['"open', "end\\\\"])
def test_a_broken_exec_line_is_said_to_be_broken(line: str) -> None:
    """A line that no desktop can start is not guessed at."""
    with pytest.raises(EntryError):
        parse_desktop_entry_exec(f"[Desktop Entry]\nExec={line}\n")


@pytest.mark.parametrize("folder", ["a=b", "100%", "a\\b"])
def test_a_path_that_desktops_cannot_start_is_refused(entry: Path, folder: str) -> None:
    """What a desktop would silently not start is refused in words before anything is written."""
    with pytest.raises(AutostartError, match="desktops cannot start") as refused:
        enable([f"/opt/{folder}/trayd"])
    assert folder in refused.value.message
    assert not entry.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the folder of Linux desktops")
def test_on_and_off_again(program: str, entry: Path) -> None:
    """Switched on, trayd starts at login; switched off, nothing is left of it."""
    command = [program, "run"]
    assert status(command) == Status(False, str(entry))
    assert disable() is False
    assert enable(command) == str(entry)
    assert status(command) == Status(True, str(entry), (program, "run"))
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600
    assert stat.S_IMODE(entry.parent.stat().st_mode) == 0o700
    assert enable(command) == str(entry)
    assert os.listdir(entry.parent) == ["trayd.desktop"]
    assert disable() is True
    assert status(command) == Status(False, str(entry))


@pytest.mark.skipif(sys.platform != "linux", reason="the file of Linux desktops")
def test_a_desktop_starts_exactly_that(tmp_path: Path) -> None:
    """GLib, which GNOME, XFCE and Cinnamon start programs with, passes every hostile argument on unchanged."""
    need("gio", "apt-get install libglib2.0-bin")
    # Without a percent sign in the path: GLib looks the program up before it expands "%%" and does not find it.
    program = tmp_path / 'we ird $HOME "q" `id` it\'s' / "trayd"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\nimport os, sys\n"
        f"open({str(tmp_path / 'part')!r}, 'w').write(repr(sys.argv))\n"
        f"os.rename({str(tmp_path / 'part')!r}, {str(tmp_path / 'argv')!r})\n"
    )
    program.chmod(0o755)
    command = [
        str(program),
        "run",
        "",
        "%f",
        "100%",
        "$HOME",
        "`id`",
        "a b",
        '"x"',
        "back\\slash",
        "\\n",
        "new\nline",
        "~",
    ]
    environment = os.environ | {"GIO_USE_VFS": "local", "DBUS_SESSION_BUS_ADDRESS": "disabled:"}
    subprocess.run(["gio", "launch", enable(command)], env=environment, check=True, capture_output=True, timeout=20)
    wait_until((tmp_path / "argv").exists, what="the program's start")
    assert ast.literal_eval((tmp_path / "argv").read_text()) == command


def test_the_validator_agrees(program: str) -> None:
    """freedesktop.org's own checker finds nothing wrong with the entry."""
    need("desktop-file-validate", "sudo apt-get install desktop-file-utils")
    done = subprocess.run(["desktop-file-validate", enable([program, "run"])], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("line", ["Hidden=true", "X-GNOME-Autostart-enabled=false"])
def test_a_switch_in_the_file_counts(program: str, entry: Path, line: str) -> None:
    """Switched off in the desktop's own settings, it is off, and trayd says by what; switching on undoes that."""
    enable([program])
    key = line.partition("=")[0]
    kept = [old for old in entry.read_text().splitlines() if not old.startswith(key)]
    entry.write_text("\n".join([*kept, line]) + "\n")
    assert status([program]) == Status(False, str(entry), (program,), f"it is switched off by {line}")
    enable([program])
    assert status([program]).enabled


def test_a_program_that_is_gone_is_noticed(program: str, entry: Path) -> None:
    """When trayd was moved or removed, status says which program the entry looks for."""
    enable([program])
    Path(program).unlink()
    assert status([program]) == Status(
        True, str(entry), (program,), f"it starts {program}, which is not there any more"
    )


def test_another_trayd_is_noticed(program: str, entry: Path) -> None:
    """When the entry starts an older or another installation, status shows its command."""
    enable([sys.executable, "-m", "trayd", "run"])
    found = status([program, "run"])
    assert found.enabled
    assert found.problem == f"it starts another trayd: {sys.executable} -m trayd run"


@pytest.mark.parametrize("content", [b'[Desktop Entry]\nExec="open\n', b"\xff\xfe", b"", b"[Desktop Entry]\n"])
def test_an_unreadable_entry_is_said_to_be_wrong(content: bytes, entry: Path) -> None:
    """A damaged entry is a sentence, not a crash."""
    entry.parent.mkdir(parents=True)
    entry.write_bytes(content)
    assert status(["trayd"]).problem


def test_a_folder_that_cannot_be_written_is_said_in_words(entry: Path) -> None:
    """Where the entry cannot be written, trayd says why, and where and what to do, and leaves nothing half done."""
    entry.parent.parent.mkdir(parents=True)
    entry.parent.write_text("")
    with pytest.raises(AutostartError) as refused:
        enable(["trayd"])
    assert "(Not a directory)" in refused.value.message
    assert str(entry.parent) in (refused.value.hint or "")


def test_the_entry_has_trayds_icon(entry: Path) -> None:
    """A desktop's list of what starts at login shows trayd's own picture, which no package has to install for it."""
    enable(["trayd"])
    icon = parse_desktop_entry(entry.read_text())["Icon"]
    assert Path(icon).is_absolute()
    assert Path(icon).read_bytes().startswith(b"\x89PNG")


def test_the_command_is_an_absolute_path() -> None:
    """What is written works from any folder: this installation's own script, or its Python."""
    found = autostart.command()
    assert Path(found[0]).is_file()
    assert Path(found[0]).is_absolute()
    script = Path(sys.executable).parent / "trayd"
    assert found == ((str(script), "run") if script.is_file() else (sys.executable, "-m", "trayd", "run"))


def test_without_a_script_python_starts_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trayd that runs from its sources starts at login too."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python3"))
    assert autostart.command() == (str(tmp_path / "python3"), "-m", "trayd", "run")


class Windows:
    """The registry of a Windows machine as two mappings, and its platform name."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.run: dict[str, str | bytes] = {}
        self.approved: dict[str, str | bytes] = {}
        monkeypatch.setattr(sys, "platform", "win32")
        monkeypatch.setenv("PATHEXT", ".EXE")  # with Linux's os.pathsep, Python finds no ending in its own list
        monkeypatch.setattr(autostart, "_run_key", lambda: self.run)
        monkeypatch.setattr(autostart, "_approved_key", lambda: self.approved)


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Windows:
    return Windows(monkeypatch)


@pytest.fixture
def exe(program: str) -> str:
    """The same as Windows has it: from 3.12 on Python asks for the ending there."""
    return str(Path(program).rename(f"{program}.exe"))


def test_windows_on_and_off_again(windows: Windows, exe: str) -> None:
    """On Windows trayd stands in the Run key of its person, quoted as Windows wants it."""
    command = [exe, "run"]
    where = r"HKEY_CURRENT_USER\Software\Microsoft\Windows\CurrentVersion\Run\trayd"
    assert status(command) == Status(False, where)
    assert enable(command) == where
    assert windows.run == {"trayd": subprocess.list2cmdline(command)}
    assert status(command) == Status(True, where, (exe, "run"))
    assert disable() is True
    assert disable() is False
    assert windows.run == {}


def test_task_managers_switch_counts(windows: Windows, exe: str) -> None:
    """Switched off in Task Manager, it is off, and switching on in trayd undoes that."""
    enable([exe])
    windows.approved["trayd"] = bytes.fromhex("030000000a0b0c0d0e0f1011")
    assert status([exe]).problem == "it is switched off in Task Manager"
    assert not status([exe]).enabled
    enable([exe])
    assert status([exe]).enabled
    assert windows.approved == {}
    windows.approved["trayd"] = bytes.fromhex("020000000000000000000000")
    assert status([exe]).enabled


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (r'"C:\Program Files\trayd\traydw.exe" run', [r"C:\Program Files\trayd\traydw.exe", "run"]),
        (r"C:\a\b.exe  x\\", [r"C:\a\b.exe", "x\\\\"]),
        (r'a\\\"b "c\\" d', ['a\\"b', "c\\", "d"]),
        ('""', [""]),
        ("", []),
    ],
)
def test_windows_command_lines_are_read_as_windows_reads_them(line: str, words: list[str]) -> None:
    """A Run value that somebody else wrote is understood as well."""
    assert autostart_windows.split_command_line(line) == words


def test_macos_on_and_off_again(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS a launch agent in the person's own library starts trayd."""
    monkeypatch.setattr(sys, "platform", "darwin")
    where = Path.home() / "Library" / "LaunchAgents" / "trayd.plist"
    command = [program, "run"]
    assert status(command) == Status(False, str(where))
    assert enable(command) == str(where)
    assert status(command) == Status(True, str(where), (program, "run"))
    where.write_bytes(plistlib.dumps({"ProgramArguments": command, "Disabled": True}))
    assert not status(command).enabled
    where.write_bytes(b"<plist")
    assert status(command).problem == "the entry cannot be read: it is not a property list"
    assert disable() is True
    assert disable() is False


@pytest.mark.skipif(sys.platform != "linux", reason="scripts with a line for the kernel")
@pytest.mark.parametrize("folder", ["venv", "my venv", "v" * 130])
def test_a_moved_environment_is_noticed(tmp_path: Path, folder: str) -> None:
    """pip's script of an environment that was moved is still there, but its Python is not: status says which."""
    old, new = tmp_path / folder, tmp_path / "moved"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", old], check=True, timeout=60)
    python = old / "bin" / "python"
    # As pip writes it: straight, or through the shell where the kernel could not read the line.
    straight = " " not in str(python) and len(str(python)) < 127
    start = f"#!{python}" if straight else f"#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''"
    script = old / "bin" / "trayd"
    script.write_text(f"{start}\nprint('trayd')\n")
    script.chmod(0o755)
    assert subprocess.run([script], capture_output=True, text=True, timeout=20).stdout == "trayd\n"
    enable([str(script), "run"])
    assert status(["/usr/bin/trayd", "run"]).problem == f"it starts another trayd: {_shown(script)} run"
    old.rename(new)
    assert status(["/usr/bin/trayd", "run"]).problem == f"it starts {script}, which is not there any more"
    enable([str(new / "bin" / "trayd"), "run"])
    assert status(["/usr/bin/trayd", "run"]).problem == (
        f"it starts {new / 'bin' / 'trayd'}, whose Python {python} is not there any more"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="an environment with links")
def test_a_python_without_trayd_is_noticed(tmp_path: Path) -> None:
    """An entry for a Python from which trayd was taken away, or that was deleted itself, is said to be wrong."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True, timeout=60)
    python = tmp_path / "venv" / "bin" / "python"
    package = next((tmp_path / "venv" / "lib").iterdir()) / "site-packages" / "trayd"
    package.mkdir()
    (package / "__init__.py").touch()
    enable([str(python), "-m", "trayd", "run"])
    assert (status(["trayd", "run"]).problem or "").startswith("it starts another trayd:")
    shutil.rmtree(package)
    assert status(["trayd", "run"]).problem == f"it starts {python}, where trayd is not installed any more"
    python.unlink()
    assert status(["trayd", "run"]).problem == f"it starts {python}, which is not there any more"


def _shown(path: Path) -> str:
    return f"'{path}'" if " " in str(path) else str(path)
