"""Start trayd at login: a .desktop file on Linux, a value of the Run key on Windows, a launch agent on macOS.

On Linux the desktop (or systemd for it) reads the file. sway and i3 do not: there a systemd user unit does it, if the
session is run by systemd, else a line of their own in their configuration. Nothing is started or ended here: all of it
counts from the next login on.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trayd.core.errors import TraydError
from trayd.core.words import _
from trayd.desktop import autostart_systemd as systemd
from trayd.desktop import autostart_windows as windows
from trayd.desktop.autostart_windows import run_key_value
from trayd.desktop.autostart_xdg import EntryError, desktop_entry, parse_desktop_entry, parse_desktop_entry_exec
from trayd.files import platform_folder, shipped, write_whole

__all__ = [
    "AutostartError",
    "Status",
    "command",
    "desktop_entry",
    "disable",
    "enable",
    "launch_agent",
    "parse_desktop_entry_exec",
    "run_key_value",
    "status",
]

LABEL = "trayd"  # launchd's name for us
ANOTHER_SECONDS = 1.5  # how long another Python may take to tell whether it has trayd


class AutostartError(TraydError):
    """Starting at login could not be changed; `message` says why in plain words, `hint` what to do next."""


@dataclass(frozen=True, slots=True)
class Status:
    """What happens at the next login.

    `enabled`: an entry is there and not switched off. `problem` says in words what is wrong with it all the same, or
    who switched it off; `command` is what the entry starts. `brief` is the problem without any path, for a bug report.
    """

    enabled: bool
    location: str
    command: tuple[str, ...] = ()
    problem: str | None = None
    brief: str = field(default="", compare=False)


def command() -> tuple[str, ...]:
    """How this trayd is started, with an absolute path, without a console window on Windows."""
    here = Path(sys.executable).parent
    if sys.platform == "win32":
        scripts = (here / "traydw.exe", here / "Scripts" / "traydw.exe")
        python = str(here / "pythonw.exe")
    else:
        scripts = (here / "trayd",)
        python = sys.executable
    for script in scripts:
        if script.is_file():
            return (str(script), "run")
    return (python, "-m", "trayd", "run")


def launch_agent(command: Sequence[str]) -> bytes:
    """The property list of a macOS launch agent (launchd.plist(5)), for graphical sessions only.

    No KeepAlive: launchd would start a second trayd, which says so and exits with 1, again every ten seconds.
    """
    import plistlib  # 10 ms, for macOS only

    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": list(command),
            "RunAtLoad": True,
            "ProcessType": "Interactive",
            "LimitLoadToSessionType": "Aqua",
        }
    )


def enable(command: Sequence[str], icon: str | None = None, unit: bool = False) -> str:
    """Start `command` at every login from now on; return where that is written.

    `unit`: on Linux, by a systemd user unit. There is one entry at a time, so the other kind is taken away.
    """
    try:
        if unit:
            if sys.platform != "linux":
                raise AutostartError(
                    _("systemd is a part of Linux only."), _("Leave --systemd out: trayd autostart enable")
                )
            systemd.enable(command)
            _entry_path().unlink(missing_ok=True)
        elif sys.platform == "win32":
            windows.set_value(_run_key(), _approved_key(), command)
        elif sys.platform == "darwin":
            write_whole(_agent_path(), launch_agent(command))
        else:
            write_whole(_entry_path(), desktop_entry(command, icon or _icon()).encode())
            systemd.disable()
    except EntryError as error:
        text = _("trayd cannot start at login: {problem}.").format(problem=error)
        raise AutostartError(text, _("Install trayd in another folder.")) from error
    except UnicodeEncodeError as error:
        raise AutostartError(
            _("trayd cannot start at login: the path of the program is not valid text."),
            _("Install trayd in a folder with a plain name."),
        ) from error
    except OSError as error:
        raise _not_written(error) from error
    return _location()


def disable() -> bool:
    """Do not start at login any more; return whether an entry was there."""
    try:
        if sys.platform == "win32":
            return windows.remove_value(_run_key(), _approved_key())
        if sys.platform == "linux" and systemd.disable():
            _entry_path().unlink(missing_ok=True)
            return True
        (_agent_path() if sys.platform == "darwin" else _entry_path()).unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _not_written(error) from error
    return True


def status(command: Sequence[str]) -> Status:
    """What would start at the next login, and whether that is `command`."""
    location = _location()
    try:
        if sys.platform == "win32":
            found, off = _found_in_registry(_run_key(), _approved_key())
        elif sys.platform == "darwin":
            found, off = _found_in_agent(_agent_path().read_bytes())
        elif systemd.is_enabled():
            found, off = systemd.command_of(systemd.unit_path().read_text(encoding="utf-8", errors="replace")), None
        else:
            found, off = _found_in_entry(_entry_path().read_text(encoding="utf-8", errors="replace"))
    except (FileNotFoundError, KeyError):
        return Status(False, location)
    except (OSError, ValueError) as error:
        why = _("the entry cannot be read: {problem}").format(problem=getattr(error, "strerror", None) or error)
        return Status(False, location, (), why, _("the entry cannot be read"))
    problem, brief = (off, off) if off else _problem(found, command)
    return Status(off is None, location, found, problem, brief)


def _found_in_entry(text: str) -> tuple[tuple[str, ...], str | None]:
    keys = parse_desktop_entry(text)
    off = None
    if keys.get("Hidden", "").lower() == "true":
        off = _("it is switched off by {setting}").format(setting="Hidden=true")
    elif keys.get("X-GNOME-Autostart-enabled", "").lower() == "false":
        off = _("it is switched off by {setting}").format(setting="X-GNOME-Autostart-enabled=false")
    return tuple(parse_desktop_entry_exec(text)), off


def _found_in_registry(run: windows.Values, approved: windows.Values) -> tuple[tuple[str, ...], str | None]:
    line = run[windows.VALUE]
    found = windows.split_command_line(line) if isinstance(line, str) else []
    off = _("it is switched off in Task Manager") if windows.is_switched_off(approved) else None
    return tuple(found), off


def _found_in_agent(data: bytes) -> tuple[tuple[str, ...], str | None]:
    import plistlib

    try:
        agent = plistlib.loads(data)
    except Exception as error:  # plistlib lets expat's and its own exceptions through
        raise ValueError(_("it is not a property list")) from error
    if not isinstance(agent, dict):
        raise ValueError(_("it is not a property list of a launch agent"))
    words = agent.get("ProgramArguments", [])
    off = _("it is switched off by its key Disabled") if agent.get("Disabled") is True else None
    return tuple(str(word) for word in words) if isinstance(words, list) else (), off


def _problem(found: Sequence[str], wanted: Sequence[str]) -> tuple[str | None, str]:
    """What is wrong with an entry, in full and without paths."""
    if not found:
        return _("it starts nothing"), _("it starts nothing")
    program = found[0]
    # `which` takes paths as well as names, and asks whether the file may be run.
    if shutil.which(program) is None:
        text = _("it starts {program}, which is not there any more")
        return text.format(program=program), _("it starts a trayd that is not there any more")
    if list(found) == list(wanted):
        return None, ""
    # Ours runs at this moment, so it is whole; of another one that is not sure.
    if (missing := _missing_python(program)) is not None:
        text = _("it starts {program}, whose Python {missing} is not there any more")
        brief = _("it starts a trayd whose Python is not there any more")
        return text.format(program=program, missing=missing), brief
    if _without_trayd(found):
        text = _("it starts {program}, where trayd is not installed any more")
        return text.format(program=program), _("it starts a Python that has no trayd any more")
    shown = subprocess.list2cmdline(found) if sys.platform == "win32" else shlex.join(found)
    text = _("it starts another trayd: {command}").format(command=shown)
    return text, _("it starts another trayd than this one")


def _missing_python(program: str) -> str | None:
    """The Python that a script asks for, if it is gone: the script of a moved virtual environment stays behind."""
    try:
        with open(shutil.which(program) or program, "rb") as file:
            first, second = (os.fsdecode(file.readline(4096)) for _line in range(2))
    except OSError:
        return None
    if not first.startswith("#!"):
        return None
    # pip writes a path that is too long for the kernel, or holds blanks, behind a line for the shell.
    long = re.match(r"""'''exec' ("[^"]+"|\S+)""", second)
    python = long[1].strip('"') if long else first[2:].strip().split(" ")[0]
    return python if os.path.isabs(python) and not os.path.exists(python) else None


def _without_trayd(found: Sequence[str]) -> bool:
    """Whether an entry starts trayd from a Python that does not have it any more; nothing of trayd is run for that."""
    if list(found[1:3]) != ["-m", "trayd"]:
        return False
    code = "import importlib.util as u, sys; sys.exit(42 if u.find_spec('trayd') is None else 0)"
    null = subprocess.DEVNULL
    try:
        done = subprocess.run(
            [found[0], "-c", code], stdin=null, stdout=null, stderr=null, timeout=ANOTHER_SECONDS, cwd="/", check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 42


def _location() -> str:
    if sys.platform == "win32":
        return rf"HKEY_CURRENT_USER\{windows.RUN}\{windows.VALUE}"
    if sys.platform == "linux" and systemd.is_enabled():
        return str(systemd.unit_path())
    return str(_agent_path() if sys.platform == "darwin" else _entry_path())


def _icon() -> str | None:
    path = shipped("trayd.png", "icons/trayd.png")
    return path if os.path.exists(path) else None


def _entry_path() -> Path:
    return Path(platform_folder("config")).parent / "autostart" / "trayd.desktop"


def _agent_path() -> Path:
    return Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"


def _run_key() -> windows.Values:
    return windows.CurrentUserKey(windows.RUN)


def _approved_key() -> windows.Values:
    return windows.CurrentUserKey(windows.APPROVED)


def _not_written(error: OSError) -> AutostartError:
    # The place is in the next step: this is a notification's title, of which only the beginning is shown.
    text = _("Starting at login could not be changed ({problem})")
    step = _("Your organisation may have locked this setting; ask your administrator.")
    if sys.platform != "win32":
        step = _("Make sure that you may write to {folder}, then try again.")
        step = step.format(folder=os.path.dirname(_location()))
    return AutostartError(
        text.format(problem=error.strerror or _("it cannot be written")),
        step,
    )
