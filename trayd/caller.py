"""Which shell called us, and what a person types there to take trayd's text in."""

from __future__ import annotations

import os
import sys

from trayd.core.shells import SHELLS, find_shell

# A wrapper (uv run, timeout, sudo) may stand between the shell and us.
_GENERATIONS = 4


def calling_shell() -> str:
    """Return the shell that called us, for the syntax to write: the nearest above us, else the person's own."""
    if sys.platform == "win32":
        # PowerShell adds a folder of the user's to this variable; cmd inherits only the system's.
        return "powershell" if "\\Documents\\" in os.environ.get("PSMODULEPATH", "") else "cmd"
    pid = os.getppid()
    for _ in range(_GENERATIONS):
        names, pid = _process(pid)
        if found := next((name for name in names if find_shell(name)), ""):
            return os.path.basename(found).lstrip("-")
        if pid <= 1:
            break
    own = os.environ.get("SHELL", "")
    return os.path.basename(own) if find_shell(own) else "sh"


def _process(pid: int) -> tuple[list[str], int]:
    """Return the names under which a process was started, and its parent; 0 if that is not known."""
    if not os.path.isdir("/proc/self"):
        return _process_by_ps(pid)
    try:
        # The command line first: a script's name stands in comm, and its shell only here.
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            names = [os.fsdecode(file.read(4096).split(b"\0")[0])]
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            comm, _, rest = file.read().partition("(")[2].rpartition(") ")
        return [*names, comm], int(rest.split()[1])
    except (OSError, IndexError, ValueError):
        return [], 0


def _process_by_ps(pid: int) -> tuple[list[str], int]:
    import subprocess  # macOS has no /proc

    try:
        command = ["ps", "-o", "ppid=,comm=", "-p", str(pid)]
        told = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=2, check=True)
        parent, _, comm = told.stdout.strip().partition(" ")
        return [comm.strip()], int(parent)
    except (OSError, ValueError, subprocess.SubprocessError):
        return [], 0


def eval_line(shell: str, profile: str = "", unset: bool = False) -> str:
    """Return what takes `trayd env` in, in a shell; --shell is said where nothing else could tell it."""
    found = find_shell(shell)
    family = found.name if found else "sh"
    call = "trayd env"
    if profile:
        plain = profile.isascii() and all(c.isalnum() or c in "._-+@" for c in profile)
        call += f" {profile if plain else _quoted(family, profile)}"
    if unset:
        call += " --unset"
    return {
        "fish": f"{call} | source",
        "powershell": f"{call} --shell powershell | Invoke-Expression",
        "cmd": f"for /f \"delims=\" %i in ('{call} --shell cmd') do @%i",
        # Without the double quotes csh would join blanks and expand a * in the values.
        "csh": f'eval "`{call} --shell csh`"',
    }.get(family, f'eval "$({call})"')


def _quoted(family: str, profile: str) -> str:
    return f'"{profile}"' if family == "cmd" else SHELLS[family].quote(profile)
